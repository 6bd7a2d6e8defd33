//! No list of datasets reads those of everybody.

use rolecall_authz::Scope;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_organization::Organization;
use rolecall_testkit::TestDatabase;
use sea_orm::{DbBackend, Statement};

use super::*;
use crate::store::migrations;

const NOW: Timestamp = Timestamp::from_seconds(1_000);

/// How SQLite would find the rows.
async fn plan(reach: &Reach, meant: &Condition) -> Vec<String> {
    let database = TestDatabase::sqlite().await;
    let steps = Organization::migrations().into_iter().chain(migrations::steps()).collect();
    let db = database.open(Organization::NAME, Organization::constraints(), steps).await;
    let query = page(reach, meant, 51).expect("something is reached").build(DbBackend::Sqlite);
    let explain = Statement { sql: format!("EXPLAIN QUERY PLAN {}", query.sql), ..query };
    let rows = db.reader().query_all_raw(explain).await.expect("plans");
    rows.iter().map(|row| row.try_get::<String>("", "detail").expect("a line")).collect()
}

#[tokio::test]
async fn every_way_to_datasets_begins_at_an_index() {
    let (subject, organization) = (SubjectId::new(NOW, &SystemEntropy), OrganizationId::new(NOW, &SystemEntropy));
    let (registered, granted) = (Some((subject, organization)), Some((subject, NOW)));
    let own = Scope::organization(organization);
    let after = beyond(Position { created: NOW, id: subject.as_uuid() });
    for (all, registered, granted) in [
        (own.clone(), registered, granted),
        (own, None, granted),
        (Scope::Nothing, registered, granted),
        (Scope::Nothing, None, granted),
    ] {
        let reach = Reach { all, registered, granted };
        for meant in [Condition::all(), after.clone()] {
            let plan = plan(&reach, &meant).await;
            let scans: Vec<&String> = plan.iter().filter(|line| line.starts_with("SCAN datasets")).collect();
            assert!(scans.is_empty(), "{reach:?}: {plan:#?}");
            let through = |index: &str| plan.iter().any(|line| line.contains(index));
            assert!(registered.is_none() || through("datasets_registrant_idx") || through("datasets_organization_idx"));
            assert!(through("asset_policy_beneficiaries_user_idx"), "{plan:#?}");
        }
    }
}
