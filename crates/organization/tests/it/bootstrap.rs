//! The home organization: once, for ever.

use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;

use crate::stage::{Stage, refused};

fn request(stage: &Stage) -> pb::BootstrapOrganizationRequest {
    pb::BootstrapOrganizationRequest {
        organization_id: stage.home.to_string(),
        name: "Home".to_owned(),
        user_id: stage.admin.to_string(),
        mfa_policy: pb::MfaPolicy::Required.into(),
    }
}

on_each_database! {
    async fn the_first_member_is_administrator_and_owner(database) {
        let stage = Stage::open(&database).await;
        let access = stage.subject_access(stage.admin).await.expect("known");
        assert_eq!(access.roles, ["ADMIN", "OWNER"]);
        assert!(access.active && !access.blocked);
        let own = stage.organizations(stage.admin).get_organization(pb::GetOrganizationRequest::default()).await;
        let own = own.expect("found").into_inner().organization.expect("an organization");
        assert!(own.home && own.name == "Home");
    }

    async fn bootstrapping_is_repeated_with_the_same_content_only(database) {
        let stage = Stage::open(&database).await;
        stage.memberships().bootstrap_organization(request(&stage)).await.expect("the same again");
        let id = stage.random_id();
        for other in [
            pb::BootstrapOrganizationRequest { name: "Other".to_owned(), ..request(&stage) },
            pb::BootstrapOrganizationRequest { user_id: id.clone(), ..request(&stage) },
            pb::BootstrapOrganizationRequest { organization_id: id.clone(), ..request(&stage) },
            pb::BootstrapOrganizationRequest { mfa_policy: pb::MfaPolicy::Optional.into(), ..request(&stage) },
        ] {
            let answer = stage.memberships().bootstrap_organization(other).await;
            assert_eq!(refused(answer), "ALREADY_BOOTSTRAPPED");
        }
        assert_eq!(refused(stage.subject_access(id).await), "SUBJECT_NOT_FOUND");
    }

    async fn parallel_bootstraps_make_one_home(database) {
        let stage = Stage::open_empty(&database).await;
        let calls = (0..8).map(|_| {
            let (id, user) = (stage.random_id(), stage.random_id());
            let request =
                pb::BootstrapOrganizationRequest { organization_id: id, user_id: user, ..request(&stage) };
            let mut client = stage.memberships();
            async move { client.bootstrap_organization(request).await }
        });
        let answers = futures::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        for answer in answers.into_iter().filter(Result::is_err) {
            assert_eq!(refused(answer), "ALREADY_BOOTSTRAPPED");
        }
    }
}
