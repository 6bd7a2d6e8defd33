//! The commands, one file a group.

pub(crate) mod access;
pub(crate) mod account;
pub(crate) mod account_email;
pub(crate) mod account_identities;
pub(crate) mod admins;
pub(crate) mod audit;
pub(crate) mod bootstrap;
pub(crate) mod certs;
pub(crate) mod codes;
pub(crate) mod datasets;
pub(crate) mod deliveries;
pub(crate) mod factors;
pub(crate) mod health;
pub(crate) mod impersonate;
pub(crate) mod inbox;
pub(crate) mod instance;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod mail;
pub(crate) mod members;
pub(crate) mod models;
pub(crate) mod new_user;
pub(crate) mod notifications;
pub(crate) mod organization_settings;
pub(crate) mod organizations;
pub(crate) mod password;
pub(crate) mod permissions;
pub(crate) mod policies;
pub(crate) mod preferences;
pub(crate) mod profile;
pub(crate) mod reauthenticate;
pub(crate) mod registration;
pub(crate) mod roles;
pub(crate) mod service_accounts;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod sign_on;
pub(crate) mod specs;
pub(crate) mod sso;
pub(crate) mod suppressions;
pub(crate) mod tokens;
pub(crate) mod users;

use clap::{Args, ValueEnum};
use prost_types::Timestamp;

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// How many a page holds, 1000 at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i32).range(1..=1000))]
    pub(crate) page_size: i32,

    /// Where to go on: the token that the page before ended with
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TOKEN")]
    pub(crate) page_token: String,
}

/// A person's names.
#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// Full name as it is shown; the given and the family name joined when absent
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) name: String,

    /// Given name
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) given_name: String,

    /// Family name
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) family_name: String,
}

/// What an organization demands of the logins of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mfa {
    /// A second factor; who has none sets one up at the next login.
    Required,
    /// A second factor of those who have one, and longer passwords.
    Optional,
}

/// Parses a point in time such as `2027-01-31T12:00:00Z`.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write it like 2027-01-31T12:00:00Z (RFC 3339)".to_owned())
}
