//! Facts out of the tables of this context, at one revision; and who has come how far.

pub(crate) mod changes;
pub(crate) mod load;
pub(crate) mod migrations;
pub(crate) mod replicas;
mod sql;

use rolecall_db::UniqueConstraint;
use sea_orm::DbErr;

/// The unique constraints of this crate.
pub(crate) const CONSTRAINTS: &[UniqueConstraint] = rolecall_db::constraints! {
    "access_replicas_pkey" => "access_replicas", ["replica_id"];
};

/// Reports a stored value that no version of this program wrote.
fn corrupt(what: &str) -> DbErr {
    DbErr::Custom(format!("the stored {what} is not one"))
}
