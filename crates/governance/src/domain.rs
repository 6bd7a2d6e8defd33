//! The rules of governed resources, as pure functions: no input but arguments, no output but answers.

pub(crate) mod asset_policy;
pub(crate) mod compute_spec;
pub(crate) mod dataset;
pub(crate) mod event;
pub(crate) mod model;
pub(crate) mod name;
pub(crate) mod schema;
