//! Messages as commands: what is parsed is valid, and all that is wrong is told at once.

use std::collections::BTreeSet;

use ed25519_dalek::VerifyingKey;
use rolecall_api::identity::v1::{CodeDelivery, ErrorReason, PasswordChange, code_delivery};
use rolecall_authz::Caller;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{OrganizationId, ParseIdError, RequestId, SessionId};
use rolecall_kernel::page::PageSize;
use rolecall_kernel::text::{EmailAddress, Institution, PersonName, TextError, Website};
use rolecall_kernel::time::Timestamp;
use rolecall_rpc::status::Violations;
use tonic::Status;

use super::status::{invalid, refuse};
use crate::app::delivery::{self, Delivery};
use crate::domain::code::Purpose;
use crate::domain::password::{Password, PasswordPolicy};
use crate::domain::service_account::parse_public_key;
use crate::domain::user::Profile;

/// The built-in roles that a person can be invited with.
const ROLES: [&str; 4] = ["OWNER", "DATA_STEWARD", "DATA_SCIENTIST", "GUEST"];
/// The most roles of one person.
const MAX_ROLES: usize = 10;
/// The most sessions that are ended by name.
const MAX_SESSIONS: usize = 100;
/// The most permissions of one service account.
const MAX_PERMISSIONS: usize = 50;
/// The longest name of a permission.
const MAX_PERMISSION_CHARS: usize = 200;

/// Reads the fields of a request and collects what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Fields(Violations);

impl Fields {
    /// Notes something that no single field shows.
    pub(super) fn violate(&mut self, field: &str, reason: &str, description: &str) {
        self.0.push(field, reason, description);
    }

    /// Returns what was noted, to note more.
    pub(super) const fn violations(&mut self) -> &mut Violations {
        &mut self.0
    }

    /// Answers with everything that was noted; a value that is missing then was noted.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Status> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(invalid(self.0)),
        }
    }

    fn text<T>(&mut self, field: &str, parsed: Result<T, TextError>) -> Option<T> {
        let reason = match &parsed {
            Ok(_) | Err(TextError::Required) => "REQUIRED",
            Err(TextError::TooLong(_)) => "TOO_LONG",
            Err(TextError::ControlCharacter) => "CONTROL_CHARACTER",
            Err(TextError::NotAnEmailAddress) => "EMAIL_MALFORMED",
            Err(TextError::NotADomain) => "DOMAIN_MALFORMED",
            Err(TextError::NotAWebAddress) => "WEBSITE_MALFORMED",
        };
        self.0.check(field, reason, parsed)
    }

    fn optional_text<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, TextError>) -> Option<T> {
        if text.is_empty() { None } else { self.text(field, parse(text)) }
    }

    /// Reads an e-mail address.
    pub(super) fn email(&mut self, text: &str) -> Option<EmailAddress> {
        self.text("email", EmailAddress::parse(text))
    }

    /// Reads a line of text.
    pub(super) fn line<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, TextError>) -> Option<T> {
        self.text(field, parse(text))
    }

    /// Reads an identifier.
    pub(super) fn id<T>(&mut self, field: &str, text: &str, parse: fn(&str) -> Result<T, ParseIdError>) -> Option<T> {
        self.0.check(field, if text.is_empty() { "REQUIRED" } else { "ID_MALFORMED" }, parse(text))
    }

    /// Reads identifiers, up to as many.
    pub(super) fn ids<T>(
        &mut self,
        field: &str,
        texts: &[String],
        most: usize,
        parse: fn(&str) -> Result<T, ParseIdError>,
    ) -> Vec<T> {
        if texts.len() > most {
            self.violate(field, "TOO_MANY", &format!("must have at most {most} entries"));
        }
        let texts = texts.iter().enumerate().take(most);
        texts.filter_map(|(index, text)| self.id(&format!("{field}[{index}]"), text, parse)).collect()
    }

    /// Reads which sessions end.
    pub(super) fn session_ids(&mut self, texts: &[String]) -> BTreeSet<SessionId> {
        self.ids("session_ids", texts, MAX_SESSIONS, SessionId::parse).into_iter().collect()
    }

    /// Reads the name of a change, which may be absent.
    pub(super) fn request_id(&mut self, text: &str) -> Option<RequestId> {
        if text.is_empty() { None } else { self.id("request_id", text, RequestId::parse) }
    }

    /// Reads a password as it is.
    pub(super) fn password(&mut self, field: &str, text: &str) -> Option<Password> {
        match Password::parse(text) {
            Ok(password) => Some(password),
            Err(error) => {
                self.0.push(field, error.reason(), error.to_string());
                None
            }
        }
    }

    /// Reads a new password and the same once more, which is compared when given.
    pub(super) fn new_password(
        &mut self,
        field: &str,
        text: &str,
        confirmation: &str,
        policy: PasswordPolicy,
    ) -> Option<Password> {
        let password = self.password(field, text)?;
        // Which organization's it is may not be known yet; the use case checks what that one wants.
        if let Err(error) = policy.anywhere().check_length(&password) {
            self.0.push(field, error.reason(), error.to_string());
        }
        if !confirmation.is_empty() && !Password::parse(confirmation).is_ok_and(|again| again.is_same(&password)) {
            let confirmation = format!("{field}_confirmation");
            self.0.push(confirmation, "CONFIRMATION_DIFFERS", "must be the same as the password");
        }
        Some(password)
    }

    /// Does the same where the confirmation is required.
    pub(super) fn confirmed_password(
        &mut self,
        field: &str,
        text: &str,
        confirmation: &str,
        policy: PasswordPolicy,
    ) -> Option<Password> {
        if confirmation.is_empty() && !text.is_empty() {
            self.violate(&format!("{field}_confirmation"), "REQUIRED", "is required");
        }
        self.new_password(field, text, confirmation, policy)
    }

    /// Reads what becomes of a password that somebody else chose: by default the first login demands a new one.
    pub(super) fn change_required(&mut self, field: &str, change: i32) -> bool {
        match PasswordChange::try_from(change) {
            Ok(PasswordChange::Unspecified | PasswordChange::Required) => true,
            Ok(PasswordChange::Advised) => false,
            Err(_) => {
                self.violate(field, "PASSWORD_CHANGE_UNKNOWN", "must be REQUIRED or ADVISED");
                true
            }
        }
    }

    /// Reads the names of a person; `Demand` tells which of them must be there.
    pub(super) fn profile(&mut self, names: &Names<'_>, demand: Demand) -> Option<Profile> {
        let given_name = self.name_part("given_name", names.given_name, demand);
        let family_name = self.name_part("family_name", names.family_name, demand);
        let parts_given = !(names.given_name.is_empty() && names.family_name.is_empty());
        let name = if names.name.is_empty() && parts_given {
            Profile::full_name(given_name.as_ref(), family_name.as_ref())
        } else {
            self.text("name", PersonName::parse(names.name))
        };
        let institution = self.optional_text("institution", names.institution, Institution::parse);
        let website = self.optional_text("website", names.website, Website::parse);
        Some(Profile { name: name?, given_name, family_name, institution, website })
    }

    fn name_part(&mut self, field: &str, text: &str, demand: Demand) -> Option<PersonName> {
        match demand {
            Demand::Parts => self.text(field, PersonName::parse(text)),
            Demand::Name => self.optional_text(field, text, PersonName::parse),
        }
    }

    /// Reads names of roles: at least one, each in its form; organization knows which there are.
    pub(super) fn roles(&mut self, roles: Vec<String>) -> Vec<String> {
        self.roles_of("roles", roles, &[])
    }

    /// Reads names of roles in the given field; `also` are known there too.
    pub(super) fn roles_of(&mut self, field: &str, roles: Vec<String>, also: &[&str]) -> Vec<String> {
        if roles.is_empty() {
            self.violate(field, "REQUIRED", "must name at least one role");
        }
        if roles.len() > MAX_ROLES {
            self.violate(field, "TOO_MANY", "must name at most 10 roles");
        }
        for (index, role) in roles.iter().enumerate().take(MAX_ROLES) {
            if !is_role(role) && !also.contains(&role.as_str()) {
                let known = ROLES.join(", ");
                let what = format!("must be one of {known}, or a role that the organization composed");
                self.0.push(format!("{field}[{index}]"), "ROLE_UNKNOWN", what);
            }
        }
        sorted(roles)
    }

    /// Reads names of permissions: at least one, in their form; organization knows which there are.
    pub(super) fn permissions(&mut self, permissions: Vec<String>) -> Vec<String> {
        if permissions.is_empty() {
            self.violate("permissions", "REQUIRED", "must name at least one permission");
        }
        if permissions.len() > MAX_PERMISSIONS {
            self.violate("permissions", "TOO_MANY", "must name at most 50 permissions");
        }
        for (index, permission) in permissions.iter().enumerate().take(MAX_PERMISSIONS) {
            if !is_permission(permission) {
                let field = format!("permissions[{index}]");
                self.0.push(field, "PERMISSION_MALFORMED", "must be a name such as organization.access.check");
            }
        }
        sorted(permissions)
    }

    /// Reads the public key of a program; absent when none is given.
    pub(super) fn public_key(&mut self, pem: &str) -> Option<VerifyingKey> {
        if pem.is_empty() {
            return None;
        }
        let read = parse_public_key(pem);
        read.inspect_err(|error| self.violate("public_key", "NO_PUBLIC_KEY", &error.to_string())).ok()
    }

    /// Reads the size of a page.
    pub(super) fn page_size(&mut self, size: i32) -> Option<PageSize> {
        self.0.check("page_size", "PAGE_SIZE_NEGATIVE", PageSize::parse(size))
    }

    /// Reads which organization to list: the caller's own, all that it may see, or the named one.
    pub(super) fn listed_organization(&mut self, caller: &Caller, text: &str) -> Option<OrganizationId> {
        match text {
            "-" => None,
            "" => self.own_organization(caller),
            id => self.id("organization_id", id, OrganizationId::parse),
        }
    }

    /// Reads which organization something is made in; absent means the caller's own, which it must have.
    pub(super) fn target_organization(&mut self, caller: &Caller, text: &str) -> Option<OrganizationId> {
        if text.is_empty() {
            self.own_organization(caller);
            return None;
        }
        self.id("organization_id", text, OrganizationId::parse)
    }

    fn own_organization(&mut self, caller: &Caller) -> Option<OrganizationId> {
        let own = caller.organization();
        if own.is_none() {
            self.violate("organization_id", "REQUIRED", "is required of a caller that belongs to no organization");
        }
        own
    }
}

/// The name fields of a request, and what else describes a person.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    pub(super) name: &'a str,
    pub(super) given_name: &'a str,
    pub(super) family_name: &'a str,
    pub(super) institution: &'a str,
    pub(super) website: &'a str,
}

/// Which names must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    /// Both parts; the full name is joined from them unless it is given.
    Parts,
    /// The full name or a part to make it from.
    Name,
}

/// Reads a one-time code; what has not the form of one is as unknown as any other.
pub(super) fn one_time_code(purpose: Purpose, text: &str) -> Result<OpaqueToken, Status> {
    OpaqueToken::parse(purpose.prefix(), text).ok_or_else(|| refuse(ErrorReason::CodeNotFound))
}

/// Reads how a code reaches its person: by mail unless it is asked for.
pub(super) fn delivery(caller: &Caller, wanted: Option<CodeDelivery>) -> Delivery {
    match wanted.and_then(|wanted| wanted.delivery) {
        None | Some(code_delivery::Delivery::Send(_)) => Delivery::Send,
        Some(code_delivery::Delivery::Return(_)) => Delivery::Return(caller.scope(delivery::PERMISSION)),
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

fn is_permission(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.len() <= MAX_PERMISSION_CHARS && text.split('.').count() == 3 && text.split('.').all(is_word)
}

/// Reads a time; what lies beyond the calendar saturates.
pub(super) fn time(time: prost_types::Timestamp) -> Timestamp {
    let nanos = u64::try_from(time.nanos).unwrap_or_default();
    Timestamp::from_seconds(time.seconds).plus(std::time::Duration::from_nanos(nanos))
}

/// Whether it has the form of the name of a role that an organization gives.
fn is_role(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    begins && (3..=50).contains(&name.len()) && name.bytes().all(is_plain) && name != "ADMIN"
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    #[test]
    fn all_violations_are_told_at_once_by_their_paths() {
        let mut fields = Fields::default();
        let email = fields.email("nobody");
        let names = Names { website: "ftp://example.org", ..Names::default() };
        let profile = fields.profile(&names, Demand::Parts);
        fields.roles(vec!["OWNER".to_owned(), "emperor".to_owned()]);
        fields.new_password("password", "short", "other", PasswordPolicy::default());
        fields.request_id("7");
        let status = fields.finish(email.zip(profile)).expect_err("refused");
        let told = status.get_details_bad_request().expect("BadRequest").field_violations;
        let paths: Vec<&str> = told.iter().map(|violation| violation.field.as_str()).collect();
        let expected = [
            "email",
            "given_name",
            "family_name",
            "name",
            "website",
            "roles[1]",
            "password",
            "password_confirmation",
            "request_id",
        ];
        assert_eq!(paths, expected);
        assert!(!status.message().contains("short"), "a password is never repeated");
    }

    #[test]
    fn a_full_name_is_joined_from_its_parts() {
        let mut fields = Fields::default();
        let names = Names { given_name: "Ada", family_name: "Lovelace", ..Names::default() };
        let profile = fields.profile(&names, Demand::Parts).expect("complete");
        assert_eq!(profile.name.as_str(), "Ada Lovelace");
        assert!(fields.finish(Some(())).is_ok());
    }

    #[test]
    fn permissions_have_three_words() {
        assert!(is_permission("organization.access.check"));
        for wrong in ["", "a.b", "a.b.c.d", "A.b.c", "a..c", "a.b.c "] {
            assert!(!is_permission(wrong), "{wrong}");
        }
    }
}
