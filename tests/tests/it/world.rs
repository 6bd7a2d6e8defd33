//! The steps that stories share.

use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};
use tonic::Status;

/// The address of the first administrator.
pub(crate) const ADMIN: &str = "admin@home.example";

/// One process on SQLite with a real mail server: the quickest whole.
pub(crate) const ONE_SQLITE: Plan =
    Plan { layout: Layout::One, store: Store::Sqlite, post: Post::Smtp, hashing: Hashing::Weak };

/// One process on PostgreSQL with a real mail server.
pub(crate) const ONE_POSTGRES: Plan =
    Plan { layout: Layout::One, store: Store::Postgres, post: Post::Smtp, hashing: Hashing::Weak };

/// What `Bootstrap` is called with.
pub(crate) fn bootstrap_request(setup_secret: String) -> identity::BootstrapRequest {
    identity::BootstrapRequest {
        setup_secret,
        organization_name: "Home".to_owned(),
        email: ADMIN.to_owned(),
        name: "Ada Admin".to_owned(),
        given_name: "Ada".to_owned(),
        family_name: "Admin".to_owned(),
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
        mfa_policy: identity::MfaPolicy::Optional.into(),
    }
}

/// Makes the first administrator and logs it in.
pub(crate) async fn bootstrap(stack: &Stack) -> Actor {
    let request = bootstrap_request(stack.setup_secret());
    Actor::anonymous(stack).instance().bootstrap(request).await.expect("the first bootstrap works");
    Actor::log_in(stack, ADMIN).await.expect("the administrator logs in")
}

/// What `CreateUser` is called with, in the caller's own organization.
pub(crate) fn create_user_request(email: &str, roles: &[&str]) -> identity::CreateUserRequest {
    identity::CreateUserRequest {
        email: email.to_owned(),
        given_name: "Pat".to_owned(),
        family_name: "Person".to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ..Default::default()
    }
}

/// What `CreateOrganization` is called with.
pub(crate) fn create_organization_request(name: &str, owner: &str) -> organization::CreateOrganizationRequest {
    organization::CreateOrganizationRequest {
        name: name.to_owned(),
        first_owner: Some(organization::FirstOwner {
            email: owner.to_owned(),
            given_name: "Olga".to_owned(),
            family_name: "Owner".to_owned(),
            ..Default::default()
        }),
        mfa_policy: organization::MfaPolicy::Optional.into(),
        ..Default::default()
    }
}

/// Accepts the invitation that was mailed to `email`.
pub(crate) async fn accept(stack: &Stack, email: &str) -> Result<identity::User, Status> {
    accept_code(stack, stack.mailbox.wait_for(email, "nvit").await.code()).await
}

/// Accepts the invitation of this code.
pub(crate) async fn accept_code(stack: &Stack, code: String) -> Result<identity::User, Status> {
    let request = identity::AcceptInvitationRequest {
        code,
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
    };
    let answer = Actor::anonymous(stack).registration().accept_invitation(request).await?;
    Ok(answer.into_inner().user.expect("an account"))
}

/// Makes an organization whose owner has accepted, and logs the owner in; gives the organization's id too.
pub(crate) async fn organization_with_owner(stack: &Stack, admin: &Actor, name: &str, owner: &str) -> (String, Actor) {
    let request = create_organization_request(name, owner);
    let answer = admin.organizations().create_organization(request).await.expect("an organization").into_inner();
    accept(stack, owner).await.expect("the owner accepts");
    let owner = Actor::log_in(stack, owner).await.expect("the owner logs in");
    (answer.organization.expect("an organization").organization_id, owner)
}

/// Adds a person to the caller's organization, lets it accept, and logs it in.
pub(crate) async fn member(stack: &Stack, owner: &Actor, email: &str, roles: &[&str]) -> Actor {
    owner.users().create_user(create_user_request(email, roles)).await.expect("an account");
    accept(stack, email).await.expect("the person accepts");
    Actor::log_in(stack, email).await.expect("the person logs in")
}

/// Repeats a call until its answer satisfies. Five seconds are promised between processes; a busy machine gets a
/// minute, because a test shows what happens and a benchmark how fast.
pub(crate) async fn eventually<T, F: Future<Output = T>>(call: impl Fn() -> F, good: impl Fn(&T) -> bool) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let answer = call().await;
        if good(&answer) || tokio::time::Instant::now() > deadline {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
