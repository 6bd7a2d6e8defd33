//! Making and reading organizations.

use std::time::Duration;

use futures::future::join_all;
use rolecall_api::organization::v1 as pb;
use rolecall_testkit::on_each_database;

use crate::stage::{Mood, Stage, create, refused};

on_each_database! {
    async fn an_organization_comes_with_its_invited_owner(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        let made = client.create_organization(create("Acme", "ada@example.org")).await.expect("makes").into_inner();
        let organization = made.organization.expect("it");
        assert_eq!((organization.name.as_str(), organization.home), ("Acme", false));
        assert!(stage.identity.accounts().contains(&made.first_owner_id));
        let request = pb::GetOrganizationRequest { organization_id: organization.organization_id.clone() };
        let read = client.get_organization(request).await.expect("reads").into_inner().organization.expect("it");
        assert_eq!(read.name, "Acme");
        let owner = pb::GetMemberRequest { user_id: made.first_owner_id };
        let owner = stage.members(stage.admin).get_member(owner).await.expect("seen").into_inner().member.expect("it");
        assert_eq!((owner.state(), owner.roles), (pb::MemberState::Pending, vec!["OWNER".to_owned()]));
    }

    async fn a_second_factor_is_demanded_unless_something_else_is_written_out(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        let mut ids = Vec::new();
        for (name, asked, shown) in [
            ("Unsaid", pb::MfaPolicy::Unspecified, pb::MfaPolicy::Required),
            ("Strict", pb::MfaPolicy::Required, pb::MfaPolicy::Required),
            ("Lenient", pb::MfaPolicy::Optional, pb::MfaPolicy::Optional),
        ] {
            let request = pb::CreateOrganizationRequest {
                mfa_policy: asked.into(),
                ..create(name, &format!("{name}@example.org"))
            };
            let validate = pb::CreateOrganizationRequest { validate_only: true, ..request.clone() };
            let would = client.create_organization(validate).await.expect("it would").into_inner();
            assert_eq!(would.organization.expect("it").mfa_policy(), shown, "{name}");
            let made = client.create_organization(request).await.expect("makes").into_inner();
            let made = made.organization.expect("it");
            assert_eq!(made.mfa_policy(), shown, "{name}");
            ids.push(made.organization_id);
        }
        let request = pb::BatchGetOrganizationsRequest { organization_ids: ids };
        let told = stage.memberships().batch_get_organizations(request).await.expect("told").into_inner();
        let lenient = |found: &&pb::Organization| found.mfa_policy() == pb::MfaPolicy::Optional;
        let lenient: Vec<_> = told.organizations.iter().filter(lenient).map(|found| found.name.as_str()).collect();
        assert_eq!((told.organizations.len(), lenient), (3, vec!["Lenient"]));
    }

    async fn a_name_is_taken_whatever_its_case(database) {
        let stage = Stage::open(&database).await;
        stage.found("Stra\u{df}e Caf\u{e9}").await;
        let mut client = stage.organizations(stage.admin);
        for name in ["STRASSE CAF\u{c9}", "stra\u{df}e cafe\u{301}", "home"] {
            let answer = client.create_organization(create(name, "ada@example.org")).await;
            assert_eq!(refused(answer), "ORGANIZATION_NAME_TAKEN", "{name}");
        }
        let validate = pb::CreateOrganizationRequest { validate_only: true, ..create("HOME", "ada@example.org") };
        assert_eq!(refused(client.create_organization(validate).await), "ORGANIZATION_NAME_TAKEN");
    }

    async fn parallel_requests_for_one_name_make_one_organization(database) {
        let stage = Stage::open(&database).await;
        let calls = (0..8).map(|index| {
            let mut client = stage.organizations(stage.admin);
            let request = create("Acme", &format!("ada{index}@example.org"));
            async move { client.create_organization(request).await }
        });
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(stage.identity.accounts().len(), 1);
    }

    async fn validating_changes_nothing(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        let validate = pb::CreateOrganizationRequest { validate_only: true, ..create("Acme", "ada@example.org") };
        let answer = client.create_organization(validate).await.expect("it would").into_inner();
        assert_eq!(answer.organization.expect("it").organization_id, "");
        assert_eq!(answer.first_owner_id, "");
        assert!(stage.identity.accounts().is_empty());
        let list = client.list_organizations(pb::ListOrganizationsRequest::default()).await.expect("lists").into_inner();
        assert_eq!(list.organizations.len(), 1);
    }

    async fn a_taken_address_leaves_nothing(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        stage.identity.set_mood(Mood::EmailTaken);
        assert_eq!(refused(client.create_organization(create("Acme", "ada@example.org")).await), "EMAIL_TAKEN");
        stage.identity.set_mood(Mood::Refusing);
        assert_eq!(refused(client.create_organization(create("Acme", "ada@example.org")).await), "INTERNAL");
        stage.identity.set_mood(Mood::Willing);
        client.create_organization(create("Acme", "eve@example.org")).await.expect("the name is free");
    }

    async fn what_was_left_behind_is_ended_after_the_lease(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        let request = pb::CreateOrganizationRequest { request_id: stage.random_id(), ..create("Acme", "ada@example.org") };
        stage.identity.set_mood(Mood::DoesAndDies);
        assert_eq!(refused(client.create_organization(request.clone()).await), "PEER_UNAVAILABLE");
        let list = || pb::ListOrganizationsRequest::default();
        let seen = client.list_organizations(list()).await.expect("lists").into_inner().organizations.len();
        assert_eq!(seen, 1, "nothing half-made is seen");
        stage.identity.set_mood(Mood::Willing);
        stage.clock.advance(Duration::from_secs(3));
        assert_eq!(stage.organization.recover_creations().await, Ok(1));
        assert_eq!(stage.organization.recover_creations().await, Ok(0));
        let answer = client.create_organization(request.clone()).await.expect("the stored answer").into_inner();
        assert_eq!(stage.identity.accounts(), [answer.first_owner_id].into());
        let other = pb::CreateOrganizationRequest { name: "Other".to_owned(), ..request };
        assert_eq!(refused(client.create_organization(other).await), "REQUEST_ID_REUSED");
        let seen = client.list_organizations(list()).await.expect("lists").into_inner().organizations.len();
        assert_eq!(seen, 2);
    }

    async fn a_repeat_goes_on_where_the_first_run_failed(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        let request = pb::CreateOrganizationRequest { request_id: stage.random_id(), ..create("Acme", "ada@example.org") };
        stage.identity.set_mood(Mood::Down);
        assert_eq!(refused(client.create_organization(request.clone()).await), "PEER_UNAVAILABLE");
        stage.identity.set_mood(Mood::Willing);
        let made = client.create_organization(request.clone()).await.expect("goes on").into_inner();
        assert_eq!(client.create_organization(request).await.expect("repeats").into_inner(), made);
        assert_eq!(stage.identity.accounts().len(), 1);
    }

    async fn parallel_repeats_make_one_organization(database) {
        let stage = Stage::open(&database).await;
        let request_id = stage.random_id();
        let calls = (0..6).map(|_| {
            let mut client = stage.organizations(stage.admin);
            let request = pb::CreateOrganizationRequest { request_id: request_id.clone(), ..create("Acme", "ada@example.org") };
            async move { client.create_organization(request).await.expect("answers").into_inner() }
        });
        let answers = join_all(calls).await;
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(stage.identity.accounts().len(), 1);
    }

    async fn the_first_owner_may_accept_before_the_end(database) {
        let stage = Stage::open(&database).await;
        let mut client = stage.organizations(stage.admin);
        stage.identity.set_mood(Mood::DoesAndDies);
        assert_eq!(refused(client.create_organization(create("Acme", "ada@example.org")).await), "PEER_UNAVAILABLE");
        let owner = stage.identity.accounts().into_iter().next().expect("invited");
        let owner = rolecall_kernel::id::UserId::parse(&owner).expect("an id");
        stage.activate(owner, stage.admin).await.expect("accepts");
        let own = stage.organizations(owner).get_organization(pb::GetOrganizationRequest::default()).await;
        assert_eq!(own.expect("reads").into_inner().organization.expect("it").name, "Acme");
    }

    async fn organizations_are_listed_in_pages_in_order_of_creation(database) {
        let stage = Stage::open(&database).await;
        for name in ["C", "A", "B"] {
            stage.clock.advance(Duration::from_secs(1));
            stage.found(name).await;
        }
        let mut client = stage.organizations(stage.admin);
        let (mut names, mut token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListOrganizationsRequest { page_size: 2, page_token: token };
            let page = client.list_organizations(request).await.expect("lists").into_inner();
            names.extend(page.organizations.into_iter().map(|organization| organization.name));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(names, ["Home", "C", "A", "B"]);
        let (_, owner) = stage.found("D").await;
        let list = stage.organizations(owner).list_organizations(pb::ListOrganizationsRequest::default()).await;
        assert_eq!(refused(list), "PERMISSION_MISSING");
    }
}
