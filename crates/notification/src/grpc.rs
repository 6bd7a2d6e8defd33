//! The services on the wire: parse, run, render.

pub(crate) mod convert;
pub(crate) mod delivery_service;
pub(crate) mod mail_service;

mod status;
