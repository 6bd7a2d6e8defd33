//! The one binary: the server, the commands of the one who runs it, and those of administrators.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use rolecall_cli::EXIT_CODES;

/// Identity, organizations and notifications over gRPC
#[derive(Debug, Parser)]
#[command(name = "rolecall", version, arg_required_else_help = true, after_help = help())]
struct Rolecall {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Operator(rolecall_server::Command),
    #[command(flatten)]
    Administrator(Box<rolecall_cli::Command>),
    /// Print the completions of a shell
    #[command(after_help = "Examples:
  rolecall completions bash > /etc/bash_completion.d/rolecall
  rolecall completions zsh > ~/.zfunc/_rolecall")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

fn help() -> String {
    format!(
        "Examples:
  rolecall serve                                   start everything, data in ./rolecall-data
  rolecall bootstrap --organization Example --email ada@example.org --name \"Ada Lovelace\"
  rolecall login --email ada@example.org
  rolecall organizations create --name Second --owner-email mary@example.org --owner-given-name Mary --owner-family-name Somerville
  rolecall mail list                               the mails, while no mail server is configured
  rolecall members block 01890a5d-ac96-774b-bcce-b302099a8057 --reason \"Left the project\"
  rolecall doctor                                  what is wrong, and what to do

{EXIT_CODES}"
    )
}

fn main() -> ExitCode {
    let command = Rolecall::parse().command;
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(command)),
        Err(error) => {
            eprintln!("error: the process gets no threads ({error})");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> ExitCode {
    match command {
        Command::Operator(command) => rolecall_server::run(command).await,
        Command::Administrator(command) => rolecall_cli::run(*command).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Rolecall::command(), "rolecall", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        Rolecall::command().debug_assert();
    }

    fn leaves(command: &clap::Command) -> Vec<&clap::Command> {
        if command.has_subcommands() { command.get_subcommands().flat_map(leaves).collect() } else { vec![command] }
    }

    /// The administrator's commands have the same test in their own crate.
    #[test]
    fn every_command_has_examples_that_parse() {
        let program = Rolecall::command();
        for command in leaves(&program).into_iter().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.lines().filter(|line| line.starts_with("  rolecall ")).collect::<Vec<_>>();
            assert!(!examples.is_empty(), "{} has no examples", command.get_name());
            for example in examples.iter().filter(|example| !example.contains('"')) {
                let words = example.split(['<', '>']).next().unwrap_or_default().split_whitespace();
                if let Err(error) = Rolecall::try_parse_from(words) {
                    panic!("{example}: {error}");
                }
            }
        }
    }
}
