//! The crate from outside: real descriptors, really signed tokens, the layer around a service.

mod layer;
mod policy;
mod reasons;
mod support;
mod tokens;
