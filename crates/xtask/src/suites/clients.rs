//! The suites of the clients in other languages, and of the pages that show them.

use super::Plan;
use super::counts::Counts;
use crate::grpcurl as page;
use crate::process::Program;
use crate::server::Server;
use crate::tools::Tools;

const GO: &str = "clients/go";
const TYPESCRIPT: &str = "clients/typescript";

/// The Go client by itself.
pub(super) fn go(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    in_go(tools, &["vet", "./..."])?.run()?;
    in_go(tools, &["vet", "-tags", "journey", "./journey"])?.run()?;
    read_go(in_go(tools, &["test", "-count=1", "-v", "./..."])?)
}

/// The TypeScript client by itself.
pub(super) fn typescript(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    build_typescript(tools)?;
    read_node(in_typescript(tools, "node", &["--test", "--test-reporter=tap", "dist/test/"])?)
}

/// Every block of `docs/grpcurl.md`.
pub(super) fn grpcurl(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    build_server()?;
    Ok(Counts { passed: page::run(tools)?, failed: 0 })
}

/// The journey of `README.md`, by each client, against a real server.
pub(super) fn journeys(tools: &Tools, _: &Plan) -> anyhow::Result<Counts> {
    build_server()?;
    build_typescript(tools)?;
    let server = Server::start()?;
    let go = read_go(meeting(in_go(tools, &["test", "-count=1", "-v", "-tags", "journey", "./journey"])?, &server)?)?;
    let server = Server::start()?;
    let node = in_typescript(tools, "node", &["--test", "--test-reporter=tap", "dist/journey/"])?;
    Ok(go + read_node(meeting(node, &server)?)?)
}

/// Tells a journey where the server is; `tests/` sets the same variables for its layouts.
fn meeting(program: Program, server: &Server) -> anyhow::Result<Program> {
    let address = server.address().to_string();
    let program = ["IDENTITY", "ORGANIZATION", "NOTIFICATION"]
        .iter()
        .fold(program, |program, service| program.variable(&format!("ROLECALL_JOURNEY_{service}"), &address));
    let mail = server.folder().join("rolecall-data/mail");
    let program = program.variable("ROLECALL_JOURNEY_SETUP_SECRET", server.setup_secret()?);
    Ok(program.variable("ROLECALL_JOURNEY_MAIL_FOLDER", mail))
}

fn build_server() -> anyhow::Result<()> {
    Program::new("cargo").args(["build", "--workspace", "--locked", "--quiet"]).run()
}

fn build_typescript(tools: &Tools) -> anyhow::Result<()> {
    in_typescript(tools, "tsc", &["--build"])?.run()
}

fn in_go(tools: &Tools, arguments: &[&str]) -> anyhow::Result<Program> {
    Ok(tools.run_with("go")?.args(arguments).folder(crate::root().join(GO)))
}

fn in_typescript(tools: &Tools, program: &str, arguments: &[&str]) -> anyhow::Result<Program> {
    Ok(tools.run_with(program)?.args(arguments).folder(crate::root().join(TYPESCRIPT)))
}

fn read_go(program: Program) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let succeeded = program.run_reading(|line| counts.read_go(line))?;
    Ok(counts.settle(succeeded))
}

fn read_node(program: Program) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let succeeded = program.run_reading(|line| counts.read_tap(line))?;
    Ok(counts.settle(succeeded))
}
