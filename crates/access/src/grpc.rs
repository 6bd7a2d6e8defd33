//! The wire: messages in, use cases through, messages out.

pub(crate) mod access_service;

mod convert;
mod render;
mod status;

use std::sync::Arc;

use rolecall_kernel::page::PageTokens;

use crate::app::App;

/// What the service works with.
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) pages: PageTokens,
}

/// Answers whether a subject may do something, and why.
#[derive(Clone)]
pub(crate) struct AccessApi(pub(crate) Arc<Api>);
