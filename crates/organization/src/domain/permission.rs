//! The permission catalogue: one line a permission, with the roles that hold it and where.
//!
//! The golden file `tests/golden/permissions.txt` shows it as a table, so that a change of who may
//! do what is a visible line in review. To add a permission: a line here, then
//! `UPDATE_GOLDEN=1 cargo test -p rolecall-organization`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::custom_role::CustomRole;
use super::role::Role;

/// Where a role holds a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holding {
    /// In the own organization or beyond, on a condition about the resource.
    If(Condition),
    /// On the own record.
    OnSelf,
    /// In the own organization.
    Own,
    /// In every organization.
    Any,
}

/// What must be true of a resource beside the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Condition {
    /// The subject registered the dataset.
    Registrant,
    /// An active asset policy names the subject.
    Beneficiary,
    /// The subject created the compute spec.
    Creator,
    /// The compute spec touches datasets that the subject may view.
    DatasetsViewable,
    /// The compute spec touches datasets of the own organization.
    DatasetsOwn,
    /// The target is no holder of `ADMIN`, or of `OWNER` for an owner whose organization allows it.
    ImpersonationAllowed,
}

/// Contexts whose permissions are in the catalogue, and the suite itself: nobody registers any under these names.
pub(crate) const RESERVED: [&str; 4] = ["identity", "notification", "organization", "rolecall"];

/// By what somebody comes to hold what others hold: by acting as them, by their credentials, by what vouches for them, or
/// by a program that is nobody's.
const LEADS_TO_OTHERS: [&str; 14] = [
    "identity.domains.create",
    "identity.domains.delete",
    "identity.domains.verify",
    "identity.factors.reset",
    "identity.identity_providers.create",
    "identity.identity_providers.delete",
    "identity.identity_providers.update",
    "identity.service_accounts.create",
    "identity.service_accounts.update",
    "identity.users.impersonate",
    "identity.users.return_code",
    "identity.users.set_email",
    "identity.users.set_password",
    "organization.settings.update",
];

impl Condition {
    /// Returns the name, as tables show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registrant => "registrant",
            Self::Beneficiary => "beneficiary",
            Self::Creator => "creator",
            Self::DatasetsViewable => "datasets viewable",
            Self::DatasetsOwn => "own datasets",
            Self::ImpersonationAllowed => "impersonation allowed",
        }
    }
}

/// A permission and who holds it.
#[derive(Debug, Clone, Copy)]
pub struct Permission<'a> {
    /// Its name: `<context>.<collection>.<verb>`, or `<namespace>.<collection>.<verb>` when another backend registered it.
    pub name: &'a str,
    holders: &'static [(Role, Holding)],
}

impl Permission<'static> {
    /// Finds a permission of the catalogue by its name.
    pub fn find(name: &str) -> Option<&'static Self> {
        static BY_NAME: LazyLock<HashMap<&'static str, &'static Permission<'static>>> =
            LazyLock::new(|| CATALOGUE.iter().map(|permission| (permission.name, permission)).collect());
        BY_NAME.get(name).copied()
    }
}

impl<'a> Permission<'a> {
    /// Names a permission: one of the catalogue, or one that another backend registered or could have.
    ///
    /// Whether it did is for the tables to say. What is registered belongs to owners.
    pub fn named(name: &'a str) -> Option<Self> {
        match Permission::find(name) {
            Some(found) => Some(*found),
            None if RESERVED.contains(&namespace(name)) => None,
            None => Some(Self { name, holders: &[(Role::Owner, Own)] }),
        }
    }

    /// Returns where the role holds it.
    pub fn held_by(&self, role: Role) -> Option<Holding> {
        self.holders.iter().find(|(holder, _)| *holder == role).map(|(_, holding)| *holding)
    }

    /// Returns where a role that an organization composes holds it once it is given it; none when it cannot be given.
    ///
    /// An organization gives what its owners hold, but for what leads to the rights of others: that is bound to owning.
    pub fn composed(&self) -> Option<Holding> {
        self.held_by(Role::Owner).filter(|_| !LEADS_TO_OTHERS.contains(&self.name))
    }

    /// Tells whether of the built-in roles of an organization `OWNER` alone holds it so widely.
    pub(crate) fn is_of_owners_alone(&self) -> bool {
        let lesser = [Role::DataSteward, Role::DataScientist, Role::Guest].into_iter();
        self.held_by(Role::Owner) > lesser.filter_map(|role| self.held_by(role)).max()
    }

    /// Returns where a role that an organization composed holds it: what it was given, and all that `GUEST` holds.
    pub(crate) fn held_by_custom(&self, role: &CustomRole) -> Option<Holding> {
        let given = role.permissions.contains(self.name).then(|| self.composed()).flatten();
        given.max(self.held_by(Role::Guest))
    }
}

/// A permission that another backend registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegisteredPermission {
    pub(crate) name: String,
    /// What it allows.
    pub(crate) description: String,
}

/// Returns the first part of a name.
pub(crate) fn namespace(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

macro_rules! catalogue {
    ($($name:literal: $($role:ident $holding:expr),+;)+) => {
        /// Every permission.
        pub const CATALOGUE: &[Permission<'static>] = &[$(
            Permission { name: $name, holders: &[$((Role::$role, $holding)),+] }
        ),+];
    };
}

use Condition::{Beneficiary, Creator, DatasetsOwn, DatasetsViewable, ImpersonationAllowed, Registrant};
use Holding::{Any, If, OnSelf, Own};

catalogue! {
    "identity.domains.create": Admin Any, Owner Own;
    "identity.domains.delete": Admin Any, Owner Own;
    "identity.domains.list": Admin Any, Owner Own;
    "identity.domains.verify": Admin Any, Owner Own;
    "identity.factors.reset": Admin Any, Owner Own;
    "identity.identity_providers.create": Admin Any, Owner Own;
    "identity.identity_providers.delete": Admin Any, Owner Own;
    "identity.identity_providers.get": Admin Any, Owner Own;
    "identity.identity_providers.list": Admin Any, Owner Own;
    "identity.identity_providers.update": Admin Any, Owner Own;
    "identity.keys.rotate": Admin Any;
    "identity.service_accounts.create": Admin Any, Owner Own;
    "identity.service_accounts.delete": Admin Any, Owner Own;
    "identity.service_accounts.get": Admin Any, Owner Own;
    "identity.service_accounts.list": Admin Any, Owner Own;
    "identity.service_accounts.update": Admin Any, Owner Own;
    "identity.sessions.list": Admin Any, Owner Own;
    "identity.sessions.revoke": Admin Any, Owner Own;
    "identity.settings.get": Admin Any;
    "identity.settings.update": Admin Any;
    "identity.tokens.introspect": Admin Any, Owner Own;
    "identity.users.create": Admin Any, Owner Own;
    "identity.users.delete": Admin Any, Owner Own;
    "identity.users.get": Admin Any, Owner Own, DataSteward OnSelf, DataScientist OnSelf, Guest OnSelf;
    "identity.users.impersonate": Admin If(ImpersonationAllowed), Owner If(ImpersonationAllowed);
    "identity.users.list": Admin Any, Owner Own;
    "identity.users.return_code": Admin Any, Owner Own;
    "identity.users.set_email": Admin Any, Owner Own;
    "identity.users.set_password": Admin Any, Owner Own;
    "identity.users.update": Admin Any, Owner Own, DataSteward OnSelf, DataScientist OnSelf, Guest OnSelf;
    "notification.deliveries.get": Admin Any, Owner Own;
    "notification.deliveries.list": Admin Any, Owner Own;
    "notification.deliveries.retry": Admin Any, Owner Own;
    "notification.notifications.cancel": Admin Any, Owner Own;
    "notification.notifications.list": Admin Any, Owner Own;
    "notification.notifications.send": Admin Any, Owner Own;
    "notification.suppressions.create": Admin Any;
    "notification.suppressions.delete": Admin Any;
    "notification.suppressions.list": Admin Any;
    "notification.templates.create": Admin Any, Owner Own;
    "notification.templates.delete": Admin Any, Owner Own;
    "notification.templates.get": Admin Any, Owner Own;
    "notification.templates.update": Admin Any, Owner Own;
    "organization.access.check": Admin Any, Owner Own;
    "organization.asset_policies.activate": Owner Own;
    "organization.asset_policies.create": Owner Own;
    "organization.asset_policies.delete": Owner Own;
    "organization.asset_policies.get": Owner Own;
    "organization.asset_policies.revoke": Owner Own;
    "organization.asset_policies.update": Owner Own;
    "organization.audit_events.list": Admin Any, Owner Own;
    "organization.compute_specs.create": Owner If(DatasetsViewable), DataScientist If(DatasetsViewable);
    "organization.compute_specs.get": Owner Own;
    "organization.compute_specs.get_created": Owner If(Creator), DataScientist If(Creator);
    "organization.compute_specs.get_touching": Owner If(DatasetsOwn);
    "organization.compute_specs.review": Owner If(DatasetsOwn);
    "organization.compute_specs.run": Owner If(Creator), DataScientist If(Creator);
    "organization.compute_specs.submit": Owner If(DatasetsViewable), DataScientist If(DatasetsViewable);
    "organization.datasets.delete": Owner Own;
    "organization.datasets.delete_registered": Owner If(Registrant), DataSteward If(Registrant);
    "organization.datasets.get": Owner Own;
    "organization.datasets.get_granted": Owner If(Beneficiary), DataSteward If(Beneficiary), DataScientist If(Beneficiary);
    "organization.datasets.get_registered": Owner If(Registrant), DataSteward If(Registrant);
    "organization.datasets.register": Owner Own, DataSteward Own;
    "organization.datasets.update": Owner Own;
    "organization.datasets.update_registered": Owner If(Registrant), DataSteward If(Registrant);
    "organization.instance_admins.grant": Admin Any;
    "organization.instance_admins.list": Admin Any;
    "organization.instance_admins.revoke": Admin Any;
    "organization.members.assign_roles": Admin Any, Owner Own;
    "organization.members.block": Admin Any, Owner Own;
    "organization.members.get": Admin Any, Owner Own, DataSteward OnSelf, DataScientist OnSelf, Guest OnSelf;
    "organization.members.list": Admin Any, Owner Own;
    "organization.models.delete": Owner Own;
    "organization.models.get": Owner Own, DataSteward Own, DataScientist Own;
    "organization.models.publish": Owner Own;
    "organization.models.register": Owner Own;
    "organization.models.update": Owner Own;
    "organization.organizations.create": Admin Any;
    "organization.organizations.delete": Admin Any;
    "organization.organizations.get": Admin Any, Owner Own, DataSteward Own, DataScientist Own, Guest Own;
    "organization.organizations.list": Admin Any;
    "organization.organizations.suspend": Admin Any;
    "organization.organizations.update": Admin Any;
    "organization.permissions.register": Admin Any;
    "organization.roles.create": Admin Any, Owner Own;
    "organization.roles.delete": Admin Any, Owner Own;
    "organization.roles.update": Admin Any, Owner Own;
    "organization.settings.get": Admin Any, Owner Own;
    "organization.settings.update": Admin Any, Owner Own;
}

mod descriptions;

pub(crate) use descriptions::describe;

#[cfg(test)]
mod tests;
