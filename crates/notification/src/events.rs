//! What this context hears of the others, and what it tells them.

pub(crate) mod consume;
pub(crate) mod publish;
