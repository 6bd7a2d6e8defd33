//! Makes an account, its membership and its credential or invitation: all or nothing, across two contexts.

mod credential;

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_kernel::id::{OrganizationId, SagaId, SubjectId, UserId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;
use tokio::time::Instant;

use super::delivery::Delivery;
use super::fault::Fault;
use super::invite::{Draft, Invited, inviter_name};
use super::once::{Answer, Once, take_repeats};
use super::{Resources, proven_address, saga, sso};
use crate::domain::event::Event;
use crate::domain::invitation::InvitationMail;
use crate::domain::password::PasswordError;
use crate::domain::saga::{Order, Saga, SagaState};
use crate::domain::user::{Membership, Profile, User, UserState, UserView};
use crate::events::publish::about;
use crate::peers::{OrganizationName, Passwords, PeerError, Refusal};
use crate::store::{USERS_EMAIL_KEY, awaited_passwords, credentials, sagas, users};

pub(crate) use credential::{Credential, SET_PASSWORD};

/// Whose account to make, and where.
#[derive(Debug)]
pub(crate) struct Command {
    /// Who makes it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// In which organization.
    pub(crate) organization: OrganizationId,
    /// The address.
    pub(crate) email: EmailAddress,
    /// Who the person is.
    pub(crate) profile: Profile,
    /// Names of the roles.
    pub(crate) roles: Vec<String>,
    /// How the person will log in.
    pub(crate) credential: Credential,
    /// Checks everything and changes nothing.
    pub(crate) validate_only: bool,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The name of the change.
    pub(crate) once: Option<Once<Created>>,
}

/// What was made.
#[derive(Debug, Clone)]
pub(crate) struct Created {
    /// The account.
    pub(crate) user: UserView,
    /// The invitation; none with another credential, or when nothing was changed.
    pub(crate) invited: Option<Invited>,
    /// Whether nothing was changed.
    pub(crate) is_draft: bool,
}

/// Why no account was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address belongs to another account.
    #[error("the address is taken")]
    EmailTaken,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization is suspended.
    #[error("the organization is suspended")]
    OrganizationSuspended,
    /// One of the roles is beyond what the actor may grant.
    #[error("a role is not grantable")]
    RoleNotGrantable,
    /// One of the roles is none.
    #[error("a role is unknown")]
    RoleUnknown,
    /// The actor lacks the permission that the credential needs.
    #[error("the actor may not give such a credential")]
    PermissionMissing(&'static str),
    /// The organization logs in at its identity provider alone.
    #[error("members of the organization have no passwords")]
    SsoRequired,
    /// The person could never log in.
    #[error("no identity provider serves people of the address")]
    SsoNotAvailable,
    /// The password is not good enough.
    #[error("the password {0}")]
    PasswordRefused(PasswordError),
    /// The code was returned before, and is not kept.
    #[error("the code was returned before")]
    SecretAlreadyReturned,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_repeats!(Error);

impl From<PeerError> for Error {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Refused(Refusal::OrganizationNotFound) => Self::OrganizationNotFound,
            PeerError::Refused(Refusal::OrganizationSuspended) => Self::OrganizationSuspended,
            PeerError::Refused(Refusal::RoleNotGrantable | Refusal::ActorNotEntitled) => Self::RoleNotGrantable,
            PeerError::Refused(Refusal::RequestInvalid) => Self::RoleUnknown,
            error @ (PeerError::Unavailable(_) | PeerError::Refused(_) | PeerError::Broken(_)) => {
                Self::Fault(error.into())
            }
        }
    }
}

impl From<rolecall_db::Error> for Error {
    fn from(error: rolecall_db::Error) -> Self {
        if error.violates(USERS_EMAIL_KEY) { Self::EmailTaken } else { Self::Fault(error.into()) }
    }
}

/// Makes the account of a person.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Answer<Created>, Error> {
    if let Some(answer) = stored(resources, command).await? {
        return Ok(answer);
    }
    if !command.scope.includes_organization(command.organization) {
        return Err(Error::OrganizationNotFound);
    }
    if let Some(permission) = command.credential.lacks_in(command.organization) {
        return Err(Error::PermissionMissing(permission));
    }
    let is_sso = check_credential(resources, command).await?;
    if command.validate_only {
        return check(resources, command).await.map(Answer::Fresh);
    }
    match make(resources, command, is_sso).await {
        Ok(created) => Ok(Answer::Fresh(created)),
        // A parallel run of the same request is answered like that one, which may have taken the address.
        Err(error) if error.may_be_repeat() => stored(resources, command).await?.ok_or(error),
        Err(error) => Err(error),
    }
}

/// Refuses a password where there are none; tells whether that is so.
async fn check_credential(resources: &Resources, command: &Command) -> Result<bool, Error> {
    let settings = resources.organization.settings(command.organization).await?;
    let is_sso = settings.is_some_and(|settings| settings.passwords != Passwords::Everybody);
    if is_sso && !matches!(command.credential, Credential::SingleSignOn { .. }) {
        return Err(Error::SsoRequired);
    }
    if command.credential.is_mailed() {
        let provider = sso::sso_for_domain(resources, &command.email).await?;
        if provider.is_none_or(|provider| provider.organization_id != command.organization) {
            return Err(Error::SsoNotAvailable);
        }
    }
    Ok(is_sso)
}

impl Error {
    fn may_be_repeat(&self) -> bool {
        match self {
            Self::EmailTaken => true,
            Self::Fault(fault) => fault.is_repeat(),
            Self::OrganizationNotFound
            | Self::OrganizationSuspended
            | Self::RoleNotGrantable
            | Self::RoleUnknown
            | Self::PermissionMissing(_)
            | Self::SsoRequired
            | Self::SsoNotAvailable
            | Self::PasswordRefused(_)
            | Self::SecretAlreadyReturned
            | Self::RequestIdReused => false,
        }
    }
}

/// Finds the answer of an earlier run, which is given only once that run's work is finished.
async fn stored(resources: &Resources, command: &Command) -> Result<Option<Answer<Created>>, Error> {
    let reader = resources.db.reader();
    let Some(stored) = Once::find(command.once.as_ref(), &reader).await? else {
        return Ok(None);
    };
    if let Some((user, _)) = users::find_by_email(&reader, &command.email).await? {
        let id = SagaId::from_uuid(user.user_id.as_uuid());
        saga::finish_if_left(resources, id).await.map_err(Error::Fault)?;
    }
    match command.credential {
        Credential::Invitation(Delivery::Return(_)) => Err(Error::SecretAlreadyReturned),
        Credential::Invitation(Delivery::Send)
        | Credential::Password { .. }
        | Credential::Imported { .. }
        | Credential::SingleSignOn { .. } => Ok(Some(Answer::Stored(stored))),
    }
}

/// Checks what can be checked without changing anything, in the order in which making checks it.
async fn check(resources: &Resources, command: &Command) -> Result<Created, Error> {
    if users::is_email_taken(&resources.db.reader(), &command.email).await? {
        return Err(Error::EmailTaken);
    }
    let into = check_with_organization(resources, command).await?;
    credential::hash(resources, command, &into).await?;
    let now = resources.now();
    let user_id = UserId::new(now, resources.entropy.as_ref());
    let user = draft(command, user_id, into.organization_id, now);
    Ok(Created { user: view(user, command), invited: None, is_draft: true })
}

async fn check_with_organization(resources: &Resources, command: &Command) -> Result<OrganizationName, Error> {
    let (organization, roles) = (Some(command.organization), &command.roles);
    Ok(resources.organization.check_add_member(organization, roles, command.actor).await?)
}

/// Makes the account, as work that is finished or undone by whoever comes next.
async fn make(resources: &Resources, command: &Command, is_sso: bool) -> Result<Created, Error> {
    // Early and friendly; only the unique index decides.
    if users::is_email_taken(&resources.db.reader(), &command.email).await? {
        return Err(Error::EmailTaken);
    }
    // Hashed before the work begins, which others wait for.
    let hash = if command.credential.is_active() {
        let into = check_with_organization(resources, command).await?;
        credential::hash(resources, command, &into).await?
    } else {
        None
    };
    let now = resources.now();
    let user_id = UserId::new(now, resources.entropy.as_ref());
    let (saga_id, kind) = (SagaId::from_uuid(user_id.as_uuid()), command.credential.saga());
    let saga = Saga { saga_id, kind, state: SagaState::Started };
    let order = Order { actor: command.actor, request: None };
    saga::begin_ordered(resources, &saga, &order).await.map_err(Error::Fault)?;
    rolecall_db::fault::point("create_user.after_start");
    match add_and_commit(resources, command, user_id, (hash.as_deref(), is_sso), now).await {
        Ok(created) => {
            rolecall_db::fault::point("create_user.after_commit");
            saga::finish(resources, &saga).await.map_err(Error::Fault)?;
            confirm(resources, command, user_id).await?;
            Ok(created)
        }
        Err(error) => {
            saga::abandon(resources, &saga).await;
            Err(error)
        }
    }
}

/// An account is active only if its maker still had the right to it at the very end.
async fn confirm(resources: &Resources, command: &Command, user_id: UserId) -> Result<(), Error> {
    if !command.credential.is_active() {
        return Ok(());
    }
    let user = users::find(&resources.db.reader(), user_id).await?;
    if user.is_some_and(|user| user.state == UserState::Active) { Ok(()) } else { Err(Error::RoleNotGrantable) }
}

/// Adds the hidden member, then commits account, credential or invitation, mail and answer together.
async fn add_and_commit(
    resources: &Resources,
    command: &Command,
    user_id: UserId,
    (hash, is_sso): (Option<&str>, bool),
    now: Timestamp,
) -> Result<Created, Error> {
    let (organization, roles) = (Some(command.organization), &command.roles);
    let into = resources.organization.add_member(user_id, organization, roles, command.actor).await?;
    rolecall_db::fault::point("create_user.after_add_member");
    let user = draft(command, user_id, into.organization_id, now);
    let opening = &if let Some(hash) = hash {
        Opening::Hash(hash)
    } else if command.credential.is_active() {
        let mail = if command.credential.is_mailed() { Some(mail_of(resources, command, &into).await?) } else { None };
        Opening::Nothing { is_sso, mail }
    } else {
        let mail = mail(resources, command, &into).await?;
        let settings = resources.organization.settings(into.organization_id).await?;
        let lifetime = settings.and_then(|settings| settings.invitation_lifetime);
        Opening::Invitation(Draft::new(resources, &user, command.actor, mail, lifetime, now))
    };
    let invited = opening.invitation().map(|draft| Invited::new(draft, &user));
    let created = Created { user: view(user, command), invited, is_draft: false };
    let answer = &created;
    resources.db.write(|tx| async move { store(resources, &tx, command, opening, answer, now).await }).await?;
    Ok(created)
}

/// What opens the account to its person.
enum Opening<'a> {
    /// The hash of its password.
    Hash(&'a str),
    /// An invitation.
    Invitation(Draft),
    /// Nothing here: its identity provider does.
    Nothing {
        /// Whether that is because the organization has no passwords.
        is_sso: bool,
        /// What the mail shows that says where to log in; none for who just did.
        mail: Option<InvitationMail>,
    },
}

impl Opening<'_> {
    const fn invitation(&self) -> Option<&Draft> {
        match self {
            Self::Hash(_) | Self::Nothing { .. } => None,
            Self::Invitation(draft) => Some(draft),
        }
    }
}

async fn store(
    resources: &Resources,
    tx: &Tx,
    command: &Command,
    opening: &Opening<'_>,
    created: &Created,
    now: Timestamp,
) -> Result<(), Error> {
    let user = &created.user.user;
    Once::store(command.once.as_ref(), tx, created, now).await?;
    users::insert(tx, user).await?;
    let roles = command.roles.clone();
    let event = match opening {
        Opening::Hash(hash) => {
            credentials::insert(tx, user.user_id, hash, command.credential.change_required(), now).await?;
            Event::UserCreated { roles, credential: command.credential.name() }
        }
        Opening::Nothing { is_sso, mail } => {
            if let Some(mail) = mail {
                resources.publisher.order_sign_in_mail(tx, user, mail, now).await?;
            }
            if *is_sso {
                awaited_passwords::note(tx, user.user_id, now).await?;
            }
            Event::UserCreated { roles, credential: command.credential.name() }
        }
        Opening::Invitation(draft) => {
            draft.store(resources, tx, user, now).await?;
            Event::UserInvited { invitation_id: draft.invitation.invitation_id, roles }
        }
    };
    let target = Some(user.user_id.into());
    let happened = about(Some(command.actor), Some(user.organization_id), target, now, event);
    resources.publisher.append(tx, &happened).await?;
    if user.email_verified {
        proven_address::tell(resources, tx, user, now).await?;
    }
    // A recovery that took over meanwhile undoes the membership, so nothing may be committed.
    let id = SagaId::from_uuid(user.user_id.as_uuid());
    if sagas::advance(tx, id, SagaState::Started, SagaState::Committed).await? {
        Ok(())
    } else {
        Err(Error::Fault(rolecall_db::Error::Conflict.into()))
    }
}

/// What the mail shows; none when the actor gets the code.
async fn mail(
    resources: &Resources,
    command: &Command,
    into: &OrganizationName,
) -> Result<Option<InvitationMail>, Error> {
    if matches!(command.credential, Credential::Invitation(Delivery::Return(_))) {
        return Ok(None);
    }
    mail_of(resources, command, into).await.map(Some)
}

async fn mail_of(resources: &Resources, command: &Command, into: &OrganizationName) -> Result<InvitationMail, Error> {
    let inviter_name = inviter_name(&resources.db.reader(), command.actor).await?;
    Ok(InvitationMail { organization_name: into.name.clone(), inviter_name })
}

fn draft(command: &Command, user_id: UserId, organization_id: OrganizationId, now: Timestamp) -> User {
    let (email, profile) = (command.email.clone(), command.profile.clone());
    let user = User::new(user_id, organization_id, email, profile, command.credential.state(), now);
    User { email_verified: command.credential.proves_address(), ..user }
}

fn view(user: User, command: &Command) -> UserView {
    let mut roles = command.roles.clone();
    roles.sort();
    roles.dedup();
    let password_change_required = command.credential.change_required();
    UserView { user, membership: Membership { roles, blocked: false }, password_change_required }
}
