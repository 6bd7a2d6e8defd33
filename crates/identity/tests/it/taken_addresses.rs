//! Whoever makes accounts learns that an address is taken a hundred times a day, and nothing above that.

use std::sync::Arc;
use std::time::Duration;

use rolecall_api::identity::v1::{CreateUserRequest, UpdateUserRequest, User};
use rolecall_testkit::on_each_database;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{ADMIN, World, at_once, bearer, create_user, reason};
use crate::profile::mask;

async fn make(world: &World, token: &str, email: &str) -> Result<(), Status> {
    world.users().create_user(bearer(token, create_user(email, "GUEST"))).await.map(drop)
}

async fn preview(world: &World, token: &str, email: &str) -> Result<(), Status> {
    let request = CreateUserRequest { validate_only: true, ..create_user(email, "GUEST") };
    world.users().create_user(bearer(token, request)).await.map(drop)
}

async fn move_to(world: &World, token: &str, user_id: &str, email: &str) -> Result<(), Status> {
    let user = User { user_id: user_id.to_owned(), email: email.to_owned(), ..Default::default() };
    let request = UpdateUserRequest { user: Some(user), update_mask: mask(&["email"]), ..Default::default() };
    world.users().update_user(bearer(token, request)).await.map(drop)
}

on_each_database! {
    async fn attack_t03_the_hundred_and_first_taken_address_of_a_day_is_told_like_a_free_one(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, "ada@example.org", "GUEST").await;
        world.join(&root, "owner@example.org", "OWNER").await;
        for index in 0..98 {
            let refused = make(&world, &root, ADMIN).await.expect_err("taken");
            assert_eq!(reason(&refused), "EMAIL_TAKEN", "{index}");
        }
        make(&world, &root, "free@example.org").await.expect("free");
        preview(&world, &root, "other@example.org").await.expect("free");
        assert_eq!(reason(&preview(&world, &root, ADMIN).await.expect_err("taken")), "EMAIL_TAKEN");
        assert_eq!(reason(&move_to(&world, &root, &ada.user_id, ADMIN).await.expect_err("taken")), "EMAIL_TAKEN");
        for email in [ADMIN, "free2@example.org"] {
            for refused in [
                make(&world, &root, email).await,
                preview(&world, &root, email).await,
                move_to(&world, &root, &ada.user_id, email).await,
            ] {
                let refused = refused.expect_err("enough");
                assert_eq!(refused.code(), Code::ResourceExhausted);
                assert_eq!(reason(&refused), "TAKEN_ADDRESS_LIMIT_REACHED");
                assert!(refused.get_details_retry_info().is_some());
            }
        }
        let owner = world.log_in("owner@example.org").await.access_token;
        assert_eq!(reason(&make(&world, &owner, ADMIN).await.expect_err("taken")), "EMAIL_TAKEN", "counted by caller");
        world.clock.advance(Duration::from_hours(24));
        let root = world.log_in(ADMIN).await.access_token;
        make(&world, &root, "free2@example.org").await.expect("another day");
    }

    async fn previews_at_once_learn_no_more_than_one_after_the_other(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let world = Arc::new(world);
        let answers = at_once(120, |_| {
            let (world, root) = (Arc::clone(&world), root.clone());
            async move { preview(&world, &root, ADMIN).await.expect_err("taken, or enough") }
        }).await;
        let taken = answers.iter().filter(|refused| reason(refused) == "EMAIL_TAKEN").count();
        assert_eq!(taken, 100);
    }
}
