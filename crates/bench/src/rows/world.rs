//! The steps that rows share.

use rolecall_api::identity::v1::{BootstrapRequest, MfaPolicy};
use rolecall_tests::actor::{Actor, PASSWORD};
use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};

/// The address of the first administrator.
pub(crate) const ADMIN: &str = "admin@home.example";

/// One process on SQLite, mail into the folder.
pub(crate) const ONE_SQLITE: Plan =
    Plan { layout: Layout::One, store: Store::Sqlite, post: Post::Folder, hashing: Hashing::Real };

/// One process on PostgreSQL, mail into the folder.
pub(crate) const ONE_POSTGRES: Plan =
    Plan { layout: Layout::One, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Real };

/// Three processes on PostgreSQL, mail into the folder.
pub(crate) const THREE_POSTGRES: Plan =
    Plan { layout: Layout::Three, store: Store::Postgres, post: Post::Folder, hashing: Hashing::Real };

/// Makes the first administrator and logs it in.
pub(crate) async fn bootstrap(stack: &Stack) -> anyhow::Result<Actor> {
    let request = BootstrapRequest {
        setup_secret: stack.setup_secret(),
        organization_name: "Home".to_owned(),
        email: ADMIN.to_owned(),
        name: "Ada Admin".to_owned(),
        password: PASSWORD.to_owned(),
        password_confirmation: PASSWORD.to_owned(),
        mfa_policy: MfaPolicy::Optional.into(),
        ..Default::default()
    };
    Actor::anonymous(stack).instance().bootstrap(request).await?;
    Ok(Actor::log_in(stack, ADMIN).await?)
}
