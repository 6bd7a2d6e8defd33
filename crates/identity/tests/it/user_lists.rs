//! Finding accounts: filters, orders, batches.

use std::time::Duration;

use rolecall_api::identity::v1::*;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::UserId;
use rolecall_kernel::time::Clock as _;
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, bearer, reason};
use crate::profile::violations;

/// Address, full name, institution.
const PEOPLE: [(&str, &str, &str, &str); 6] = [
    ("ada@example.org", "Ada", "Lovelace", "Analytical Society"),
    ("alan@example.org", "Alan", "Turing", "Bletchley Park"),
    ("jose@example.net", "José", "Ångström", "Universität Köln"),
    ("zoe@example.org", "Zoë", "Adams", "bletchley college"),
    ("mary-ann@example.org", "Mary Ann", "O'Neill", ""),
    ("ada.king@example.net", "Ada", "King", ""),
];

/// The people above, beside the first administrator; returns its token.
async fn populated(world: &World) -> String {
    let root = world.log_in(ADMIN).await.access_token;
    for (email, given, family, institution) in PEOPLE {
        world.clock.advance(Duration::from_secs(10));
        let request = CreateUserRequest {
            email: email.to_owned(),
            given_name: given.to_owned(),
            family_name: family.to_owned(),
            institution: institution.to_owned(),
            roles: vec!["GUEST".to_owned()],
            ..Default::default()
        };
        world.users().create_user(bearer(&root, request)).await.expect("created");
    }
    root
}

async fn list(world: &World, token: &str, request: ListUsersRequest) -> Result<ListUsersResponse, Status> {
    Ok(world.users().list_users(bearer(token, request)).await?.into_inner())
}

fn filtered(filter: &str) -> ListUsersRequest {
    ListUsersRequest { filter: filter.to_owned(), ..Default::default() }
}

fn ordered(order_by: &str) -> ListUsersRequest {
    ListUsersRequest { order_by: order_by.to_owned(), ..Default::default() }
}

/// The local parts of the addresses on all pages of a size.
async fn pages(world: &World, token: &str, request: &ListUsersRequest, size: i32) -> Vec<String> {
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = list(world, token, ListUsersRequest { page_size: size, page_token, ..request.clone() }).await;
        let page = page.expect("a page");
        assert!(page.users.len() <= usize::try_from(size).expect("a size"));
        seen.extend(page.users.iter().map(|user| user.email.split('@').next().unwrap_or_default().to_owned()));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return seen;
        }
    }
}

on_each_database! {
    async fn filters_find_what_they_name_and_nothing_else(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        for (filter, found) in [
            ("email = \"Ada@Example.ORG\"", "ada"),
            ("email : \"ADA*\"", "ada ada.king"),
            ("email : \"ada@*\"", "ada"),
            ("name : \"ada l*\"", "ada"),
            ("given_name : \"A*\"", "ada alan ada.king"),
            ("family_name : \"a*\"", "jose zoe"),
            ("family_name : \"ang*\"", "jose"),
            ("institution : \"BLETCHLEY*\"", "alan zoe"),
            ("state = INVITED AND given_name : \"ada*\"", "ada ada.king"),
            ("state = ACTIVE", "root"),
            ("state = ACTIVE OR state = INVITED", "root ada alan jose zoe mary-ann ada.king"),
            ("bletchley", "alan zoe"),
            ("blet park", "alan"),
            ("ada", "ada zoe ada.king"),
            ("ada lovelace", "ada"),
            ("koln universitat", "jose"),
            ("neill", "mary-ann"),
            ("mary-ann", "mary-ann"),
            ("turing OR king", "alan ada.king"),
            ("(turing OR king) AND given_name : \"ala*\"", "alan"),
            ("example.net", "jose ada.king"),
            ("nobody", ""),
            ("email : \"_da*\"", ""),
            ("email : \"a%*\"", ""),
            ("last_login_time >= \"2001-01-01T00:00:00Z\"", "root"),
            ("last_login_time < \"2001-01-01T00:00:00Z\"", ""),
        ] {
            let page = pages(&world, &root, &filtered(filter), 3).await;
            assert_eq!(page.join(" "), found, "{filter}");
        }
    }

    async fn times_divide_a_list_without_gap_or_overlap(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        let all = list(&world, &root, ListUsersRequest::default()).await.expect("listed").users;
        let middle = all[3].create_time.expect("a time");
        let before = pages(&world, &root, &filtered(&format!("create_time < \"{middle}\"")), 2).await;
        let from = pages(&world, &root, &filtered(&format!("create_time >= \"{middle}\"")), 2).await;
        assert_eq!(before, ["root", "ada", "alan"]);
        assert_eq!(from, ["jose", "zoe", "mary-ann", "ada.king"]);
    }

    async fn what_was_changed_is_found_by_what_it_is_now(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        let alan = list(&world, &root, filtered("turing")).await.expect("listed").users.remove(0);
        let given = User {
            user_id: alan.user_id,
            name: "Prof".to_owned(),
            family_name: "Mathison".to_owned(),
            institution: "Manchester".to_owned(),
            email: "prof@example.org".to_owned(),
            ..Default::default()
        };
        let request = UpdateUserRequest { user: Some(given), ..Default::default() };
        world.users().update_user(bearer(&root, request)).await.expect("changed");
        for (filter, found) in [
            ("turing", ""),
            ("park", ""),
            ("name : \"alan*\"", ""),
            ("email : \"alan*\"", ""),
            ("prof mathison manchester", "prof"),
            ("name : \"prof*\"", "prof"),
            ("given_name : \"alan*\"", "prof"),
        ] {
            assert_eq!(pages(&world, &root, &filtered(filter), 50).await.join(" "), found, "{filter}");
        }
    }

    async fn every_order_is_complete_on_pages_of_every_size(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        for (order, expected) in [
            ("", "root ada alan jose zoe mary-ann ada.king"),
            ("create_time", "root ada alan jose zoe mary-ann ada.king"),
            ("create_time desc", "ada.king mary-ann zoe jose alan ada root"),
            ("email", "ada.king ada alan jose mary-ann root zoe"),
            ("email desc", "zoe root mary-ann jose alan ada ada.king"),
            // Ada King, Ada Lovelace, Alan, Grace Hopper, José, Mary Ann, Zoë: by their folded names.
            ("name", "ada.king ada alan root jose mary-ann zoe"),
            ("name desc", "zoe mary-ann jose root alan ada ada.king"),
        ] {
            for size in [1, 2, 3, 50] {
                assert_eq!(pages(&world, &root, &ordered(order), size).await.join(" "), expected, "{order} by {size}");
            }
        }
    }

    async fn people_of_one_name_are_each_listed_once(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for number in 0..7 {
            world.invite(&root, &format!("ada{number}@example.org"), "GUEST").await;
        }
        for order in ["name", "name desc", "create_time", "create_time desc"] {
            let mut seen = pages(&world, &root, &ordered(order), 2).await;
            assert_eq!(seen.len(), 8, "{order}");
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 8, "{order}");
        }
    }

    async fn attack_t36_a_page_token_serves_its_filter_and_its_order_only(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        let first = ListUsersRequest { page_size: 1, ..filtered("example") };
        let page_token = list(&world, &root, first.clone()).await.expect("a page").next_page_token;
        assert!(!page_token.is_empty());
        let next = ListUsersRequest { page_token, ..first };
        list(&world, &root, next.clone()).await.expect("the next page");
        for foreign in [
            ListUsersRequest { filter: "example AND org".to_owned(), ..next.clone() },
            ListUsersRequest { order_by: "name".to_owned(), ..next.clone() },
            ListUsersRequest { organization_id: "-".to_owned(), ..next },
        ] {
            let refused = list(&world, &root, foreign).await.expect_err("foreign");
            assert_eq!(violations(&refused), [("page_token".to_owned(), "PAGE_TOKEN_FOREIGN".to_owned())]);
        }
    }

    async fn filters_that_no_index_serves_are_refused(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        for filter in ["role = OWNER", "blocked = true", "name = Ada", "NOT ada", "name : \"a*\" OR email : \"a*\"", "name : \"*a\""] {
            let refused = list(&world, &root, filtered(filter)).await.expect_err(filter);
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, "FILTER_NOT_INDEXED"), "{filter}");
            assert_eq!(violations(&refused), [("filter".to_owned(), "FILTER_NOT_INDEXED".to_owned())]);
        }
        let refused = list(&world, &root, filtered("ada AND role = OWNER")).await.expect_err("refused");
        assert_eq!(refused.get_details_error_info().expect("info").metadata.get("comparison").map(String::as_str), Some("role ="));
        assert!(refused.get_details_bad_request().expect("told").field_violations[0].description.contains("character 9"));
    }

    async fn filters_and_orders_that_cannot_be_read_are_told_with_their_place(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let wrong = ListUsersRequest { page_size: -1, order_by: "age".to_owned(), ..filtered("name : ") };
        let refused = list(&world, &root, wrong).await.expect_err("refused");
        let expected = [("page_size", "PAGE_SIZE_NEGATIVE"), ("order_by", "ORDER_UNKNOWN"), ("filter", "FILTER_SYNTAX")];
        assert_eq!(violations(&refused), expected.map(|(field, why)| (field.to_owned(), why.to_owned())));
        assert!(refused.message().contains("character 8"), "{}", refused.message());
        for (filter, why) in [
            ("a ".repeat(501), "TOO_LONG"),
            ("a ".repeat(21), "FILTER_TOO_COMPLEX"),
            ("(".repeat(40), "FILTER_TOO_COMPLEX"),
            ("state = ASLEEP".to_owned(), "FILTER_VALUE"),
            ("create_time >= \"soon\"".to_owned(), "FILTER_VALUE"),
        ] {
            let refused = list(&world, &root, filtered(&filter)).await.expect_err("refused");
            assert_eq!(violations(&refused), [("filter".to_owned(), why.to_owned())], "{filter}");
        }
    }

    async fn a_filter_reaches_no_further_than_the_scope(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        world.clock.advance(Duration::from_secs(10));
        let (organization, owner) = world.second_organization("owner@example.org").await;
        let owner = owner.access_token;
        for request in [filtered("example"), ListUsersRequest { organization_id: "-".to_owned(), ..filtered("example") }] {
            assert_eq!(pages(&world, &owner, &request, 1).await, ["owner"]);
        }
        let everywhere = ListUsersRequest { organization_id: "-".to_owned(), ..filtered("owner OR ada") };
        assert_eq!(pages(&world, &root, &everywhere, 1).await, ["ada", "zoe", "ada.king", "owner"]);
        let there = ListUsersRequest { organization_id: organization, ..filtered("example") };
        assert_eq!(pages(&world, &root, &there, 1).await, ["owner"]);
        let foreign = ListUsersRequest { organization_id: admin.organization_id, ..filtered("nobody") };
        assert_eq!(reason(&list(&world, &owner, foreign).await.expect_err("foreign")), "ORGANIZATION_NOT_FOUND");
        let nothing = UserId::new(world.clock.now(), &SystemEntropy).to_string();
        let nothing = ListUsersRequest { organization_id: nothing, ..filtered("nobody") };
        assert_eq!(reason(&list(&world, &root, nothing).await.expect_err("none")), "ORGANIZATION_NOT_FOUND");
    }

    async fn a_batch_is_answered_in_the_order_of_the_request_each_once(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = populated(&world).await;
        let all = list(&world, &root, ListUsersRequest::default()).await.expect("listed").users;
        let (organization, owner) = world.second_organization("owner@example.org").await;
        let random = UserId::new(world.clock.now(), &SystemEntropy).to_string();
        let ids = [&all[4], &all[1], &all[4], &all[2]].map(|user| user.user_id.clone());
        let ids: Vec<String> = ids.into_iter().chain([random, admin.user_id.clone()]).collect();
        let batch = |token: String, user_ids: Vec<String>| {
            let mut users = world.users();
            async move { users.batch_get_users(bearer(&token, BatchGetUsersRequest { user_ids })).await.map(tonic::Response::into_inner) }
        };
        let found = batch(root.clone(), ids.clone()).await.expect("read").users;
        assert_eq!(found, [all[4].clone(), all[1].clone(), all[2].clone(), all[0].clone()]);
        assert_eq!(batch(owner.access_token.clone(), ids).await.expect("read").users, []);
        let own = batch(owner.access_token.clone(), vec![admin.user_id, owner.user_id.clone()]).await.expect("read").users;
        assert_eq!(own.iter().map(|user| user.organization_id.as_str()).collect::<Vec<_>>(), [organization.as_str()]);
        assert_eq!(batch(root.clone(), Vec::new()).await.expect("read").users, []);
        let wrong = batch(root.clone(), vec![String::new(), "7".to_owned()]).await.expect_err("refused");
        let expected = [("user_ids[0]", "REQUIRED"), ("user_ids[1]", "ID_MALFORMED")];
        assert_eq!(violations(&wrong), expected.map(|(field, why)| (field.to_owned(), why.to_owned())));
        let many = batch(root, vec![owner.user_id; 1_001]).await.expect_err("refused");
        assert_eq!(violations(&many), [("user_ids".to_owned(), "TOO_MANY".to_owned())]);
    }
}
