//! Domain events out.

pub(crate) mod publish;
