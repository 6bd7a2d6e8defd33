//! The registry of models.

use prost_types::FieldMask;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Stage, refused, violations};

pub(crate) fn register(name: &str) -> pb::RegisterModelRequest {
    pb::RegisterModelRequest { name: name.to_owned(), ..Default::default() }
}

pub(crate) fn put(model: &str, version: &str, schema: &str) -> pb::PutModelVersionRequest {
    let version = pb::ModelVersion {
        name: version.to_owned(),
        parameter_schema: schema.to_owned(),
        artifact_uri: "oci://registry.example/regression".to_owned(),
        artifact_digest: format!("sha256:{}", "0a".repeat(32)),
        ..Default::default()
    };
    pb::PutModelVersionRequest { model_id: model.to_owned(), version: Some(version), ..Default::default() }
}

fn publish(model: &pb::Model, version: &str) -> pb::PublishModelVersionRequest {
    let (model_id, version_name) = (model.model_id.clone(), version.to_owned());
    pb::PublishModelVersionRequest { model_id, version_name, ..Default::default() }
}

fn remove(model: &pb::Model, version: &str) -> pb::DeleteModelVersionRequest {
    let (model_id, version_name) = (model.model_id.clone(), version.to_owned());
    pb::DeleteModelVersionRequest { model_id, version_name, ..Default::default() }
}

fn update(model: pb::Model, paths: &[&str]) -> pb::UpdateModelRequest {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = (!paths.is_empty()).then_some(FieldMask { paths });
    pb::UpdateModelRequest { model: Some(model), update_mask, ..Default::default() }
}

async fn registered(stage: &Stage, owner: UserId, name: &str) -> pb::Model {
    let answer = stage.models(owner).register_model(register(name)).await.expect("registers");
    answer.into_inner().model.expect("a model")
}

async fn get(stage: &Stage, asker: UserId, model: &pb::Model) -> Result<pb::Model, Status> {
    let request = pb::GetModelRequest { model_id: model.model_id.clone() };
    Ok(stage.models(asker).get_model(request).await?.into_inner().model.expect("a model"))
}

async fn names(stage: &Stage, asker: UserId, size: i32) -> Vec<String> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListModelsRequest { page_size: size, page_token, ..Default::default() };
        let page = stage.models(asker).list_models(request).await.expect("lists").into_inner();
        assert!(page.models.iter().all(|model| model.versions.is_empty()));
        names.extend(page.models.into_iter().map(|model| model.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return names;
        }
    }
}

on_each_database! {
    async fn an_owner_registers_and_owners_stewards_and_scientists_read(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        assert_eq!((model.organization_id.clone(), model.etag.as_str()), (acme.to_string(), "v1"));
        for roles in [["OWNER"], ["DATA_STEWARD"], ["DATA_SCIENTIST"]] {
            let reader = stage.add_active(owner, acme, &roles).await;
            assert_eq!(get(&stage, reader, &model).await.expect("reads"), model, "{roles:?}");
            assert_eq!(names(&stage, reader, 0).await, ["Regression"], "{roles:?}");
        }
        for roles in [["DATA_STEWARD"], ["DATA_SCIENTIST"], ["GUEST"]] {
            let reader = stage.add_active(owner, acme, &roles).await;
            let refusal = stage.models(reader).register_model(register("Other")).await.expect_err("refused");
            assert_eq!(refusal.code(), Code::PermissionDenied, "{roles:?}");
        }
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        assert_eq!(get(&stage, guest, &model).await.expect_err("refused").code(), Code::PermissionDenied);
        // An administrator of the instance reads no organization's models.
        assert_eq!(refused(get(&stage, stage.admin, &model).await), "MODEL_NOT_FOUND");
    }

    async fn a_name_is_one_of_its_kind_in_an_organization_whatever_its_case(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (_, other) = stage.found("Other").await;
        let model = registered(&stage, owner, "Regression").await;
        registered(&stage, other, "Regression").await;
        let again = stage.models(owner).register_model(register("REGRESSION")).await;
        assert_eq!(refused(again), "MODEL_NAME_TAKEN");
        let second = registered(&stage, owner, "Trees").await;
        let renamed = pb::Model { name: "regression".to_owned(), ..second.clone() };
        assert_eq!(refused(stage.models(owner).update_model(update(renamed, &["name"])).await), "MODEL_NAME_TAKEN");
        let request = pb::DeleteModelRequest { model_id: model.model_id.clone(), ..Default::default() };
        stage.models(owner).delete_model(request).await.expect("deletes");
        registered(&stage, owner, "regression").await;
    }

    async fn models_are_listed_in_order_of_registration_page_by_page(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (_, other) = stage.found("Other").await;
        for name in ["C", "A", "B", "E", "D"] {
            registered(&stage, owner, name).await;
            registered(&stage, other, name).await;
            stage.new_user();
        }
        assert_eq!(names(&stage, owner, 2).await, ["C", "A", "B", "E", "D"]);
        let request = pb::ListModelsRequest { page_size: 2, ..Default::default() };
        let page = stage.models(owner).list_models(request.clone()).await.expect("lists").into_inner();
        let stolen = pb::ListModelsRequest { page_token: page.next_page_token, ..request };
        let refusal = violations(stage.models(other).list_models(stolen).await);
        assert_eq!(refusal, [("page_token".to_owned(), "FOREIGN".to_owned())]);
    }

    async fn what_is_published_never_changes(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        let id = model.model_id.as_str();
        let mut client = stage.models(owner);
        client.put_model_version(put(id, "1.0", "{}")).await.expect("adds");
        client.put_model_version(put(id, "1.0", "true")).await.expect("replaces a draft");
        client.put_model_version(put(id, "2.0", "{}")).await.expect("adds");
        client.publish_model_version(publish(&model, "1.0")).await.expect("publishes");
        let published = get(&stage, owner, &model).await.expect("reads");
        let version = &published.versions[0];
        assert_eq!((version.parameter_schema.as_str(), version.state()), ("true", pb::ModelVersionState::Published));
        assert!(version.publish_time.is_some() && published.versions[1].publish_time.is_none());
        assert_eq!(refused(client.put_model_version(put(id, "1.0", "{}")).await), "MODEL_VERSION_PUBLISHED");
        assert_eq!(refused(client.delete_model_version(remove(&model, "1.0")).await), "MODEL_VERSION_PUBLISHED");
        // What asks for what is there already is no change.
        client.put_model_version(put(id, "1.0", "true")).await.expect("changes nothing");
        client.publish_model_version(publish(&model, "1.0")).await.expect("changes nothing");
        assert_eq!(get(&stage, owner, &model).await.expect("reads"), published);
        client.delete_model_version(remove(&model, "2.0")).await.expect("deletes a draft");
        assert_eq!(refused(client.publish_model_version(publish(&model, "2.0")).await), "MODEL_VERSION_NOT_FOUND");
        assert_eq!(get(&stage, owner, &model).await.expect("reads").versions.len(), 1);
    }

    async fn a_model_has_fifty_versions_at_most(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        for index in 0..50 {
            let request = put(&model.model_id, &index.to_string(), "{}");
            stage.models(owner).put_model_version(request).await.expect("adds");
        }
        let more = stage.models(owner).put_model_version(put(&model.model_id, "more", "{}")).await;
        assert_eq!(refused(more), "MODEL_VERSIONS_EXHAUSTED");
    }

    async fn all_that_is_wrong_is_told_at_once(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        let version = pb::ModelVersion {
            name: "a b".to_owned(),
            parameter_schema: r#"{"$ref": "https://example.org/schema"}"#.to_owned(),
            artifact_uri: "no uri".to_owned(),
            artifact_digest: "md5:00".to_owned(),
            ..Default::default()
        };
        let request = pb::PutModelVersionRequest {
            request_id: "x".to_owned(),
            model_id: "y".to_owned(),
            version: Some(version),
            ..Default::default()
        };
        let told = violations(stage.models(owner).put_model_version(request).await);
        let told: Vec<_> = told.iter().map(|(field, reason)| (field.as_str(), reason.as_str())).collect();
        assert_eq!(told, [
            ("request_id", "ID_MALFORMED"),
            ("model_id", "ID_MALFORMED"),
            ("version.name", "NAME_MALFORMED"),
            ("version.parameter_schema", "SCHEMA_REMOTE"),
            ("version.artifact_uri", "URI_MALFORMED"),
            ("version.artifact_digest", "DIGEST_MALFORMED"),
        ]);
        let told = violations(stage.models(owner).update_model(update(model, &["etag", "versions", "color"])).await);
        let reasons: Vec<_> = told.iter().map(|(_, reason)| reason.as_str()).collect();
        assert_eq!(reasons, ["OUTPUT_ONLY", "CHANGED_ELSEWHERE", "UNKNOWN"]);
    }

    async fn only_named_fields_change_and_only_on_the_version_that_was_seen(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        let described = pb::Model { name: "Ignored".to_owned(), description: "Fits.".to_owned(), ..model.clone() };
        let answer = stage.models(owner).update_model(update(described.clone(), &["description"])).await;
        let changed = answer.expect("changes").into_inner().model.expect("a model");
        assert_eq!((changed.name.as_str(), changed.description.as_str(), changed.etag.as_str()), ("Regression", "Fits.", "v2"));
        assert_eq!(refused(stage.models(owner).update_model(update(described, &["name"])).await), "ETAG_MISMATCH");
        let late = pb::DeleteModelRequest { model_id: model.model_id.clone(), etag: model.etag, ..Default::default() };
        assert_eq!(refused(stage.models(owner).delete_model(late).await), "ETAG_MISMATCH");
    }

    async fn a_repeat_is_answered_as_before_and_changes_nothing(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let request = pb::RegisterModelRequest { request_id: stage.random_id(), ..register("Regression") };
        let first = stage.models(owner).register_model(request.clone()).await.expect("registers").into_inner();
        let again = stage.models(owner).register_model(request.clone()).await.expect("repeats").into_inner();
        assert_eq!(first, again);
        let other = pb::RegisterModelRequest { name: "Trees".to_owned(), ..request };
        assert_eq!(refused(stage.models(owner).register_model(other).await), "REQUEST_ID_REUSED");
        let delete = pb::DeleteModelRequest {
            request_id: stage.random_id(),
            model_id: first.model.expect("a model").model_id,
            ..Default::default()
        };
        let gone = stage.models(owner).delete_model(delete.clone()).await.expect("deletes").into_inner();
        assert_eq!(stage.models(owner).delete_model(delete).await.expect("repeats").into_inner(), gone);
    }

    async fn each_change_is_audited_and_what_comes_and_goes_draws_a_revision(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let before = stage.revision().await;
        let answer = stage.models(owner).register_model(register("Regression")).await.expect("registers").into_inner();
        let model = answer.model.expect("a model");
        assert_eq!(answer.revision.parse(), Ok(before + 1));
        let mut client = stage.models(owner);
        client.put_model_version(put(&model.model_id, "1.0", "{}")).await.expect("puts");
        client.put_model_version(put(&model.model_id, "2.0", "{}")).await.expect("puts");
        client.delete_model_version(remove(&model, "2.0")).await.expect("deletes");
        client.publish_model_version(publish(&model, "1.0")).await.expect("publishes");
        let renamed = pb::Model { model_id: model.model_id.clone(), name: "Trees".to_owned(), ..Default::default() };
        client.update_model(update(renamed, &[])).await.expect("renames");
        let delete = pb::DeleteModelRequest { model_id: model.model_id.clone(), ..Default::default() };
        let gone = client.delete_model(delete).await.expect("deletes").into_inner();
        assert_eq!(gone.revision.parse(), Ok(stage.revision().await));
        assert_eq!(refused(get(&stage, owner, &model).await), "MODEL_NOT_FOUND");
        assert!(names(&stage, owner, 0).await.is_empty());
        assert_eq!(stage.audited(owner, &model.model_id).await, [
            "model_deleted",
            "model_registered",
            "model_updated",
            "model_version_deleted",
            "model_version_published",
            "model_version_put",
            "model_version_put",
        ]);
    }

    async fn nobody_writes_for_a_suspended_organization(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let model = registered(&stage, owner, "Regression").await;
        stage.suspend(acme).await;
        let answer = stage.models(owner).register_model(register("Trees")).await;
        assert_eq!(answer.expect_err("kept out").code(), Code::Unauthenticated);
        assert_eq!(get(&stage, owner, &model).await.expect_err("kept out").code(), Code::Unauthenticated);
    }
}
