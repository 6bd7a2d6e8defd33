//! The stack and the listener as a client sees them.

mod authentication;
mod channel;
mod drain;
mod listener;
mod reflection;
mod refusals;
mod streams;
mod web;
mod world;
