//! The one gRPC server stack: every call of every service passes through it, from the network or from within.
//!
//! | Module | Holds |
//! |---|---|
//! | [`status`] | errors with `google.rpc` details, and the collector of field violations |
//! | [`detached`] | mutations that a client's cancel does not stop |
//! | [`call`] | request id and deadline of the call that is being served |
//! | [`channel`] | the way to another service, in this process or elsewhere |
//! | [`filter`] | filters of lists, as groups of comparisons |
//! | [`mask`] | which fields of a resource a request changes |
//! | [`methods`] | which methods there are, which of them stream, how large their requests may be |
//! | [`stack`] | the layers, in order, each with its reason |
//! | [`server`] | the listener: connections, TLS, gRPC-Web, plain HTTP routes, drain |
//! | [`health`], [`reflection`] | the standard services beside ours |
//!
//! To add a layer: a [`Step`](stack) in a file of `stack/`, its line in `stack::LAYERS`, its place in
//! `stack::build`; a test compares the two.

pub mod call;
pub mod channel;
pub mod detached;
mod details;
pub mod filter;
pub mod health;
pub mod lifecycle;
pub mod mask;
pub mod methods;
pub mod reflection;
pub mod server;
pub mod stack;
pub mod status;
mod timeout;

/// The metadata that carries the name of a call: taken from the client when it is sensible, and always answered.
pub const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");
