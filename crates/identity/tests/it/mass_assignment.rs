//! The weakest of all sends along every field that there is.

use rolecall_api::identity::v1::*;
use rolecall_testkit::on_each_database;

use crate::harness::{ADMIN, World, bearer};
use crate::profile::mask;

const PATHS: [&str; 18] = [
    "user_id",
    "organization_id",
    "email",
    "name",
    "given_name",
    "family_name",
    "institution",
    "website",
    "state",
    "roles",
    "blocked",
    "etag",
    "create_time",
    "update_time",
    "last_login_time",
    "email_verified",
    "password_change_required",
    "*",
];

/// All fields, each with what an attacker would like.
fn wish(user_id: &str, organization_id: &str) -> User {
    let time = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
    User {
        user_id: user_id.to_owned(),
        organization_id: organization_id.to_owned(),
        email: "mallory@example.org".to_owned(),
        name: "Mallory".to_owned(),
        given_name: "Mal".to_owned(),
        family_name: "Lory".to_owned(),
        institution: "None".to_owned(),
        website: "https://mallory.example.org".to_owned(),
        state: UserState::Invited.into(),
        roles: vec!["ADMIN".to_owned(), "OWNER".to_owned()],
        blocked: true,
        etag: String::new(),
        create_time: time,
        update_time: time,
        last_login_time: time,
        email_verified: false,
        password_change_required: true,
    }
}

/// The account without what its person may change, and without the times that follow.
fn untouchable(user: &User) -> User {
    User {
        name: String::new(),
        given_name: String::new(),
        family_name: String::new(),
        institution: String::new(),
        website: String::new(),
        etag: String::new(),
        update_time: None,
        ..user.clone()
    }
}

async fn read(world: &World, root: &str, user_id: &str) -> User {
    let request = GetUserRequest { user_id: user_id.to_owned() };
    world.users().get_user(bearer(root, request)).await.expect("read").into_inner().user.expect("a user")
}

on_each_database! {
    /// ASVS: V8.2.3, V15.3.3
    async fn attack_t17_a_guest_that_sends_every_field_changes_nothing_but_its_profile(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let (elsewhere, _) = world.second_organization("charles@example.org").await;
        let root = world.log_in(ADMIN).await.access_token;
        let guest = world.join(&root, "ada@example.org", "GUEST").await;
        let token = world.log_in("ada@example.org").await.access_token;
        let before = untouchable(&read(&world, &root, &guest.user_id).await);
        let admin_before = read(&world, &root, &admin.user_id).await;
        let mut changed = 0;
        for path in PATHS {
            for target in [&guest.user_id, &admin.user_id] {
                let (user, update_mask) = (Some(wish(target, &elsewhere)), mask(&[path]));
                let request = UpdateUserRequest { user: user.clone(), update_mask: update_mask.clone(), ..Default::default() };
                changed += usize::from(world.users().update_user(bearer(&token, request)).await.is_ok());
                let request = UpdateAccountRequest { user, update_mask, ..Default::default() };
                changed += usize::from(world.accounts().update_account(bearer(&token, request)).await.is_ok());
                let after = read(&world, &root, &guest.user_id).await;
                assert_eq!(untouchable(&after), before, "{path}");
                assert_eq!(read(&world, &root, &admin.user_id).await, admin_before, "{path}");
            }
        }
        for update_mask in [None, mask(&PATHS[..17])] {
            let (user, update_mask) = (Some(wish(&guest.user_id, &elsewhere)), update_mask);
            let request = UpdateUserRequest { user: user.clone(), update_mask: update_mask.clone(), ..Default::default() };
            let _refused = world.users().update_user(bearer(&token, request)).await;
            let request = UpdateAccountRequest { user, update_mask, ..Default::default() };
            let _refused = world.accounts().update_account(bearer(&token, request)).await;
            assert_eq!(untouchable(&read(&world, &root, &guest.user_id).await), before);
        }
        assert!(changed >= 5, "its own profile is changed: {changed}");
        assert_eq!(read(&world, &root, &guest.user_id).await.institution, "None");
    }
}
