//! Ends everything of a deleted organization: accounts, programs, identity providers, domains.
//!
//! What is to end is written down when the event arrives, and worked off account by account; whoever is killed leaves
//! the rest to the job. It is looked at again for a while, since a program may have been on its way when it was told.

use std::time::Duration;

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::{Error, fault, inbox};
use rolecall_kernel::id::{EventId, OrganizationId, SessionId, SubjectId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::time::Timestamp;

use super::delete_user::endings;
use super::{Resources, revoke};
use crate::domain::event::Event;
use crate::domain::service_account::ServiceAccount;
use crate::domain::user::User;
use crate::events::publish::about;
use crate::store::organization_endings::{self, Ending};
use crate::store::{domains, identity_providers, service_accounts, users};

/// How many accounts are read at once.
const BATCH: u64 = 100;
/// How many programs.
const PAGE: i32 = 100;
/// How long it is looked for what was on its way: longer than any work that spans contexts is left to its worker.
const WATCHED: Duration = Duration::from_mins(10);

/// Which organization was deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    /// The event that tells so.
    pub(crate) event_id: EventId,
    /// The organization.
    pub(crate) organization_id: OrganizationId,
    /// Who deleted it.
    pub(crate) actor: SubjectId,
    /// When.
    pub(crate) deleted_at: Timestamp,
}

/// Notes what is to end; the job ends it.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<(), Error> {
    let now = resources.now();
    let ending = Ending {
        organization_id: command.organization_id,
        actor: command.actor,
        watched_until: command.deleted_at.plus(WATCHED),
    };
    resources
        .db
        .write(|tx| async move {
            if inbox::accept(&tx, "organization", command.event_id, now).await? {
                organization_endings::insert(&tx, &ending).await?;
            }
            Ok::<_, Error>(())
        })
        .await
}

/// Ends what is noted and returns how many accounts and programs that were.
pub(crate) async fn work_off(resources: &Resources) -> Result<usize, Error> {
    let mut ended = 0;
    for ending in organization_endings::list(&resources.db.reader()).await? {
        let organization_id = ending.organization_id;
        // One that cannot be ended now keeps no other from its end, and is tried again.
        match end(resources, &ending).await {
            Ok(some) => ended += some,
            Err(error) => tracing::error!(%organization_id, %error, "a deleted organization could not be ended"),
        }
    }
    Ok(ended)
}

async fn end(resources: &Resources, ending: &Ending) -> Result<usize, Error> {
    let ended = end_users(resources, ending).await? + end_service_accounts(resources, ending).await?;
    end_providers(resources, ending).await?;
    if resources.now() >= ending.watched_until {
        let id = ending.organization_id;
        resources.db.write(|tx| async move { organization_endings::delete(&tx, id).await }).await?;
    }
    Ok(ended)
}

async fn end_users(resources: &Resources, ending: &Ending) -> Result<usize, Error> {
    let mut ended = 0;
    loop {
        let found = users::list_of_organization(&resources.db.reader(), ending.organization_id, None, BATCH).await?;
        if found.is_empty() {
            return Ok(ended);
        }
        for user in &found {
            end_user(resources, ending, user).await?;
            fault::point("end_organization.after_user");
            ended += 1;
        }
    }
}

async fn end_user(resources: &Resources, ending: &Ending, user: &User) -> Result<(), Error> {
    let now = resources.now();
    let sessions: Vec<SessionId> = resources
        .db
        .write(|tx| async move {
            let Some(user) = users::lock(&tx, user.user_id).await? else { return Ok(Vec::new()) };
            endings::end_everything(resources, &tx, &user, ending.actor, false, now).await
        })
        .await?;
    revoke::obey(resources, &sessions, now);
    resources.revocations.revoke_subject_before(user.user_id.into(), now);
    Ok(())
}

async fn end_service_accounts(resources: &Resources, ending: &Ending) -> Result<usize, Error> {
    let Ok(size) = PageSize::parse(PAGE) else { return Ok(0) };
    let scope = Scope::All.within(ending.organization_id);
    let mut ended = 0;
    loop {
        let page = service_accounts::list(&resources.db.reader(), &scope, None, size).await?;
        if page.items.is_empty() {
            return Ok(ended);
        }
        for account in &page.items {
            end_service_account(resources, ending, account).await?;
            ended += 1;
        }
    }
}

async fn end_service_account(resources: &Resources, ending: &Ending, account: &ServiceAccount) -> Result<(), Error> {
    let (subject, now) = (SubjectId::from(account.service_account_id), resources.now());
    let Some(permit) = &Scope::All.permit(RowFacts::of_subject(account.organization_id, subject)) else {
        return Ok(());
    };
    resources
        .db
        .write(|tx| async move {
            if service_accounts::delete(&tx, permit).await? {
                revoke::publish_subject(resources, &tx, subject, now).await?;
                let event = Event::ServiceAccountDeleted;
                let happened = about(Some(ending.actor), account.organization_id, Some(subject), now, event);
                resources.publisher.append(&tx, &happened).await?;
            }
            Ok::<_, Error>(())
        })
        .await?;
    resources.revocations.revoke_subject_before(subject, now);
    Ok(())
}

async fn end_providers(resources: &Resources, ending: &Ending) -> Result<(), Error> {
    let id = ending.organization_id;
    resources
        .db
        .write(|tx| async move {
            identity_providers::delete_all(&tx, id).await?;
            domains::delete_all(&tx, id).await
        })
        .await
}
