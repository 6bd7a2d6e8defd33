//! The services on the wire: parse, run, render.

pub(crate) mod convert;
pub(crate) mod delivery_service;
pub(crate) mod inbox_service;
mod inbox_watch;
pub(crate) mod mail_service;
pub(crate) mod notification_service;
pub(crate) mod preference_service;
pub(crate) mod suppression_service;
pub(crate) mod template_service;

mod status;
