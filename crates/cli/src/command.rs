//! The commands and their dispatch.

use std::process::ExitCode;

use clap::Subcommand;

use crate::commands::{
    access, account, admins, audit, bootstrap, certs, datasets, deliveries, factors, health, inbox, instance,
    invitations, keys, mail, members, models, notifications, organizations, password, permissions, policies,
    preferences, registration, roles, service_accounts, session, sessions, specs, sso, suppressions, tokens, users,
};
use crate::connection::{Connection, RemoteArgs};
use crate::failure::Failure;
use crate::output::{Answer, Format};

/// What an administrator can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(flatten)]
    #[doc(hidden)]
    Session(session::Command),
    #[doc(hidden)]
    Bootstrap(bootstrap::Bootstrap),
    #[doc(hidden)]
    Users(users::Users),
    #[doc(hidden)]
    Invitations(invitations::Invitations),
    #[doc(hidden)]
    Register(registration::Register),
    #[doc(hidden)]
    VerifyEmail(registration::VerifyEmail),
    #[doc(hidden)]
    Instance(instance::Instance),
    #[doc(hidden)]
    #[command(visible_alias = "orgs")]
    Organizations(organizations::Organizations),
    #[doc(hidden)]
    Members(members::Members),
    #[doc(hidden)]
    Roles(roles::Roles),
    #[doc(hidden)]
    Permissions(permissions::Permissions),
    #[doc(hidden)]
    Admins(admins::Admins),
    #[doc(hidden)]
    Access(access::Access),
    #[doc(hidden)]
    Audit(audit::Audit),
    #[doc(hidden)]
    Datasets(datasets::Datasets),
    #[doc(hidden)]
    Models(models::Models),
    #[doc(hidden)]
    Policies(policies::Policies),
    #[doc(hidden)]
    Specs(specs::Specs),
    #[doc(hidden)]
    Deliveries(deliveries::Deliveries),
    #[doc(hidden)]
    Suppressions(suppressions::Suppressions),
    #[doc(hidden)]
    Notify(notifications::Notify),
    #[doc(hidden)]
    Preferences(preferences::Preferences),
    #[doc(hidden)]
    Inbox(inbox::Inbox),
    #[doc(hidden)]
    ServiceAccounts(service_accounts::ServiceAccounts),
    #[doc(hidden)]
    Sso(sso::Sso),
    #[doc(hidden)]
    Tokens(tokens::Tokens),
    #[doc(hidden)]
    Keys(keys::Keys),
    #[doc(hidden)]
    Account(account::Account),
    #[doc(hidden)]
    Sessions(sessions::Sessions),
    #[doc(hidden)]
    Password(password::Password),
    #[doc(hidden)]
    Factors(factors::Factors),
    #[doc(hidden)]
    Health(health::Health),
    #[doc(hidden)]
    Certs(certs::Certs),
    #[doc(hidden)]
    Mail(mail::Mail),
}

/// Runs a command, prints its answer or its failure, and returns the exit code.
pub async fn run(command: Command) -> ExitCode {
    let format = command.remote().map_or(Format::Table, |remote| remote.output);
    match answer(command).await {
        Ok((answer, code)) => {
            let (text, hint) = answer.render(format);
            print(&text);
            if let Some(hint) = hint {
                eprintln!("{hint}");
            }
            code
        }
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit_code()
        }
    }
}

/// Writes to standard output; a reader that went away, as `head` does, is no failure.
fn print(text: &str) {
    use std::io::Write as _;
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

async fn answer(command: Command) -> Result<(Answer, ExitCode), Failure> {
    let connect = |remote: &RemoteArgs| Connection::new(remote);
    let answer = match command {
        Command::Session(command) => {
            let connection = connect(command.remote())?;
            command.run(&connection).await
        }
        Command::Bootstrap(command) => {
            let connection = connect(&command.remote)?;
            command.run(&connection).await
        }
        Command::Register(command) => {
            let connection = connect(&command.remote)?;
            command.run(&connection).await
        }
        Command::VerifyEmail(command) => {
            let connection = connect(&command.remote)?;
            command.run(&connection).await
        }
        Command::Health(command) => {
            let connection = connect(&command.remote)?;
            command.run(&connection).await
        }
        Command::Audit(group) => return group.run().await,
        Command::Access(group) => return group.command.run(&connect(&group.remote)?).await,
        Command::Users(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Invitations(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Instance(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Organizations(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Admins(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Members(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Roles(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Permissions(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Datasets(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Models(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Policies(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Specs(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Deliveries(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Suppressions(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Notify(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Preferences(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Inbox(group) => group.command.run(&connect(&group.remote)?).await,
        Command::ServiceAccounts(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Sso(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Tokens(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Keys(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Account(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Factors(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Sessions(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Password(group) => group.command.run(&connect(&group.remote)?).await,
        Command::Certs(group) => group.command.run(),
        Command::Mail(group) => group.command.run(),
    };
    Ok((answer?, ExitCode::SUCCESS))
}

impl Command {
    fn remote(&self) -> Option<&RemoteArgs> {
        match self {
            Self::Session(command) => Some(command.remote()),
            Self::Bootstrap(command) => Some(&command.remote),
            Self::Users(group) => Some(&group.remote),
            Self::Invitations(group) => Some(&group.remote),
            Self::Instance(group) => Some(&group.remote),
            Self::Organizations(group) => Some(&group.remote),
            Self::Members(group) => Some(&group.remote),
            Self::Roles(group) => Some(&group.remote),
            Self::Permissions(group) => Some(&group.remote),
            Self::Admins(group) => Some(&group.remote),
            Self::Access(group) => Some(&group.remote),
            Self::Audit(group) => Some(&group.remote),
            Self::Datasets(group) => Some(&group.remote),
            Self::Models(group) => Some(&group.remote),
            Self::Policies(group) => Some(&group.remote),
            Self::Specs(group) => Some(&group.remote),
            Self::Deliveries(group) => Some(&group.remote),
            Self::Suppressions(group) => Some(&group.remote),
            Self::Notify(group) => Some(&group.remote),
            Self::Preferences(group) => Some(&group.remote),
            Self::Inbox(group) => Some(&group.remote),
            Self::ServiceAccounts(group) => Some(&group.remote),
            Self::Sso(group) => Some(&group.remote),
            Self::Tokens(group) => Some(&group.remote),
            Self::Keys(group) => Some(&group.remote),
            Self::Account(group) => Some(&group.remote),
            Self::Factors(group) => Some(&group.remote),
            Self::Sessions(group) => Some(&group.remote),
            Self::Password(group) => Some(&group.remote),
            Self::Register(command) => Some(&command.remote),
            Self::VerifyEmail(command) => Some(&command.remote),
            Self::Health(command) => Some(&command.remote),
            Self::Certs(_) | Self::Mail(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
