//! Events on their way out and in: the one room, beside `grpc/` and `peers/`, that knows their messages.

pub(crate) mod consume;
pub(crate) mod publish;
