//! The other contexts, in domain types.

pub(crate) mod identity;
