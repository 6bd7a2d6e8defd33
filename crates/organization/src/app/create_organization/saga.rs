//! The three steps, and what happens when one of them does not.

use std::time::Duration;

use rolecall_authz::Scope;
use rolecall_db::idempotency::{self, Fingerprint};
use rolecall_db::{Tx, fault};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;

use super::{App, Command, Created, Error, Ids, earlier_answer};
use crate::app::confirm_member;
use crate::domain::event::What;
use crate::domain::member::{Member, MemberState};
use crate::domain::organization::{Organization, OrganizationState};
use crate::domain::role::Role;
use crate::peers::identity::{FirstOwnerInvitation, InviteError};
use crate::store::creations::{self, Creation};
use crate::store::{CREATION_REQUEST_KEY, NAME_KEY, access, members, organizations};
use rolecall_db::once::{Answer, RequestIdReused};

/// The method under which answers are kept.
pub(crate) const METHOD: &str = "/rolecall.organization.v1.OrganizationService/CreateOrganization";

/// How often, and at which distance, a repeat looks whether the run before it has ended.
const LOOKS: u32 = 30;
const LOOK_DISTANCE: Duration = Duration::from_millis(100);

/// Begins, or joins the run of the same request that is under way.
pub(super) async fn run(app: &App, command: &Command) -> Result<Answer<Created>, Error> {
    for _ in 0..LOOKS {
        if let Some(creation) = under_way(app, command).await? {
            if let Some(claimed) = take_over(app, creation.organization_id).await? {
                return go_on(app, &claimed).await.map(Answer::Fresh);
            }
        } else if let Some(answer) = earlier_answer(app, command).await? {
            return Ok(Answer::Repeated(answer));
        } else if let Some(creation) = begin(app, command).await? {
            fault::point("create_organization.after_local");
            return go_on(app, &creation).await.map(Answer::Fresh);
        }
        tokio::time::sleep(LOOK_DISTANCE).await;
    }
    Err(Error::Unfinished)
}

/// Finds the run that the same request began.
async fn under_way(app: &App, command: &Command) -> Result<Option<Creation>, Error> {
    let Some(request) = &command.request else { return Ok(None) };
    let reader = app.database.reader();
    let creation = creations::find_by_request(&reader, request.caller, request.request_id).await?;
    match creation {
        Some(creation) if !creation.is_of(&request.fingerprint) => Err(RequestIdReused.into()),
        other => Ok(other),
    }
}

/// Takes over a run whose lease has ended.
async fn take_over(app: &App, id: OrganizationId) -> Result<Option<Creation>, Error> {
    let now = app.now();
    let until = now.plus(app.creation_lease);
    let claimed = app.database.write(|tx| async move { creations::claim(&tx, Some(id), now, until).await }).await;
    Ok(claimed?.into_iter().next())
}

/// The first step; `None` when the same request was faster.
async fn begin(app: &App, command: &Command) -> Result<Option<Creation>, Error> {
    let now = app.now();
    let entropy = app.entropy.as_ref();
    let ids = Ids { organization: OrganizationId::new(now, entropy), owner: UserId::new(now, entropy) };
    let creation = creation(command, ids, now).ok_or(Error::NotEntitled)?;
    let (creation_ref, lease) = (&creation, now.plus(app.creation_lease));
    let begun = app.database.write(|tx| async move { insert(&tx, command, creation_ref, lease).await }).await;
    match begun {
        Ok(()) => Ok(Some(creation)),
        Err(error) if error.violates(CREATION_REQUEST_KEY) => Ok(None),
        Err(error) if error.violates(NAME_KEY) => {
            let same_request =
                under_way(app, command).await?.is_some() || earlier_answer(app, command).await?.is_some();
            if same_request { Ok(None) } else { Err(Error::NameTaken) }
        }
        Err(error) => Err(error.into()),
    }
}

fn creation(command: &Command, ids: Ids, now: Timestamp) -> Option<Creation> {
    let request = command.request.as_ref();
    Some(Creation {
        organization_id: ids.organization,
        user_id: ids.owner,
        actor_id: command.origin.actor?,
        request_id: request.map(|request| request.request_id),
        fingerprint: request.map(|request| *request.fingerprint.as_bytes()),
        call_id: command.origin.request_id.as_deref().map(str::to_owned),
        owner: command.owner.contact(),
        created: now,
    })
}

async fn insert(
    tx: &Tx,
    command: &Command,
    creation: &Creation,
    lease_until: Timestamp,
) -> Result<(), rolecall_db::Error> {
    let (organization_id, now) = (creation.organization_id, creation.created);
    let (name, state) = (command.name.clone(), OrganizationState::Hidden);
    let mfa_policy = command.mfa_policy;
    let organization = Organization { organization_id, name, state, home: false, mfa_policy, version: 1, created: now };
    organizations::insert(tx, &organization).await?;
    let owner = Member::hidden(creation.user_id, organization_id, [Role::Owner].into_iter().collect(), now);
    members::insert(tx, &owner, Some(creation.actor_id)).await?;
    creations::insert(tx, creation, lease_until).await
}

/// The second step, and what follows from it.
async fn go_on(app: &App, creation: &Creation) -> Result<Created, Error> {
    match invite(app, creation).await {
        Ok(()) => {
            fault::point("create_organization.after_invite");
            finish(app, creation.organization_id, creation.user_id).await
        }
        Err(InviteError::EmailTaken) => undo(app, creation).await.and(Err(Error::EmailTaken)),
        Err(InviteError::Refused(why)) => undo(app, creation).await.and(Err(Error::Refused(why))),
        Err(InviteError::Unavailable(why)) => {
            tracing::warn!(organization = %creation.organization_id, %why, "the first owner is not invited yet");
            release(app, creation).await?;
            Err(Error::Unfinished)
        }
    }
}

async fn invite(app: &App, creation: &Creation) -> Result<(), InviteError> {
    let organization = organizations::find_even_hidden(&app.database.reader(), creation.organization_id).await;
    let organization = organization.map_err(|error| InviteError::Unavailable(error.to_string()))?;
    let Some(organization) = organization else { return Err(InviteError::Unavailable("it is gone".to_owned())) };
    let invitation = FirstOwnerInvitation {
        user_id: creation.user_id,
        organization_id: creation.organization_id,
        organization_name: organization.name,
        actor_id: creation.actor_id,
        owner: creation.owner.clone(),
    };
    // As long as an answer may take, and within the lease, so that two never wait for different answers.
    let patience = app.creation_lease / 4 * 3;
    match tokio::time::timeout(patience, app.identity.invite_first_owner(&invitation)).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(InviteError::Unavailable(elapsed.to_string())),
    }
}

/// The third step; repeating it changes nothing.
pub(crate) async fn finish(app: &App, id: OrganizationId, first_owner: UserId) -> Result<Created, Error> {
    let (created, revision) = app.database.write(|tx| async move { reveal(app, &tx, id, first_owner).await }).await?;
    if let Some(revision) = revision {
        app.announce(created.first_owner.into(), revision);
    }
    Ok(created)
}

async fn reveal(app: &App, tx: &Tx, id: OrganizationId, first_owner: UserId) -> Result<(Created, Option<i64>), Error> {
    let revision = access::advance(tx).await?;
    let Some(creation) = creations::find_locked(tx, id).await? else {
        // Somebody else came to the end first.
        let made = organizations::find(tx, &Scope::All, id).await?.ok_or(Error::Unfinished)?;
        return Ok((Created { organization: made, first_owner }, None));
    };
    organizations::reveal(tx, id).await?;
    let organization = organizations::find_even_hidden(tx, id).await?.ok_or(Error::Unfinished)?;
    let (owner, _) = members::find_even_hidden(tx, creation.user_id).await?.ok_or(Error::Unfinished)?;
    let origin = creation.origin();
    let what = What::OrganizationCreated { organization_id: id, name: organization.name.clone() };
    app.tell(tx, &origin, Some(id), app.now(), what).await?;
    if owner.state == MemberState::Hidden {
        confirm_member::reveal(app, tx, revision, owner, &origin).await?;
    }
    let created = Created { organization, first_owner: creation.user_id };
    remember(app, tx, &creation, &created).await?;
    creations::delete(tx, id).await?;
    Ok((created, Some(revision)))
}

/// Keeps the answer for a repeat of the request, whoever comes to the end.
async fn remember(app: &App, tx: &Tx, creation: &Creation, created: &Created) -> Result<(), rolecall_db::Error> {
    let (Some(request_id), Some(fingerprint)) = (creation.request_id, creation.fingerprint) else { return Ok(()) };
    let fingerprint = Fingerprint::from_bytes(fingerprint);
    let answer = (app.encode_created)(created);
    idempotency::store(tx, creation.actor_id, METHOD, request_id, &fingerprint, &answer, app.now()).await
}

/// Undoes the first step.
async fn undo(app: &App, creation: &Creation) -> Result<(), Error> {
    app.database
        .write(|tx| async move {
            if creations::find_locked(&tx, creation.organization_id).await?.is_some() {
                creations::delete(&tx, creation.organization_id).await?;
                members::delete_inactive(&tx, creation.user_id).await?;
                organizations::delete_hidden(&tx, creation.organization_id).await?;
            }
            Ok(())
        })
        .await
}

/// Lets whoever comes next go on at once.
async fn release(app: &App, creation: &Creation) -> Result<(), Error> {
    let (id, now) = (creation.organization_id, app.now());
    Ok(app.database.write(|tx| async move { creations::release(&tx, id, now).await }).await?)
}

/// Goes on with what was left behind, and returns how many organizations came about.
pub(crate) async fn recover(app: &App) -> Result<usize, Error> {
    let now = app.now();
    let until = now.plus(app.creation_lease);
    let claimed = app.database.write(|tx| async move { creations::claim(&tx, None, now, until).await }).await?;
    let mut made = 0;
    for creation in &claimed {
        match go_on(app, creation).await {
            Ok(_) => made += 1,
            Err(error) => tracing::warn!(organization = %creation.organization_id, %error, "left unfinished"),
        }
    }
    Ok(made)
}
