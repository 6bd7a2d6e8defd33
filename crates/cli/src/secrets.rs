//! Passwords and codes: from a prompt or standard input, never from an argument, which every process could read.

use std::io::BufRead as _;

use dialoguer::Password;
use secrecy::SecretString;

use crate::failure::Failure;

/// Where the secrets of one command come from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Secrets {
    /// One line of standard input each, in the order of asking.
    StandardInput,
    /// A prompt on the terminal that shows nothing.
    Prompt,
}

impl Secrets {
    /// Takes a flag such as `--password-stdin`.
    pub(crate) fn from_flag(standard_input: bool) -> Self {
        if standard_input { Self::StandardInput } else { Self::Prompt }
    }

    /// Whether somebody is there to be asked again.
    pub(crate) fn is_prompt(self) -> bool {
        matches!(self, Self::Prompt)
    }

    /// Reads a secret that exists.
    pub(crate) fn read(self, what: &str) -> Result<SecretString, Failure> {
        match self {
            Self::StandardInput => read_line(what),
            Self::Prompt => prompt(Password::new().with_prompt(what)),
        }
    }

    /// Reads a secret that is being made; the prompt asks twice.
    pub(crate) fn read_new(self, what: &str) -> Result<SecretString, Failure> {
        match self {
            Self::StandardInput => read_line(what),
            Self::Prompt => {
                let again = format!("{what} once more");
                prompt(Password::new().with_prompt(what).with_confirmation(again, "They differ; try again."))
            }
        }
    }
}

fn prompt(password: Password<'_>) -> Result<SecretString, Failure> {
    let text = password.interact().map_err(|error| {
        Failure::Usage(format!(
            "there is no terminal to ask on ({error}); give --password-stdin and write to standard input"
        ))
    })?;
    Ok(text.into())
}

fn read_line(what: &str) -> Result<SecretString, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::local("standard input cannot be read", error))?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(Failure::Usage(format!("standard input has no line for: {what}")));
    }
    Ok(text.to_owned().into())
}
