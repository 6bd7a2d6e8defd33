//! Everything that is written from `proto/`: Rust, Go, TypeScript, reasons, retries.

mod clients;
mod reasons;
mod retries;
mod rust;

use crate::contract::Contract;
use crate::files::Generated;
use crate::root;

/// Writes the generated files, or with `check` fails naming the ones that differ.
///
/// With `rust_only`, leaves out what needs Go and Node.
pub(crate) fn run(check: bool, rust_only: bool) -> anyhow::Result<()> {
    let mut generated = Generated::default();
    rust::generate(&mut generated)?;
    if !rust_only {
        let contract = Contract::read()?;
        clients::generate(&contract, &mut generated)?;
        generated.add("docs/errors.md", reasons::page(&contract.reasons()?));
    }
    generated.settle(&root(), check, "cargo xtask codegen")
}
