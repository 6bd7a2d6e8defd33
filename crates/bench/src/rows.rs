//! The rows of the plan of measurements.

pub(crate) mod block;
pub(crate) mod create;
pub(crate) mod login;
pub(crate) mod stack;
pub(crate) mod start;
mod world;
