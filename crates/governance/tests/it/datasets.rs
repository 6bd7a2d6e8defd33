//! The register of datasets.

use prost_types::FieldMask;
use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::stage::{Stage, refused, violations};

pub(crate) fn dataset(name: &str) -> pb::Dataset {
    let (storage_uri, format) = ("s3://bucket/key".to_owned(), "text/csv".to_owned());
    pb::Dataset { name: name.to_owned(), storage_uri, format, ..Default::default() }
}

pub(crate) fn register(dataset: pb::Dataset) -> pb::RegisterDatasetRequest {
    pb::RegisterDatasetRequest { dataset: Some(dataset), ..Default::default() }
}

fn update(dataset: pb::Dataset, paths: &[&str]) -> pb::UpdateDatasetRequest {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = (!paths.is_empty()).then_some(FieldMask { paths });
    pb::UpdateDatasetRequest { dataset: Some(dataset), update_mask, ..Default::default() }
}

fn delete(dataset: &pb::Dataset) -> pb::DeleteDatasetRequest {
    pb::DeleteDatasetRequest { dataset_id: dataset.dataset_id.clone(), ..Default::default() }
}

async fn registered(stage: &Stage, by: UserId, name: &str) -> pb::Dataset {
    let answer = stage.datasets(by).register_dataset(register(dataset(name))).await.expect("registers");
    answer.into_inner().dataset.expect("a dataset")
}

async fn get(stage: &Stage, asker: UserId, dataset: &pb::Dataset) -> Result<pb::Dataset, Status> {
    let request = pb::GetDatasetRequest { dataset_id: dataset.dataset_id.clone() };
    Ok(stage.datasets(asker).get_dataset(request).await?.into_inner().dataset.expect("a dataset"))
}

async fn list(stage: &Stage, asker: UserId, filter: &str) -> Result<Vec<String>, Status> {
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let (page_size, filter) = (2, filter.to_owned());
        let request = pb::ListDatasetsRequest { page_size, page_token, filter, ..Default::default() };
        let page = stage.datasets(asker).list_datasets(request).await?.into_inner();
        names.extend(page.datasets.into_iter().map(|dataset| dataset.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(names);
        }
    }
}

on_each_database! {
    async fn owners_see_all_of_their_organization_and_stewards_what_they_registered(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (_, stranger) = stage.found("Other").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let another = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let scientist = stage.add_active(owner, acme, &["DATA_SCIENTIST"]).await;
        let guest = stage.add_active(owner, acme, &["GUEST"]).await;
        let trial = registered(&stage, steward, "Trial").await;
        assert_eq!((trial.organization_id.clone(), trial.registrant_id.clone()), (acme.to_string(), steward.to_string()));
        stage.new_user();
        registered(&stage, owner, "Census").await;
        assert_eq!(list(&stage, owner, "").await.expect("lists"), ["Trial", "Census"]);
        assert_eq!(list(&stage, steward, "").await.expect("lists"), ["Trial"]);
        assert_eq!(get(&stage, steward, &trial).await.expect("reads"), trial);
        assert_eq!(get(&stage, owner, &trial).await.expect("reads"), trial);
        for nobody in [another, scientist, stranger] {
            assert_eq!(refused(get(&stage, nobody, &trial).await), "DATASET_NOT_FOUND");
            assert!(list(&stage, nobody, "").await.expect("lists").is_empty());
        }
        assert_eq!(get(&stage, guest, &trial).await.expect_err("refused").code(), Code::PermissionDenied);
        // An administrator of the instance who is no owner there holds none of it.
        assert_eq!(refused(get(&stage, stage.admin, &trial).await), "DATASET_NOT_FOUND");
        let refusal = stage.datasets(scientist).register_dataset(register(dataset("Mine"))).await.expect_err("refused");
        assert_eq!(refusal.code(), Code::PermissionDenied);
    }

    async fn a_steward_manages_what_it_registered_and_an_owner_everything(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let another = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let trial = registered(&stage, steward, "Trial").await;
        let named = pb::Dataset { name: "Trial 1".to_owned(), ..trial.clone() };
        assert_eq!(refused(stage.datasets(another).update_dataset(update(named.clone(), &["name"])).await), "DATASET_NOT_FOUND");
        assert_eq!(refused(stage.datasets(another).delete_dataset(delete(&trial)).await), "DATASET_NOT_FOUND");
        let answer = stage.datasets(steward).update_dataset(update(named.clone(), &["name"])).await.expect("changes");
        let changed = answer.into_inner().dataset.expect("a dataset");
        assert_eq!((changed.name.as_str(), changed.etag.as_str()), ("Trial 1", "v2"));
        assert_eq!(refused(stage.datasets(owner).update_dataset(update(named, &["name"])).await), "ETAG_MISMATCH");
        stage.datasets(owner).delete_dataset(delete(&trial)).await.expect("deletes");
        assert_eq!(refused(get(&stage, steward, &trial).await), "DATASET_NOT_FOUND");
        assert!(list(&stage, owner, "").await.expect("lists").is_empty());
        registered(&stage, steward, "trial 1").await;
    }

    async fn an_owner_names_another_registrant_who_can_register(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let (_, stranger) = stage.found("Other").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let another = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let scientist = stage.add_active(owner, acme, &["DATA_SCIENTIST"]).await;
        let blocked = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        stage.block(owner, blocked).await;
        for unfit in [stranger.to_string(), scientist.to_string(), blocked.to_string(), stage.random_id()] {
            let request = register(pb::Dataset { registrant_id: unfit, ..dataset("Trial") });
            assert_eq!(refused(stage.datasets(owner).register_dataset(request).await), "REGISTRANT_UNFIT");
        }
        let theirs = pb::Dataset { registrant_id: another.to_string(), ..dataset("Trial") };
        assert_eq!(refused(stage.datasets(steward).register_dataset(register(theirs.clone())).await), "ACTOR_NOT_ENTITLED");
        let answer = stage.datasets(owner).register_dataset(register(theirs)).await.expect("registers").into_inner();
        let trial = answer.dataset.expect("a dataset");
        let before = stage.revision().await;
        let moved = pb::Dataset { registrant_id: steward.to_string(), ..trial.clone() };
        assert_eq!(
            refused(stage.datasets(another).update_dataset(update(moved.clone(), &["registrant_id"])).await),
            "ACTOR_NOT_ENTITLED"
        );
        let answer = stage.datasets(owner).update_dataset(update(moved, &["registrant_id"])).await.expect("changes");
        // One revision of each whose access changed.
        assert_eq!(answer.into_inner().revision.parse(), Ok(before + 2));
        assert_eq!(refused(get(&stage, another, &trial).await), "DATASET_NOT_FOUND");
        assert_eq!(get(&stage, steward, &trial).await.expect("reads").registrant_id, steward.to_string());
    }

    /// ASVS: T20
    async fn who_loses_the_role_loses_the_datasets_and_they_stay_with_the_organization(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        let trial = registered(&stage, steward, "Trial").await;
        stage.set_roles(owner, steward, &["GUEST"]).await;
        assert_eq!(get(&stage, steward, &trial).await.expect_err("refused").code(), Code::PermissionDenied);
        assert_eq!(get(&stage, owner, &trial).await.expect("reads"), trial);
        stage.set_roles(owner, steward, &["DATA_STEWARD"]).await;
        stage.block(owner, steward).await;
        assert_eq!(get(&stage, steward, &trial).await.expect_err("refused").code(), Code::Unauthenticated);
        assert_eq!(list(&stage, owner, "").await.expect("lists"), ["Trial"]);
    }

    async fn filters_find_by_name_beginning_and_registrant(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let steward = stage.add_active(owner, acme, &["DATA_STEWARD"]).await;
        for name in ["Trial B", "Census", "trial A"] {
            registered(&stage, owner, name).await;
            stage.new_user();
        }
        stage.new_user();
        registered(&stage, steward, "Trial C").await;
        let found = |filter: String| {
            let stage = &stage;
            async move { list(stage, owner, &filter).await.expect("lists") }
        };
        assert_eq!(found(r#"name = "TRIAL*""#.to_owned()).await, ["Trial B", "trial A", "Trial C"]);
        assert_eq!(found(r#"name = "census""#.to_owned()).await, ["Census"]);
        assert_eq!(found(r#"name = "census" OR name = "trial a""#.to_owned()).await, ["Census", "trial A"]);
        assert_eq!(found(format!(r#"registrant_id = "{steward}" AND name = "t*""#)).await, ["Trial C"]);
        for (filter, reason) in [("format = \"text/csv\"", "FILTER_NOT_INDEXED"), ("name = \"*al\"", "FILTER_NOT_INDEXED")] {
            assert_eq!(refused(list(&stage, owner, filter).await), reason, "{filter}");
        }
        let told = violations(list(&stage, owner, "registrant_id = 7").await);
        assert_eq!(told, [("filter".to_owned(), "FILTER_VALUE".to_owned())]);
    }

    async fn all_that_is_wrong_is_told_at_once_and_a_taken_name_is_refused(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let wrong = pb::Dataset {
            registrant_id: "x".to_owned(),
            storage_uri: "no uri".to_owned(),
            format: "\u{202e}".to_owned(),
            ..Default::default()
        };
        let told = violations(stage.datasets(owner).register_dataset(register(wrong)).await);
        let told: Vec<_> = told.iter().map(|(field, reason)| (field.as_str(), reason.as_str())).collect();
        assert_eq!(told, [
            ("dataset.name", "REQUIRED"),
            ("dataset.registrant_id", "ID_MALFORMED"),
            ("dataset.storage_uri", "URI_MALFORMED"),
            ("dataset.format", "CHARACTER_FORBIDDEN"),
        ]);
        registered(&stage, owner, "Trial").await;
        let again = stage.datasets(owner).register_dataset(register(dataset("TRIAL"))).await;
        assert_eq!(refused(again), "DATASET_NAME_TAKEN");
    }

    async fn a_repeat_is_answered_as_before_and_each_change_is_audited(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let before = stage.revision().await;
        let request = pb::RegisterDatasetRequest { request_id: stage.random_id(), ..register(dataset("Trial")) };
        let first = stage.datasets(owner).register_dataset(request.clone()).await.expect("registers").into_inner();
        let again = stage.datasets(owner).register_dataset(request).await.expect("repeats").into_inner();
        assert_eq!((&first, first.revision.parse()), (&again, Ok(before + 1)));
        let trial = first.dataset.expect("a dataset");
        let described = pb::Dataset { description: "Of 2026.".to_owned(), ..trial.clone() };
        stage.datasets(owner).update_dataset(update(described, &["description"])).await.expect("changes");
        let gone = stage.datasets(owner).delete_dataset(delete(&trial)).await.expect("deletes").into_inner();
        assert_eq!(gone.revision.parse(), Ok(stage.revision().await));
        let told = stage.audited(owner, &trial.dataset_id).await;
        assert_eq!(told, ["dataset_deleted", "dataset_registered", "dataset_updated"]);
    }

    async fn nobody_reaches_the_datasets_of_a_suspended_organization(database) {
        let stage = Stage::open(&database).await;
        let (acme, owner) = stage.found("Acme").await;
        let trial = registered(&stage, owner, "Trial").await;
        stage.suspend(acme).await;
        assert_eq!(get(&stage, owner, &trial).await.expect_err("kept out").code(), Code::Unauthenticated);
        let answer = stage.datasets(owner).register_dataset(register(dataset("Other"))).await;
        assert_eq!(answer.expect_err("kept out").code(), Code::Unauthenticated);
    }
}
