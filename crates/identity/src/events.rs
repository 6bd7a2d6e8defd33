//! What identity tells the other contexts, and what it does about what they tell.

pub(crate) mod consume;
pub(crate) mod publish;
