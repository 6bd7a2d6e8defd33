//! What the other crates of this context stand on: `rolecall-governance`, the part about data (docs/adr/0012), and
//! `rolecall-access`, which decides who may do what (docs/adr/0014).
//!
//! | Here | For |
//! |---|---|
//! | [`advance`], [`record`], [`record_organization`], [`head`] | revisions: whatever decides access draws one first |
//! | [`find_actor`], [`operates`], [`list_owners`], [`Subject`] | who acts, and where, as the tables say under the lock |
//! | [`tell`], [`Told`], [`ORGANIZATION`], [`NOTIFICATION`] | events of this context |
//! | [`Listener`], [`Arrived`] | events of all contexts, beside the audit log |
//! | [`refusal`] and the named refusals | errors of this context |
//! | [`Role`], [`Permission`], [`CATALOGUE`] | who holds which permission where |
//! | [`my_access`] | what a subject holds, as a message |
//! | [`Fields`], [`place`], [`list_place`], [`starting_at`], [`following`] | fields and pages of requests |

use rolecall_api::organization::v1 as pb;
use rolecall_authz::Scope;
use rolecall_db::{Database, Error, Tx};
use rolecall_kernel::id::{OrganizationId, SubjectId, UserId};
use rolecall_kernel::time::Clock;

pub use crate::app::ingest_events::{Arrived, Listener};
use crate::app::subject_access;
pub use crate::domain::actor::Subject;
pub use crate::domain::event::Origin;
pub use crate::domain::page::Position;
pub use crate::domain::permission::{CATALOGUE, Condition, Holding, Permission};
pub use crate::domain::role::{ParseRoleError, Role, RoleSet};
pub use crate::events::publish::{NOTIFICATION, ORGANIZATION, Told, tell, timestamp};
pub use crate::grpc::convert::{
    Fields, Noted, Place, by_creation, following, list_place, not_served, one_field, parse_time, place, refuse_filter,
    size, starting_at,
};
pub use crate::grpc::organization_service::answered;
pub use crate::grpc::origin;
use crate::grpc::render;
pub use crate::grpc::status::{
    invalid, not_entitled, organization_not_found, organization_suspended, refusal, request_id_reused, store,
    subject_not_found,
};
pub use crate::store::access::{AccessChange, Head, advance, head, record, record_organization};
pub use crate::store::migrations::step;
use crate::store::{members, organizations, subjects};

/// Reads who acts; what it may do cannot change while the transaction that drew a revision goes on.
pub async fn find_actor(tx: &Tx, id: SubjectId) -> Result<Option<Subject>, Error> {
    subjects::find(tx, &Scope::All, id).await
}

/// Tells whether an organization exists and is in operation, and keeps it so until the transaction ends.
pub async fn operates(tx: &Tx, id: OrganizationId) -> Result<bool, Error> {
    let organization = organizations::find_locked(tx, &Scope::All, id).await?;
    Ok(organization.is_some_and(|organization| organization.suspension().is_none()))
}

/// Tells a subject what it holds; none when there is no such subject.
pub async fn my_access(
    database: &Database,
    clock: &dyn Clock,
    id: SubjectId,
) -> Result<Option<pb::GetMyAccessResponse>, Error> {
    let read = subject_access::read(database, clock, id).await?;
    Ok(read.as_ref().map(render::my_access))
}

/// Lists the owners of an organization, also those that are blocked now.
pub async fn list_owners(tx: &Tx, id: OrganizationId) -> Result<Vec<UserId>, Error> {
    members::list_owners(tx, id).await
}
