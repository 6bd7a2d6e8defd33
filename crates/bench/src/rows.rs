//! The rows of the plan of measurements.

pub(crate) mod block;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod overload;
pub(crate) mod stack;
pub(crate) mod start;
pub(crate) mod tokens;
mod world;
