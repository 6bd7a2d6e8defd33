//! Tells the owners of an organization that somebody from outside gave what they alone hold.
//!
//! An administrator of the instance gives and composes every role anywhere, also one whose powers it does not exercise
//! itself, and never does so unseen. Those who are blocked are told too: nobody gets rid of the witnesses first.

use std::collections::BTreeSet;

use rolecall_db::{Error, Tx};
use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::time::Timestamp;

use super::App;
use crate::domain::actor::Subject;
use crate::domain::custom_role::{CustomRoles, RoleName};
use crate::domain::event::{Origin, What};
use crate::domain::member::Member;
use crate::domain::permission::Permission;
use crate::store::members;

/// Who gives, where and when.
pub(super) struct Giving<'a> {
    pub(super) giver: &'a Subject,
    pub(super) organization_id: OrganizationId,
    pub(super) origin: &'a Origin,
    pub(super) now: Timestamp,
}

impl Giving<'_> {
    /// Tells of the roles that a member has now and had not before, if it can use them.
    pub(super) async fn to_member(&self, app: &App, tx: &Tx, had: &CustomRoles, member: &Member) -> Result<(), Error> {
        for role in member.custom.iter().filter(|role| !had.contains(role.role_id)) {
            self.tell(app, tx, Some(member.user_id), &role.name, &role.permissions).await?;
        }
        Ok(())
    }

    /// Tells of permissions that a role has now.
    pub(super) async fn to_role(
        &self,
        app: &App,
        tx: &Tx,
        role: &RoleName,
        given: &BTreeSet<String>,
    ) -> Result<(), Error> {
        self.tell(app, tx, None, role, given).await
    }

    async fn tell(
        &self,
        app: &App,
        tx: &Tx,
        user_id: Option<UserId>,
        role: &RoleName,
        given: &BTreeSet<String>,
    ) -> Result<(), Error> {
        let of_owners = |name: &&String| Permission::named(name).is_some_and(|named| named.is_of_owners_alone());
        let permissions: Vec<String> = given.iter().filter(of_owners).cloned().collect();
        if permissions.is_empty() || !self.giver.is_outside_administrator(self.organization_id) {
            return Ok(());
        }
        let owners = members::list_owners(tx, self.organization_id).await?;
        if owners.is_empty() {
            return Ok(());
        }
        let origin = Origin { actor: Some(self.giver.subject_id()), ..self.origin.clone() };
        let what = What::PowersGiven { user_id, role: role.to_string(), permissions, owners };
        app.tell(tx, &origin, Some(self.organization_id), self.now, what).await
    }
}
