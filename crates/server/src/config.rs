//! The configuration: defaults, then the file, then the environment, then flags; all problems are reported at once.
//!
//! | Module | Holds |
//! |---|---|
//! | [`schema`] | every section and setting with its default and its comment |
//! | `section` | the macro that makes a section out of comments, names, types and defaults |
//! | `setting` | how each type of value is read and written |
//! | `source` | file, environment and flags, layered |
//! | `validate` | what must fit together |
//! | `render` | the effective configuration, redacted, and the example file |
//!
//! To add a setting: one line with its comment in `schema.rs`, its use in the wiring, and `rolecall config example`
//! written to `deploy/config/rolecall.toml`.

mod render;
pub mod schema;
mod section;
mod setting;
mod source;
mod validate;

use std::fmt;
use std::path::PathBuf;

pub use render::{effective, example};
pub use schema::Config;
pub(crate) use setting::read_secret;
pub use setting::{LogFormat, Secret, Service, SmtpEncryption};

/// Where the configuration comes from beside its defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// Variables of the environment; those that begin with `ROLECALL__` count.
    pub environment: Vec<(String, String)>,
    /// Flags, as paths such as `server.listen` and their values.
    pub flags: Vec<(&'static str, String)>,
}

impl Sources {
    /// Takes the file and the flags that were given, and the environment of the process.
    pub fn of_process(file: Option<PathBuf>, flags: Vec<(&'static str, String)>) -> Self {
        // This is the one place that reads the environment.
        let variables = std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value)));
        let ours = variables.filter(|(key, _)| key.starts_with(source::PREFIX));
        // What is not UTF-8 is no value of ours; replaced characters make it a problem of its setting.
        let environment = ours.map(|(key, value)| (key, value.to_string_lossy().into_owned())).collect();
        Self { file, environment, flags }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration has a problem: {one}"),
            many => {
                write!(f, "the configuration has {} problems:", many.len())?;
                many.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

/// Reads and checks the configuration.
pub fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let config = source::read(sources, &mut problems);
    if let Some(config) = config {
        problems.extend(validate::validate(&config));
        if problems.is_empty() {
            return Ok(config);
        }
    }
    Err(Problems(problems))
}

#[cfg(test)]
mod tests;
