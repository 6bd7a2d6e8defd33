//! Tells the other services how to reach persons.

use rolecall_db::Error;
use rolecall_kernel::id::SubjectId;

use super::Resources;
use crate::domain::user::User;
use crate::store::users;

/// Finds the accounts of subjects; those that are none are left out.
pub(crate) async fn run(resources: &Resources, subjects: &[SubjectId]) -> Result<Vec<User>, Error> {
    users::find_many(&resources.db.reader(), subjects).await
}
