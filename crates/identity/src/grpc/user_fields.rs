//! The fields of an account that a request changes.

use rolecall_api::identity::v1 as wire;
use rolecall_kernel::text::{EmailAddress, Institution, PersonName, TextError, Website};

use super::convert::Fields;
use super::mask::{Field, Mask};
use crate::app::update_user::Change;
use crate::domain::user_change::{Edit, ProfileChange};

/// The fields of an account, and what a request may do with each.
pub(super) fn fields(user: &wire::User, email: Field, roles: Field) -> Vec<(&'static str, Field)> {
    let text = |text: &str| Field::Changeable { populated: !text.is_empty() };
    vec![
        ("name", text(&user.name)),
        ("given_name", text(&user.given_name)),
        ("family_name", text(&user.family_name)),
        ("institution", text(&user.institution)),
        ("website", text(&user.website)),
        ("email", email),
        ("roles", roles),
        ("user_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("state", Field::OutputOnly),
        ("blocked", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("create_time", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
        ("last_login_time", Field::OutputOnly),
        ("email_verified", Field::OutputOnly),
        ("password_change_required", Field::OutputOnly),
    ]
}

impl Fields {
    /// Reads what becomes of the fields that a request means.
    pub(super) fn change(&mut self, mask: &Mask, user: &wire::User) -> Change {
        let profile = ProfileChange {
            name: mask.contains("name").then(|| self.line("user.name", &user.name, PersonName::parse)).flatten(),
            given_name: self.edit(mask, "given_name", &user.given_name, PersonName::parse),
            family_name: self.edit(mask, "family_name", &user.family_name, PersonName::parse),
            institution: self.edit(mask, "institution", &user.institution, Institution::parse),
            website: self.edit(mask, "website", &user.website, Website::parse),
        };
        let email = mask.contains("email").then(|| self.line("user.email", &user.email, EmailAddress::parse));
        // An account that was read and is given back shows ADMIN too, which is not for this method to give.
        let also: &[&str] = if mask.implied { &["ADMIN"] } else { &[] };
        let roles = mask.contains("roles").then(|| self.roles_of("user.roles", user.roles.clone(), also));
        Change { profile, email: email.flatten(), roles, implied: mask.implied }
    }

    fn edit<T>(&mut self, mask: &Mask, path: &str, text: &str, parse: fn(&str) -> Result<T, TextError>) -> Edit<T> {
        match (mask.contains(path), text.is_empty()) {
            (false, _) => Edit::Keep,
            (true, true) => Edit::Set(None),
            (true, false) => Edit::Set(self.line(&format!("user.{path}"), text, parse)),
        }
    }
}

/// The version that a change is based on.
pub(super) fn etag(user: &wire::User) -> Option<String> {
    Some(user.etag.clone()).filter(|etag| !etag.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DescriptorPool;

    use super::*;

    #[test]
    fn every_field_of_an_account_is_listed() {
        let pool = DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).expect("our own descriptors");
        let message = pool.get_message_by_name("rolecall.identity.v1.User").expect("the account");
        let declared: BTreeSet<String> = message.fields().map(|field| field.name().to_owned()).collect();
        let listed = fields(&wire::User::default(), Field::OutputOnly, Field::OutputOnly);
        let listed: BTreeSet<String> = listed.into_iter().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(listed, declared);
    }
}
