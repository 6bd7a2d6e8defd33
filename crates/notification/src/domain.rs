//! Deliveries, their templates and their legal transitions; pure functions and types.

pub(crate) mod arrival;
pub(crate) mod category;
pub(crate) mod delivery;
pub(crate) mod event;
pub(crate) mod message;
pub(crate) mod notification;
pub(crate) mod own_template;
pub(crate) mod preferences;
pub(crate) mod schedule;
pub(crate) mod suppression;
pub(crate) mod template;
pub(crate) mod unsubscribe;
