//! The built binary as the one who runs it meets it.

mod program;
mod refused_starts;
mod starts;
