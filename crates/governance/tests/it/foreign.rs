//! What belongs to another organization is answered byte for byte like what does not exist.

use rolecall_api::organization::v1 as pb;
use rolecall_kernel::id::UserId;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};

use crate::datasets;
use crate::models::{put, register};
use crate::stage::{Stage, bytes};

/// Calls every method with these ids in the place of those that it takes.
async fn swap(stage: &Stage, caller: UserId, organization: &str, model: &str) -> Vec<(&'static str, Status)> {
    let (organization_id, model_id) = (|| organization.to_owned(), || model.to_owned());
    let client = || stage.models(caller);
    let register = pb::RegisterModelRequest { organization_id: organization_id(), ..register("Any") };
    let list = pb::ListModelsRequest { organization_id: organization_id(), ..Default::default() };
    let update = pb::UpdateModelRequest {
        model: Some(pb::Model { model_id: model_id(), name: "Any".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let version_name = || "1.0".to_owned();
    let publish =
        pb::PublishModelVersionRequest { model_id: model_id(), version_name: version_name(), ..Default::default() };
    let remove =
        pb::DeleteModelVersionRequest { model_id: model_id(), version_name: version_name(), ..Default::default() };
    let delete = pb::DeleteModelRequest { model_id: model_id(), ..Default::default() };
    let get = pb::GetModelRequest { model_id: model_id() };
    vec![
        ("RegisterModel", client().register_model(register).await.expect_err("hidden")),
        ("GetModel", client().get_model(get).await.expect_err("hidden")),
        ("ListModels", client().list_models(list).await.expect_err("hidden")),
        ("UpdateModel", client().update_model(update).await.expect_err("hidden")),
        ("PutModelVersion", client().put_model_version(put(model, "1.0", "{}")).await.expect_err("hidden")),
        ("PublishModelVersion", client().publish_model_version(publish).await.expect_err("hidden")),
        ("DeleteModelVersion", client().delete_model_version(remove).await.expect_err("hidden")),
        ("DeleteModel", client().delete_model(delete).await.expect_err("hidden")),
    ]
}

/// The same for the methods about datasets.
async fn swap_datasets(stage: &Stage, caller: UserId, organization: &str, id: &str) -> Vec<(&'static str, Status)> {
    let (organization_id, dataset_id) = (|| organization.to_owned(), || id.to_owned());
    let client = || stage.datasets(caller);
    let there = pb::Dataset { organization_id: organization_id(), ..datasets::dataset("Any") };
    let list = pb::ListDatasetsRequest { organization_id: organization_id(), ..Default::default() };
    let update = pb::UpdateDatasetRequest {
        dataset: Some(pb::Dataset { dataset_id: dataset_id(), name: "Any".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let (get, delete) = (
        pb::GetDatasetRequest { dataset_id: dataset_id() },
        pb::DeleteDatasetRequest { dataset_id: dataset_id(), ..Default::default() },
    );
    vec![
        ("RegisterDataset", client().register_dataset(datasets::register(there)).await.expect_err("hidden")),
        ("GetDataset", client().get_dataset(get).await.expect_err("hidden")),
        ("ListDatasets", client().list_datasets(list).await.expect_err("hidden")),
        ("UpdateDataset", client().update_dataset(update).await.expect_err("hidden")),
        ("DeleteDataset", client().delete_dataset(delete).await.expect_err("hidden")),
    ]
}

on_each_database! {
    /// ASVS: T21
    async fn asvs_v8_2_2_foreign_and_random_ids_are_answered_the_same(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        let model = stage.models(stranger).register_model(register("Regression")).await.expect("registers").into_inner();
        let model_id = model.model.expect("a model").model_id;
        stage.models(stranger).put_model_version(put(&model_id, "1.0", "{}")).await.expect("puts");
        let foreign = swap(&stage, owner, &other.to_string(), &model_id).await;
        let random = swap(&stage, owner, &stage.random_id(), &stage.random_id()).await;
        for ((method, foreign), (_, random)) in foreign.iter().zip(&random) {
            assert_eq!(foreign.code(), Code::NotFound, "{method}");
            assert_eq!(bytes(foreign), bytes(random), "{method}");
        }
    }

    /// ASVS: T21
    async fn asvs_v8_2_2_foreign_and_random_datasets_are_answered_the_same(database) {
        let stage = Stage::open(&database).await;
        let (_, owner) = stage.found("Acme").await;
        let (other, stranger) = stage.found("Other").await;
        let answer = stage.datasets(stranger).register_dataset(datasets::register(datasets::dataset("Trial"))).await;
        let foreign_id = answer.expect("registers").into_inner().dataset.expect("a dataset").dataset_id;
        let foreign = swap_datasets(&stage, owner, &other.to_string(), &foreign_id).await;
        let random = swap_datasets(&stage, owner, &stage.random_id(), &stage.random_id()).await;
        for ((method, foreign), (_, random)) in foreign.iter().zip(&random) {
            assert_eq!(foreign.code(), Code::NotFound, "{method}");
            assert_eq!(bytes(foreign), bytes(random), "{method}");
        }
    }
}
