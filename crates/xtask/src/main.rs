//! Tasks of the repository: `cargo xtask --help`.
//!
//! One module a task: `codegen`, `policy`, `asvs`, `layers`, `sizes`, `deploy`, `deny`, `grpcurl`, and `suites` for
//! `test`, which runs them all; `bench` by itself. `process` runs other programs, `tools` finds or
//! installs them, `contract` reads `proto/`. A new check is a function in `suites/checks.rs` and a line in `SUITES`.

mod asvs;
mod bench;
mod codegen;
mod contract;
mod deny;
mod deploy;
mod files;
mod grpcurl;
mod layers;
mod policy;
mod process;
mod server;
mod sizes;
mod suites;
mod tools;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::tools::Tools;

/// Tasks of the repository.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Writes everything that comes from `proto/`: Rust, Go, TypeScript, `docs/errors.md`.
    Codegen {
        /// Fails, naming the files, when the checked-in ones differ; writes nothing.
        #[arg(long)]
        check: bool,
        /// Only the Rust code, which needs neither Go nor Node.
        #[arg(long)]
        rust_only: bool,
    },
    /// Writes `tests/golden/policy.txt`: who may call which method.
    Policy {
        /// Fails when the checked-in file differs; writes nothing.
        #[arg(long)]
        check: bool,
    },
    /// Writes `docs/asvs.md`: which requirement and which attack is proven by which test.
    Asvs {
        /// Fails when the checked-in file differs; writes nothing.
        #[arg(long)]
        check: bool,
    },
    /// Checks which crate and which room of a context knows which.
    Layers,
    /// Prints how large files and functions are; fails above the limits.
    Sizes,
    /// Checks the files of `deploy/`.
    Deploy,
    /// Checks licences, sources and bans of the dependencies, and advisories where a copy is given.
    Deny,
    /// Runs every block of `docs/grpcurl.md` against a server of its own.
    Grpcurl,
    /// Runs every check and every test; installs what is missing or names it.
    Test {
        /// Runs the random tests in their full numbers.
        #[arg(long)]
        long: bool,
        /// Runs only this suite; may be repeated.
        #[arg(long, value_name = "SUITE")]
        only: Vec<String>,
    },
    /// Builds the release programs, measures them and writes `docs/benchmarks.md`; wants PostgreSQL and a quiet machine.
    Bench {
        /// Handed to the measuring program, such as `--row 9 --rounds 3`; `-- --help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Codegen { check, rust_only } => codegen::run(check, rust_only),
        Task::Policy { check } => policy::run(check),
        Task::Asvs { check } => asvs::run(check),
        Task::Layers => layers::run(),
        Task::Sizes => sizes::run(),
        Task::Deploy => deploy::run(&Tools::for_tests()?).map(drop),
        Task::Deny => deny::run(&Tools::for_tests()?),
        Task::Grpcurl => grpcurl::run(&Tools::for_tests()?).map(drop),
        Task::Test { long, only } => suites::run(&suites::Plan { long, only }),
        Task::Bench { arguments } => bench::run(&arguments),
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crates.ancestors().nth(2).map_or(crates.clone(), std::path::Path::to_owned)
}
