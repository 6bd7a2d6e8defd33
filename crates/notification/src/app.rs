//! The use cases, one a file.

pub(crate) mod accept_events;
pub(crate) mod address;
pub(crate) mod cancel_notification;
pub(crate) mod change_templates;
pub(crate) mod delete_finished;
pub(crate) mod deliver;
pub(crate) mod gather_digests;
pub(crate) mod get_delivery;
pub(crate) mod inbox;
pub(crate) mod instance_name;
pub(crate) mod judge;
pub(crate) mod list_deliveries;
pub(crate) mod notifications;
pub(crate) mod pace;
pub(crate) mod preferences;
pub(crate) mod retry_deliveries;
pub(crate) mod send_notification;
pub(crate) mod suppressions;
pub(crate) mod templates;
pub(crate) mod watch_inbox;
pub(crate) mod wording;
pub(crate) mod write_refusals;
