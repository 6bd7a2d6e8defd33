//! Reads roles, permissions, and which holds which.

use rolecall_authz::Scope;
use rolecall_db::Error;
use rolecall_kernel::id::OrganizationId;

use super::App;
use crate::domain::custom_role::{ComposedRole, RoleName};
use crate::domain::permission::RegisteredPermission;
use crate::store::{organizations, registered_permissions, roles};

/// Tells whether the organization is in the scope.
pub(crate) async fn is_visible(app: &App, scope: &Scope, id: OrganizationId) -> Result<bool, Error> {
    Ok(organizations::find(&app.database.reader(), scope, id).await?.is_some())
}

/// Reads the composed roles of an organization in the order of their names.
pub(crate) async fn list(app: &App, id: OrganizationId) -> Result<Vec<ComposedRole>, Error> {
    roles::list(&app.database.reader(), id).await
}

/// Reads a composed role of an organization.
pub(crate) async fn find(app: &App, id: OrganizationId, name: &RoleName) -> Result<Option<ComposedRole>, Error> {
    roles::find(&app.database.reader(), id, name).await
}

/// Reads the permissions that other backends registered, in the order of their names.
pub(crate) async fn registered(app: &App) -> Result<Vec<RegisteredPermission>, Error> {
    registered_permissions::list(&app.database.reader()).await
}
