//! Domain events out, and those of identity in.

pub(crate) mod consume;
pub(crate) mod publish;
