//! File, environment and flags, layered.

use std::path::Path;

use figment::providers::{Format as _, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::Sources;
use super::schema::Config;
use super::section::{Reader, Section as _};

/// How variables of the environment begin that are settings.
pub(super) const PREFIX: &str = "ROLECALL__";

/// The name of the environment in messages.
pub(super) const ENVIRONMENT: &str = "from the environment";

/// Reads all sources; `None` when they cannot even be understood as settings.
pub(super) fn read(sources: &Sources, problems: &mut Vec<String>) -> Option<Config> {
    let mut figment = Figment::new();
    if let Some(file) = &sources.file {
        match check_file(file) {
            Ok(()) => figment = figment.merge(Toml::file_exact(file)),
            Err(problem) => problems.push(problem),
        }
    }
    let (environment, malformed) = environment(&sources.environment);
    problems.extend(malformed);
    let flags = sources.flags.iter().map(|(path, value)| (path.split('.').collect(), value.as_str()));
    let figment = figment
        .merge(Layer { name: ENVIRONMENT, dict: environment })
        .merge(Layer { name: "from a flag", dict: nest(flags) });
    let data = match figment.data() {
        Ok(data) => data,
        Err(error) => {
            problems.push(describe(sources.file.as_deref(), &error));
            return None;
        }
    };
    let nothing = Dict::new();
    let dict = data.get(&Profile::Default).unwrap_or(&nothing);
    let mut reader = Reader::new(&figment, dict, problems);
    let config = Config::read(&mut reader);
    reader.report_unknown();
    Some(config)
}

/// Opens the file once before it is read as settings, for an error that says what to do.
fn check_file(file: &Path) -> Result<(), String> {
    std::fs::File::open(file).map(drop).map_err(|error| {
        format!("the configuration file {} cannot be read ({error}); check its name and mode", file.display())
    })
}

fn describe(file: Option<&Path>, error: &Error) -> String {
    let file = file.map(|file| file.display().to_string()).unwrap_or_default();
    format!("{file} is no TOML: {}", error.kind.to_string().trim())
}

/// One layer of settings.
struct Layer {
    name: &'static str,
    dict: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.dict.clone())]))
    }
}

/// Turns `ROLECALL__SERVER__LISTEN=..` into `server.listen`; values stay texts, which every setting understands.
fn environment(variables: &[(String, String)]) -> (Dict, Vec<String>) {
    let named = variables.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, name, value)));
    let (good, bad): (Vec<_>, Vec<_>) = named.partition(|(path, ..)| path.split("__").all(|part| !part.is_empty()));
    let malformed = bad.iter().map(|(_, name, _)| format!("{name}: write it like {PREFIX}SECTION__KEY"));
    let malformed = malformed.collect();
    let lower = good.iter().map(|(path, _, value)| (path.to_lowercase(), value.as_str())).collect::<Vec<_>>();
    (nest(lower.iter().map(|(path, value)| (path.split("__").collect(), *value))), malformed)
}

/// Puts values under their paths.
fn nest<'a>(entries: impl Iterator<Item = (Vec<&'a str>, &'a str)>) -> Dict {
    let mut root = Dict::new();
    for (path, value) in entries {
        insert(&mut root, &path, value);
    }
    root
}

fn insert(dict: &mut Dict, path: &[&str], value: &str) {
    let [key, rest @ ..] = path else { return };
    if rest.is_empty() {
        dict.insert((*key).to_owned(), Value::from(value));
        return;
    }
    let entry = dict.entry((*key).to_owned()).or_insert_with(|| Value::from(Dict::new()));
    // A value and a section of the same name cannot both be meant; the section shows up as what is wrong.
    if !matches!(entry, Value::Dict(..)) {
        *entry = Value::from(Dict::new());
    }
    if let Value::Dict(_, inner) = entry {
        insert(inner, rest, value);
    }
}
