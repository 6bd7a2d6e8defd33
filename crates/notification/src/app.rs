//! The use cases, one a file.

pub(crate) mod accept_events;
pub(crate) mod delete_finished;
pub(crate) mod deliver;
pub(crate) mod get_delivery;
pub(crate) mod instance_name;
pub(crate) mod list_deliveries;
pub(crate) mod retry_deliveries;
pub(crate) mod write_refusals;
