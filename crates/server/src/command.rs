//! The commands of the one who runs the server.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::config::schema::Config;
use crate::config::{self, Sources};
use crate::{VERSION, databases, doctor, serve};

/// What the one who runs the server can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve: all services in this process, or those named
    #[command(
        after_help = "Without any option the server keeps everything in ./rolecall-data and listens on 127.0.0.1:50051.
The first signal (SIGTERM or SIGINT) lets calls at hand finish, the second ends the server at once.

Examples:
  rolecall serve
  rolecall serve --data-dir /var/lib/rolecall --listen 127.0.0.1:8443
  rolecall serve --config /etc/rolecall/rolecall.toml --services identity"
    )]
    Serve(Serve),
    /// Bring the databases of the configured services up to date
    #[command(after_help = "Run it once before a new version starts; the old version goes on meanwhile.

Examples:
  rolecall migrate --config /etc/rolecall/rolecall.toml")]
    Migrate(ConfigArgs),
    /// Check, print or explain the configuration
    Config {
        #[command(subcommand)]
        #[doc(hidden)]
        command: ConfigCommand,
    },
    /// Check the installation: configuration, keys, databases, mail server, peers
    #[command(after_help = "Every line says ok, warn or fail, and what to do. Exits with 1 when a line says fail.

Examples:
  rolecall doctor
  rolecall doctor --config /etc/rolecall/rolecall.toml")]
    Doctor(ConfigArgs),
    /// Make a new setup secret, as long as there is no first administrator
    #[command(after_help = "Needs the configuration and the database of the server, not the server itself.

Examples:
  rolecall setup-secret --renew
  rolecall setup-secret --renew --config /etc/rolecall/rolecall.toml")]
    SetupSecret(SetupSecret),
    /// Print the version
    #[command(after_help = "Examples:
  rolecall version")]
    Version,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration; all problems are reported at once
    #[command(after_help = "Examples:
  rolecall config check --config /etc/rolecall/rolecall.toml")]
    Check(ConfigArgs),
    /// Print the effective configuration, without secrets
    #[command(after_help = "Examples:
  rolecall config print --config /etc/rolecall/rolecall.toml")]
    Print(ConfigArgs),
    /// Print an example file: every setting with its default and what it is for
    #[command(after_help = "Examples:
  rolecall config example > rolecall.toml")]
    Example,
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Configuration file (TOML)
    #[arg(long, env = "ROLECALL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder, instead of `server.data_dir`
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
    /// Services to host, instead of `server.services`: identity,organization,notification
    #[arg(long, value_name = "LIST")]
    services: Option<String>,
    /// Address and port, instead of `server.listen`
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// What `setup-secret` takes.
#[derive(Debug, Args)]
pub struct SetupSecret {
    /// Replace the secret that was printed before
    #[arg(long, required = true)]
    renew: bool,
    #[command(flatten)]
    config: ConfigArgs,
}

impl ConfigArgs {
    fn load(self, more: Vec<(&'static str, Option<String>)>) -> Result<Config> {
        let flags = std::iter::once(("server.data_dir", self.data_dir)).chain(more);
        let flags = flags.filter_map(|(path, value)| Some((path, value?))).collect();
        Ok(config::load(&Sources::of_process(self.config, flags))?)
    }
}

/// Runs a command and returns the exit code; a failure is one sentence on standard error.
pub async fn run(command: Command) -> ExitCode {
    match dispatch(command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode> {
    match command {
        Command::Serve(args) => {
            let flags = vec![("server.services", args.services), ("server.listen", args.listen)];
            return serve::serve(args.config.load(flags)?).await;
        }
        Command::Migrate(args) => {
            print(&(databases::migrate_all(&args.load(Vec::new())?).await?.join("\n") + "\n"));
        }
        Command::Config { command } => print(&configuration(command)?),
        Command::Doctor(args) => return Ok(doctor::run(args.load(Vec::new())).await),
        Command::SetupSecret(args) => {
            print(&(serve::renew_setup_secret(&args.config.load(Vec::new())?).await? + "\n"));
        }
        Command::Version => print(&format!("rolecall {VERSION}\n")),
    }
    Ok(ExitCode::SUCCESS)
}

fn configuration(command: ConfigCommand) -> Result<String> {
    match command {
        ConfigCommand::Check(args) => args.load(Vec::new()).map(|_| "the configuration is good\n".to_owned()),
        ConfigCommand::Print(args) => args.load(Vec::new()).map(|config| config::effective(&config)),
        ConfigCommand::Example => Ok(config::example()),
    }
}

/// Writes to standard output at once; a reader that went away, as `head` does, is no failure.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
