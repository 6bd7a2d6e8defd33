//! Mails the code by which a new device logs in where strangers failed too often, after the try was answered.
//!
//! The mail goes out whether the password of the try was right or not, or its coming would tell. It is one a day while
//! its code works, so strangers can neither flood a mailbox nor make the code useless that was mailed before.

use rolecall_db::{Error as StoreError, Tx};
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::fault::Fault;
use super::request_password_reset::Place;
use super::{Resources, device, mail_budget};
use crate::domain::device::{CODE_LIFETIME, CODE_PREFIX};
use crate::domain::event::Event;
use crate::domain::user::{User, UserState};
use crate::events::publish::about;
use crate::store::{login_codes, users};

/// Mails the code when its turn comes, if the address opens an account.
pub(crate) async fn run(resources: &Resources, place: Place, email: &EmailAddress) {
    let Some(_turn) = place.turn().await else { return };
    if let Err(error) = mail(resources, email).await {
        tracing::warn!(%error, "the mail of a login code could not be ordered");
    }
}

/// Does the same whatever the address, as the mail of a password reset does.
async fn mail(resources: &Resources, email: &EmailAddress) -> Result<(), Fault> {
    let now = resources.now();
    let found = users::find_by_email(&resources.db.reader(), email).await?;
    let user_id = found.as_ref().map_or_else(|| UserId::new(now, resources.entropy.as_ref()), |(user, _)| user.user_id);
    let access = resources.organization.access(SubjectId::from(user_id)).await?;
    let user = found.map(|(user, _)| user).filter(|user| user.state == UserState::Active && access.active);
    let user = user.as_ref();
    resources.db.write(|tx| async move { store(resources, &tx, email, user_id, user, now).await }).await?;
    Ok(())
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    email: &EmailAddress,
    user_id: UserId,
    user: Option<&User>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let address = device::address(resources, email);
    if login_codes::has_open(tx, user_id, &address, now).await? {
        return Ok(());
    }
    // A budget of its own: whoever has a stranger ask for new passwords all day still gets this mail.
    if !mail_budget::spend_on_login_codes(resources, tx, email, now).await? {
        return Ok(());
    }
    let Some(user) = user else { return Ok(()) };
    let locked = users::lock(tx, user.user_id).await?;
    let Some(user) = locked.filter(|user| user.state == UserState::Active && user.email.key() == email.key()) else {
        return Ok(());
    };
    // Asked again, now that the account is held: of many tries at once one mails.
    if login_codes::has_open(tx, user.user_id, &address, now).await? {
        return Ok(());
    }
    let (token, expires) = (OpaqueToken::new(CODE_PREFIX, resources.entropy.as_ref()), now.plus(CODE_LIFETIME));
    login_codes::replace(tx, user.user_id, &token.digest(), &address, expires).await?;
    resources.publisher.order_login_code_mail(tx, &user, &token, expires, now).await?;
    let (organization, target) = (Some(user.organization_id), Some(user.user_id.into()));
    resources.publisher.append(tx, &about(None, organization, target, now, Event::LoginCodeMailed)).await
}
