//! The directions in which crates, and the rooms of a context, may know each other.
//!
//! The tables are those of `docs/ARCHITECTURE.md`. A new crate gets a line in [`LEVELS`], a new
//! ban a line in [`NEVER`] or [`ROOMS`].

mod mentions;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

use crate::files;
use crate::root;
pub(crate) use mentions::is_test_only;
use mentions::{Mention, mentions};

/// The level of each crate; dependencies point to lower ones only.
const LEVELS: &[(&str, u8)] = &[
    ("rolecall-kernel", 0),
    ("rolecall-api", 0),
    ("rolecall-telemetry", 1),
    ("rolecall-outbound", 1),
    // The texts of organizations: pure, and what notification stands on (docs/adr/0015).
    ("rolecall-templates", 1),
    // How a mail leaves; who is told what is the business of notification.
    ("rolecall-mail", 1),
    ("rolecall-authz", 2),
    ("rolecall-db", 2),
    ("rolecall-rpc", 3),
    ("rolecall-testkit", 3),
    ("rolecall-identity", 4),
    ("rolecall-organization", 4),
    ("rolecall-notification", 4),
    // Above organization, whose part about data it is: one context, two crates (docs/adr/0012).
    ("rolecall-governance", 5),
    // What decides over all of it: the third crate of the context (docs/adr/0014).
    ("rolecall-access", 6),
    ("rolecall-server", 7),
    ("rolecall-cli", 7),
    ("rolecall", 8),
    ("rolecall-tests", 9),
    ("xtask", 9),
    ("rolecall-bench", 10),
];

/// The contexts, whose rooms are checked; they meet in messages only, but for governance and access, which are parts of
/// organization.
const CONTEXTS: [&str; 5] = ["identity", "organization", "governance", "access", "notification"];

/// Crates of the organization context beside the first.
const PARTS: [&str; 2] = ["rolecall-governance", "rolecall-access"];

/// What those do not know, although they lie above: they are parts of organization alone.
const OTHER_CONTEXTS: [&str; 2] = ["rolecall-identity", "rolecall-notification"];

/// What a crate must not depend on, and why.
const NEVER: &[(&str, &[&str], &str)] = &[
    ("rolecall-kernel", &["tonic", "prost", "sea-orm", "tokio", "tracing"], "the vocabulary outlives frameworks"),
    ("rolecall-authz", &["sea-orm", "rolecall-db"], "mechanism, not storage"),
    ("rolecall-rpc", &["sea-orm", "rolecall-db"], "mechanism, not storage"),
    ("rolecall-db", &["tonic", "rolecall-api"], "storage does not speak gRPC; outbox payloads are bytes"),
];

/// What only the composition root may depend on.
const ONLY_SERVER: &[&str] = &["figment"];

/// What the rooms of a context must not mention, and why.
const ROOMS: &[(&str, &[&str], &str)] = &[
    (
        "domain",
        &[
            "tonic",
            "prost",
            "prost_types",
            "sea_orm",
            "tokio",
            "rolecall_api",
            "rolecall_db",
            "rolecall_rpc",
            "crate::store",
            "crate::grpc",
            "crate::app",
        ],
        "the domain is pure functions and types",
    ),
    (
        "app",
        &["tonic", "prost", "prost_types", "sea_orm", "rolecall_api", "crate::grpc"],
        "use cases speak domain and store",
    ),
    ("store", &["tonic", "prost", "prost_types", "rolecall_api", "crate::grpc"], "the table is not the wire"),
    ("grpc", &["sea_orm", "crate::store"], "the wire is not the table"),
    (
        "pages",
        &["tonic", "prost", "prost_types", "rolecall_api", "sea_orm", "crate::store", "crate::grpc"],
        "pages run use cases, as the methods do",
    ),
    ("jobs", &["tonic", "prost", "rolecall_api", "sea_orm"], "jobs run use cases"),
    ("config", &["tonic", "prost", "rolecall_api", "sea_orm", "rolecall_rpc"], "configuration is plain data"),
];

/// Checks every crate and every file; fails with all violations at once.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut violations = Vec::new();
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    for package in &metadata.packages {
        violations.extend(dependencies(package)?);
    }
    for context in CONTEXTS {
        violations.extend(rooms(&root().join("crates").join(context).join("src"))?);
    }
    if violations.is_empty() {
        return Ok(());
    }
    bail!("forbidden directions (docs/ARCHITECTURE.md):\n  {}", violations.join("\n  "));
}

fn dependencies(package: &Package) -> anyhow::Result<Vec<String>> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    let names: Vec<&str> = normal.map(|dependency| dependency.name.as_str()).collect();
    judge_dependencies(&package.name, &names)
}

fn judge_dependencies(name: &str, dependencies: &[&str]) -> anyhow::Result<Vec<String>> {
    let level = level(name).with_context(|| format!("{name} has no level; give it a line in LEVELS"))?;
    let mut violations = Vec::new();
    for dependency in dependencies {
        if self::level(dependency).is_some_and(|other| other >= level) {
            violations.push(format!("{name} depends on {dependency}: dependencies point down only"));
        }
        if PARTS.contains(&name) && OTHER_CONTEXTS.contains(dependency) {
            violations.push(format!("{name} depends on {dependency}: contexts meet in messages only"));
        }
        for (_, banned, why) in NEVER.iter().filter(|(who, ..)| *who == name) {
            if banned.contains(dependency) {
                violations.push(format!("{name} depends on {dependency}: {why}"));
            }
        }
        if ONLY_SERVER.contains(dependency) && name != "rolecall-server" {
            violations.push(format!("{name} depends on {dependency}: only the server reads configuration"));
        }
    }
    Ok(violations)
}

fn level(name: &str) -> Option<u8> {
    LEVELS.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
}

fn rooms(source: &Path) -> anyhow::Result<Vec<String>> {
    let mut violations = Vec::new();
    for file in files::walk(source, &|folder| folder.file_name() != Some("tests".as_ref()))? {
        let relative = file.strip_prefix(source)?;
        if relative.extension() != Some("rs".as_ref()) || relative.file_stem() == Some("tests".as_ref()) {
            continue;
        }
        let module = module_path(relative);
        let found = mentions(&fs::read_to_string(&file)?, &module).with_context(|| file.display().to_string())?;
        let shown = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        violations.extend(judge_mentions(&shown, module.first().map_or("", String::as_str), &found));
    }
    Ok(violations)
}

/// The module that a file of `src/` holds: `app/create_user.rs` is `["app", "create_user"]`.
fn module_path(relative: &Path) -> Vec<String> {
    let path = relative.with_extension("");
    path.iter().map(|part| part.to_string_lossy().into_owned()).filter(|part| part != "lib").collect()
}

fn judge_mentions(file: &str, room: &str, found: &[Mention]) -> Vec<String> {
    let mut violations = Vec::new();
    for (_, banned, why) in ROOMS.iter().filter(|(name, ..)| *name == room) {
        for mention in found {
            if let Some(name) = banned.iter().find(|name| mention.is_within(name)) {
                violations.push(format!("{file}:{} mentions {name} ({}): {why}", mention.line, mention.path));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(room: &str, source: &str) -> Vec<String> {
        let found = mentions(source, &[room.to_owned(), "file".to_owned()]).unwrap();
        judge_mentions("file.rs", room, &found)
    }

    #[test]
    fn dependencies_upwards_sideways_and_on_banned_crates_are_found() {
        let upwards = judge_dependencies("rolecall-rpc", &["rolecall-identity"]).unwrap();
        assert!(upwards[0].contains("point down"), "{upwards:?}");
        assert_eq!(judge_dependencies("rolecall-identity", &["rolecall-organization"]).unwrap().len(), 1);
        assert!(judge_dependencies("rolecall-governance", &["rolecall-organization"]).unwrap().is_empty());
        assert_eq!(judge_dependencies("rolecall-organization", &["rolecall-governance"]).unwrap().len(), 1);
        assert_eq!(judge_dependencies("rolecall-governance", &["rolecall-identity"]).unwrap().len(), 1);
        assert_eq!(judge_dependencies("rolecall-kernel", &["tokio"]).unwrap().len(), 1);
        assert_eq!(judge_dependencies("rolecall-cli", &["figment"]).unwrap().len(), 1);
        assert!(judge_dependencies("rolecall-identity", &["rolecall-db", "tonic"]).unwrap().is_empty());
        assert!(judge_dependencies("rolecall-surprise", &[]).is_err());
    }

    #[test]
    fn a_forbidden_use_is_found_however_it_is_written() {
        for source in [
            "use sea_orm::EntityTrait;",
            "use {std::fmt, sea_orm as orm};",
            "fn f() { sea_orm::Database::connect(1); }",
            "fn f() -> crate::store::User { todo!() }",
            "use super::super::store::users;",
            "use super::convert; mod inner { use super::super::super::store; }",
            "fn f() { log!(\"x\", sea_orm::Value::from(1)); }",
        ] {
            assert_eq!(judge("grpc", source).len(), 1, "{source}: {:?}", judge("grpc", source));
        }
    }

    #[test]
    fn what_is_allowed_and_what_tests_do_is_left_alone() {
        for source in [
            "use crate::app::create_user; use rolecall_api::identity::v1 as api;",
            "#[cfg(test)] mod tests { use crate::store::users; }",
            "#[cfg(test)] use sea_orm::Value;",
            "fn f(store: u8) -> u8 { store }",
            "use crate::app::store_of_it;",
        ] {
            assert!(judge("grpc", source).is_empty(), "{source}: {:?}", judge("grpc", source));
        }
        assert_eq!(judge("app", "use rolecall_api::identity::v1::User;").len(), 1);
        assert!(judge("peers", "use rolecall_api::identity::v1::User;").is_empty());
    }
}
