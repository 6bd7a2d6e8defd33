//! Every outcome as a status: one place where errors meet the contract.

use rolecall_api::identity::v1::ErrorReason as Reason;
use rolecall_authz::Refusal;
use rolecall_rpc::status::{StatusBuilder, Violations, domain};
use tonic::{Code, Status};

use crate::app::fault::Fault;
use crate::app::taken_addresses::Limited;
use crate::app::{
    accept_invitation, answer_challenge, bootstrap, change_email, change_password, confirm_email_change, confirm_totp,
    create_access_token, create_api_key, create_service_account, create_user, delete_api_key, delete_service_account,
    delete_user, enroll_totp, exchange_api_key, get_invitation, get_registration, impersonate_user, instance_settings,
    invite_first_owner, issue_password_reset, list_invitations, log_in, log_in_as_guest, read_service_accounts,
    read_sessions, read_users, reauthenticate, refresh_tokens, regenerate_recovery_codes, register, remove_factor,
    resend_invitation, reset_password, reset_user_factors, revoke_access_token, revoke_invitation, revoke_sessions,
    rotate_signing_keys, set_user_password, sso, update_service_account, update_user, verify_email,
};
use crate::domain::access_token::NarrowingError;
use crate::domain::challenge::Due;
use crate::domain::password::PasswordError;
use crate::hashing::HashingError;
use crate::peers::PeerError;

/// One code and its reasons a line.
macro_rules! codes {
    ($given:ident { $($code:ident: $($reason:ident),+;)+ }) => {
        match $given {
            $($(Reason::$reason)|+ => Code::$code,)+
        }
    };
}

/// The status code of a reason, as its enum value declares.
const fn code(reason: Reason) -> Code {
    codes! { reason {
        InvalidArgument: RequestInvalid, RequestIdReused, FilterNotIndexed;
        Unauthenticated: CredentialsRefused, RefreshTokenRefused, ChallengeRefused, FactorCodeRefused, SsoRefused;
        ResourceExhausted: HashingOverloaded, GuestLimitReached, RegistrationLimitReached, NetworkThrottled,
            TakenAddressLimitReached;
        PermissionDenied: SetupSecretRefused, RoleNotGrantable, PermissionNotGrantable, SelfRefused, EqualProtected,
            PermissionMissing;
        Aborted: EtagMismatch;
        FailedPrecondition: AlreadyBootstrapped, BootstrapInProgress, UserNotInvited, UserNotActive, InvitationVoid,
            SecretAlreadyReturned, RegistrationClosed, EmailDomainRefused, LastHolder, FactorRequired,
            FactorLimitReached, AccessTokenLimitReached, DomainNotProven, ProviderUnusable, SsoAccountMissing,
            SsoAccountNotLinked, SsoLimitReached, LastCredential, LinkingRefused, SsoRequired, SsoNotAvailable,
            SecretKeysOff, AudienceRefused, GuestsNotAllowed, OrganizationSuspended, UserBlocked;
        AlreadyExists: EmailTaken, DomainTaken, IdentityTaken;
        NotFound: UserNotFound, OrganizationNotFound, InvitationNotFound, ServiceAccountNotFound, ApiKeyNotFound,
            CodeNotFound, FactorNotFound, IdentityProviderNotFound, DomainNotFound, LinkedIdentityNotFound,
            AccessTokenNotFound;
        Unavailable: PeerUnavailable, StoreUnavailable;
        OutOfRange: ResumeTokenExpired;
        Internal: Unspecified, Internal;
    } }
}

/// One English sentence that says what to do.
#[expect(clippy::too_many_lines, reason = "a table, which is looked up and not read aloud")]
const fn message(reason: Reason) -> &'static str {
    match reason {
        Reason::RequestInvalid => "The request is not valid.",
        Reason::CredentialsRefused => "These credentials do not open an account; check them, or wait and try again.",
        Reason::RefreshTokenRefused => "The refresh token is not good any more; log in again.",
        Reason::HashingOverloaded => "More passwords wait to be checked than can be; repeat the call later.",
        Reason::SetupSecretRefused => {
            "The setup secret is wrong; take the one that the first start printed, or renew it."
        }
        Reason::AlreadyBootstrapped => "The first administrator exists already; log in.",
        Reason::BootstrapInProgress => "A bootstrap with other content was begun; repeat that one.",
        Reason::EmailTaken => "The address belongs to another account; take another one.",
        Reason::RegistrationClosed => "The organization takes no registrations; ask it for an invitation.",
        Reason::EmailDomainRefused => "The organization takes addresses of other domains only; take one of those.",
        Reason::RegistrationLimitReached => "Too many registrations came from your network; repeat the call later.",
        Reason::UserNotFound => "There is no such account within what you may see.",
        Reason::UserNotInvited => "The account is not waiting for its invitation to be accepted.",
        Reason::UserNotActive => "The account waits for its invitation to be accepted; resend that instead.",
        Reason::OrganizationNotFound => "There is no such organization within what you may see.",
        Reason::OrganizationSuspended => "The organization is suspended, so nobody joins it; ask an administrator.",
        Reason::RoleNotGrantable => "You may not grant one of the roles; leave it out.",
        Reason::InvitationNotFound => "The code is unknown, used, replaced or ended; ask for a new invitation.",
        Reason::InvitationVoid => "The inviter may no longer invite; ask for a new invitation.",
        Reason::RequestIdReused => "The request id was used before with other content; take a new one.",
        Reason::SecretAlreadyReturned => "The secret was shown in the first answer and is not kept; make a new one.",
        Reason::PeerUnavailable => "Another service of the suite is out of reach; repeat the call.",
        Reason::StoreUnavailable => "The database is out of reach or busy; repeat the call.",
        Reason::ResumeTokenExpired => "The resume token is older than what is kept; start without one.",
        Reason::ServiceAccountNotFound => "There is no such service account within what you may see.",
        Reason::ApiKeyNotFound => "There is no such key within what you may see.",
        Reason::PermissionNotGrantable => "You may not give one of the permissions; leave it out.",
        Reason::SecretKeysOff => "No keys that are secrets are made here; give the public key of the program.",
        Reason::EtagMismatch => "It changed since you read it; read it again and repeat the change.",
        Reason::SelfRefused => "Nobody does this to itself; use the methods about the own account.",
        Reason::LastHolder => "The last OWNER, the last ADMIN or a break-glass owner cannot go; name another first.",
        Reason::SsoNotAvailable => "No provider serves this address there; connect one, and prove the domain.",
        Reason::SsoRequired => "Members of the organization have no passwords: they log in at its provider.",
        Reason::EqualProtected => "Closed on a holder of ADMIN, and on an OWNER for all but ADMIN.",
        Reason::CodeNotFound => "The code is unknown, used, replaced or ended; ask for a new one.",
        Reason::ChallengeRefused => "The challenge is unknown, answered or ended; log in again.",
        Reason::FactorCodeRefused => "The code is not right, was used, or came too early; wait for the next one.",
        Reason::FactorNotFound => "You have no such factor.",
        Reason::FactorRequired => "The organization demands a second factor; add another before you remove this one.",
        Reason::FactorLimitReached => "No more factors can be added; remove one first.",
        Reason::FilterNotIndexed => "No index serves the filter; use the fields and operators that are listed.",
        Reason::PermissionMissing => "You lack a permission that one of the given fields needs; leave the field out.",
        Reason::AccessTokenNotFound => "You have no such personal access token.",
        Reason::TakenAddressLimitReached => "You named too many addresses that are taken; repeat the call later.",
        Reason::NetworkThrottled => "Too many tries came from your network, whoever made them; repeat the call later.",
        Reason::AudienceRefused => "The session is for another backend; log in for this one.",
        Reason::GuestsNotAllowed => "Nobody looks around there as a guest; check the organization, or log in.",
        Reason::GuestLimitReached => "As many guests as may came from your network, or are there; repeat it later.",
        Reason::UserBlocked => "The person is blocked, or its organization suspended; nobody acts as it.",
        Reason::AccessTokenLimitReached => "No more personal access tokens can be made; revoke one first.",
        Reason::IdentityProviderNotFound => "There is no such provider within what you may see, or none serves.",
        Reason::DomainNotFound => "There is no such domain within what you may see.",
        Reason::DomainTaken => "The domain is claimed already; verify it, or ask whoever proved it.",
        Reason::DomainNotProven => "The DNS record was not found; make it, wait until it is told, and repeat.",
        Reason::ProviderUnusable => "The identity provider cannot be used; have an owner test and correct it.",
        Reason::SsoRefused => "The single sign-on is not good, or not any more; begin it again.",
        Reason::SsoAccountMissing => "You have no account here; ask an owner of the organization for one.",
        Reason::SsoAccountNotLinked => "The account has other credentials; log in with them, and link the provider.",
        Reason::IdentityTaken => "The identity provider knows another account by this identity; unlink it there first.",
        Reason::SsoLimitReached => "The organization has as many as it may; delete one first.",
        Reason::LinkedIdentityNotFound => "You have no such link.",
        Reason::LastCredential => "Nothing else would open the account; set a password or link another provider first.",
        Reason::LinkingRefused => "The identity provider lets nobody link; ask an owner of the organization.",
        Reason::Unspecified | Reason::Internal => "A defect of the server; the request id finds it in the logs.",
    }
}

/// The reason as it stands in `ErrorInfo`.
fn name(reason: Reason) -> &'static str {
    reason.as_str_name().trim_start_matches("ERROR_REASON_")
}

fn builder(reason: Reason) -> StatusBuilder {
    StatusBuilder::new(code(reason), domain::IDENTITY, name(reason), message(reason))
}

/// Makes the status of a reason.
pub(super) fn refuse(reason: Reason) -> Status {
    builder(reason).build()
}

/// Makes the status of a filter that no index serves: what it asks for, and where.
pub(super) fn not_indexed(what: &str, error: &impl std::fmt::Display) -> Status {
    builder(Reason::FilterNotIndexed)
        .metadata("comparison", what)
        .violation("filter", "FILTER_NOT_INDEXED", error.to_string())
        .build()
}

/// Makes the status of a request whose fields break rules.
pub(super) fn invalid(violations: Violations) -> Status {
    violations.into_status(domain::IDENTITY, name(Reason::RequestInvalid))
}

/// Makes the status of a request of which one field breaks a rule.
pub(super) fn violation(field: &str, reason: &str, description: impl Into<String>) -> Status {
    let mut violations = Violations::default();
    violations.push(field, reason, description);
    invalid(violations)
}

fn password(field: &str, error: PasswordError) -> Status {
    violation(field, error.reason(), error.to_string())
}

/// What a challenge asks for, as a rule that the answer broke.
const fn asked_for(due: Due) -> &'static str {
    match due {
        Due::Factor => "must be totp_code or recovery_code",
        Due::EnrollFactor => "must be begin_totp, then totp_code",
        Due::ChangePassword => "must be new_password",
    }
}

fn permission_missing(permission: &str) -> Status {
    builder(Reason::PermissionMissing).metadata("permission", permission).build()
}

impl Fault {
    /// Makes the status; the cause is logged at the boundary and never sent.
    pub(super) fn into_status(self) -> Status {
        use rolecall_db::Error as Store;
        let again = std::time::Duration::from_secs(1);
        match self {
            Self::Hashing(HashingError::Overloaded { retry_after }) => {
                builder(Reason::HashingOverloaded).retry_after(retry_after).build()
            }
            Self::Store(error @ (Store::Conflict | Store::Unavailable | Store::Timeout)) => {
                builder(Reason::StoreUnavailable).retry_after(again).source(error).build()
            }
            Self::Peer(error @ PeerError::Unavailable(_)) => {
                builder(Reason::PeerUnavailable).retry_after(again).source(error).build()
            }
            Self::Store(error @ (Store::Unique(_) | Store::Internal(_))) => {
                builder(Reason::Internal).source(error).build()
            }
            Self::Peer(error @ (PeerError::Refused(_) | PeerError::Broken(_))) => {
                builder(Reason::Internal).source(error).build()
            }
            Self::Hashing(error @ HashingError::Broken) => builder(Reason::Internal).source(error).build(),
            Self::Defect(what) => builder(Reason::Internal).source(what).build(),
        }
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        fault.into_status()
    }
}

impl<E: Into<Self>> From<Limited<E>> for Status {
    fn from(limited: Limited<E>) -> Self {
        match limited {
            Limited::Refused(error) => error.into(),
            Limited::Exhausted(wait) => builder(Reason::TakenAddressLimitReached).retry_after(wait).build(),
            Limited::Fault(fault) => fault.into_status(),
        }
    }
}

/// Reads a use case's error as a status: refusals by name, the rest spelled out.
macro_rules! statuses {
    ($($error:path { $($variant:ident),* $(,)? } $(with $($pattern:pat => $status:expr),+ $(,)?)?;)*) => {$(
        impl From<$error> for Status {
            fn from(error: $error) -> Self {
                use $error as Error;
                match error {
                    $(Error::$variant => refuse(Reason::$variant),)*
                    $($($pattern => $status,)+)?
                    Error::Fault(fault) => fault.into_status(),
                }
            }
        }
    )*};
}

statuses! {
    log_in::Error { CredentialsRefused } with
        // The same bytes: that there is a code, and an account, is told by mail alone.
        Error::CodeNeeded => refuse(Reason::CredentialsRefused),
        Error::NetworkThrottled(wait) => builder(Reason::NetworkThrottled).retry_after(wait).build();
    answer_challenge::Error { ChallengeRefused, FactorCodeRefused } with
        Error::AnswerUnexpected(due) => violation("answer", "ANSWER_UNEXPECTED", asked_for(due)),
        Error::PasswordRefused(error) => password("new_password.password", error);
    reauthenticate::Error { CredentialsRefused, FactorCodeRefused } with
        Error::FactorMissing => violation("factor", "REQUIRED", "is required of who has a second factor");
    enroll_totp::Error { FactorLimitReached };
    confirm_totp::Error { FactorNotFound, FactorCodeRefused, FactorLimitReached };
    remove_factor::Error { FactorNotFound, FactorRequired, RequestIdReused };
    regenerate_recovery_codes::Error { FactorNotFound };
    reset_user_factors::Error { UserNotFound, SelfRefused, EqualProtected, RequestIdReused };
    refresh_tokens::Error { RefreshTokenRefused, AudienceRefused } with
        Error::Unconfirmed(refusal) => refusal.into_status(None);
    exchange_api_key::Error { CredentialsRefused };
    register::Error { RegistrationClosed, EmailDomainRefused } with
        Error::LimitReached(wait) => builder(Reason::RegistrationLimitReached).retry_after(wait).build(),
        Error::PasswordRefused(error) => password("password", error);
    get_registration::Error { CodeNotFound };
    verify_email::Error { CodeNotFound, CredentialsRefused, RegistrationClosed, EmailDomainRefused, EmailTaken } with
        Error::PasswordRefused(error) => password("new_password.password", error);
    get_invitation::Error { InvitationNotFound };
    accept_invitation::Error { InvitationNotFound, InvitationVoid, OrganizationSuspended, SsoRequired } with
        Error::PasswordRefused(error) => password("password", error);
    bootstrap::Error { SetupSecretRefused, AlreadyBootstrapped, BootstrapInProgress } with
        Error::PasswordRefused(error) => password("password", error);
    change_password::Error { CredentialsRefused, SsoRequired, RequestIdReused } with
        Error::PasswordRefused(error) => password("new_password", error);
    reset_password::Error { CodeNotFound } with
        Error::PasswordRefused(error) => password("password", error);
    issue_password_reset::Error {
        UserNotFound, UserNotActive, SsoRequired, SelfRefused, EqualProtected, SecretAlreadyReturned, RequestIdReused,
    } with
        Error::PermissionMissing(permission) => permission_missing(permission);
    change_email::Error { RequestIdReused };
    confirm_email_change::Error { CodeNotFound, EmailTaken };
    create_user::Error {
        EmailTaken, OrganizationNotFound, OrganizationSuspended, RoleNotGrantable, SsoRequired, SsoNotAvailable,
        SecretAlreadyReturned, RequestIdReused,
    } with
        Error::PermissionMissing(permission) => permission_missing(permission),
        Error::PasswordRefused(error) => password("initial_password.password", error),
        Error::RoleUnknown => violation("roles", "ROLE_UNKNOWN", "must be names of roles");
    resend_invitation::Error {
        UserNotFound, UserNotInvited, SsoRequired, SelfRefused, EqualProtected, SecretAlreadyReturned, RequestIdReused,
    } with
        Error::PermissionMissing(permission) => permission_missing(permission);
    list_invitations::Error { OrganizationNotFound };
    revoke_invitation::Error { InvitationNotFound, RequestIdReused };
    delete_user::Error { UserNotFound, SelfRefused, LastHolder, EqualProtected, RequestIdReused } with
        Error::PermissionMissing(permission) => permission_missing(permission),
        Error::EtagMismatch(current) => builder(Reason::EtagMismatch).metadata("etag", current).build();
    set_user_password::Error {
        UserNotFound, UserNotActive, SsoRequired, SelfRefused, EqualProtected, RequestIdReused,
    } with
        Error::PasswordRefused(error) => password("password", error);
    invite_first_owner::Error { EmailTaken };
    read_users::Error { UserNotFound, OrganizationNotFound };
    read_sessions::Error { UserNotFound };
    revoke_sessions::Error { UserNotFound, RequestIdReused };
    log_in_as_guest::Error { GuestsNotAllowed } with
        Error::LimitReached(wait) => builder(Reason::GuestLimitReached).retry_after(wait).build();
    impersonate_user::Error {
        UserNotFound, OrganizationNotFound, UserNotActive, UserBlocked, SelfRefused, EqualProtected, GuestsNotAllowed,
    } with
        Error::SessionEnded => Refusal::SessionEnded.into_status(None);
    instance_settings::Error { RequestIdReused } with
        Error::EtagMismatch(current) => builder(Reason::EtagMismatch).metadata("etag", current).build();
    update_user::Error {
        UserNotFound, SelfRefused, EqualProtected, EmailTaken, RoleNotGrantable, LastHolder, RequestIdReused,
    } with
        Error::EtagMismatch(current) => builder(Reason::EtagMismatch).metadata("etag", current).build(),
        Error::PermissionMissing(permission) => {
            builder(Reason::PermissionMissing).metadata("permission", permission).build()
        },
        Error::StepUpRequired => Refusal::StepUpRequired.into_status(None),
        Error::RoleUnknown => violation("user.roles", "ROLE_UNKNOWN", "must be names of roles of an organization"),
        Error::RolesMoved => Fault::from(rolecall_db::Error::Conflict).into_status();
    sso::providers::Error {
        IdentityProviderNotFound, OrganizationNotFound, SsoLimitReached, RoleNotGrantable, RequestIdReused,
    } with
        Error::IssuerRefused(why) => violation("identity_provider.issuer", "ISSUER_REFUSED", why.to_string()),
        Error::EtagMismatch(current) => builder(Reason::EtagMismatch).metadata("etag", current.to_string()).build(),
        Error::ProviderUnusable(problem) => builder(Reason::ProviderUnusable).metadata("problem", problem).build();
    sso::domains::Error {
        DomainNotFound, OrganizationNotFound, DomainTaken, SsoLimitReached, RequestIdReused,
    } with
        Error::DomainNotProven(domain) => builder(Reason::DomainNotProven)
            .metadata("record_name", domain.record())
            .metadata("record_value", domain.token)
            .build();
    sso::begin::Error { IdentityProviderNotFound, LinkingRefused } with
        Error::NetworkThrottled(wait) => builder(Reason::NetworkThrottled).retry_after(wait).build(),
        Error::ReturnRefused => {
            violation("return_url", "RETURN_URL_REFUSED", "must be one of the addresses that the server is configured for")
        },
        // What is wrong is for administrators; anybody may call this.
        Error::ProviderUnusable(_) => refuse(Reason::ProviderUnusable);
    sso::complete::Error { SsoAccountMissing, SsoAccountNotLinked, IdentityTaken } with
        Error::SsoRefused(_) => refuse(Reason::SsoRefused),
        Error::ProviderUnusable(_) => refuse(Reason::ProviderUnusable);
    sso::links::Error { LinkedIdentityNotFound, LastCredential, RequestIdReused };
    read_service_accounts::Error { ServiceAccountNotFound, OrganizationNotFound };
    create_service_account::Error {
        OrganizationNotFound, OrganizationSuspended, PermissionNotGrantable, RequestIdReused,
    } with
        Error::PermissionUnknown => violation("permissions", "PERMISSION_UNKNOWN", "must be names of permissions");
    delete_service_account::Error { ServiceAccountNotFound, RequestIdReused };
    create_api_key::Error { ServiceAccountNotFound, PermissionNotGrantable, SecretKeysOff, SecretAlreadyReturned, RequestIdReused } with
        Error::LifeRefused(error) => violation("expire_time", "EXPIRE_TIME_OUT_OF_RANGE", error.to_string());
    delete_api_key::Error { ApiKeyNotFound, RequestIdReused };
    update_service_account::Error { ServiceAccountNotFound, PermissionNotGrantable, RequestIdReused } with
        Error::EtagMismatch(current) => builder(Reason::EtagMismatch).metadata("etag", current.to_string()).build(),
        Error::PermissionUnknown => {
            violation("service_account.permissions", "PERMISSION_UNKNOWN", "must be names of permissions")
        };
    create_access_token::Error { AccessTokenLimitReached, SsoRequired, SecretAlreadyReturned, RequestIdReused } with
        Error::PermissionNotGrantable(names) => {
            builder(Reason::PermissionNotGrantable).metadata("permissions", names.join(", ")).build()
        },
        Error::TooManyPermissions => violation("permissions", "TOO_MANY", NarrowingError::TooMany.to_string()),
        Error::LifeRefused(error) => violation("expire_time", "EXPIRE_TIME_OUT_OF_RANGE", error.to_string());
    revoke_access_token::Error { AccessTokenNotFound, RequestIdReused };
    rotate_signing_keys::Error { RequestIdReused };
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_reason_has_the_code_that_the_contract_gives_it_and_a_sentence() {
        let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("our own descriptors");
        let reasons = pool.get_enum_by_name("rolecall.identity.v1.ErrorReason").expect("the reasons");
        let option = pool.get_extension_by_name("rolecall.authz.v1.code").expect("the option");
        for value in reasons.values().filter(|value| value.number() != 0) {
            let declared = value.options().get_extension(&option).as_enum_number();
            let reason = Reason::try_from(value.number()).expect("a reason");
            assert_eq!(declared, Some(code(reason) as i32), "{}", value.name());
            assert!(message(reason).ends_with('.') && !name(reason).contains("REASON"), "{}", value.name());
        }
    }
}
