//! Decisions as pure functions: a snapshot of the facts, one evaluator, what it tells.

pub(crate) mod decide;
pub(crate) mod decision;
pub(crate) mod explain;
pub(crate) mod facts;
pub(crate) mod index;
pub(crate) mod list;
pub(crate) mod snapshot;
pub(crate) mod token;
pub(crate) mod vocabulary;
