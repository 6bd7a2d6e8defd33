//! What the sources must never come to hold.

use std::fs;
use std::path::{Path, PathBuf};

const SERVICES: [&str; 9] =
    ["authz", "db", "identity", "kernel", "notification", "organization", "outbound", "rpc", "telemetry"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The sources of what the services are made of, but for their tests.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for service in SERVICES {
        files(&root().join("crates").join(service).join("src"), &mut found);
    }
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
        (path, code)
    };
    found.into_iter().filter(|path| !path.ends_with("tests.rs")).map(read).collect()
}

/// The crates that the lock file names.
fn locked() -> Vec<String> {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let names = text.lines().filter_map(|line| line.strip_prefix("name = \""));
    names.map(|name| name.trim_end_matches('"').to_owned()).collect()
}

#[test]
fn asvs_v1_2_5_no_service_starts_another_program() {
    for (path, code) in sources() {
        assert!(!code.contains("process::Command") && !code.contains("libc::exec"), "{}", path.display());
    }
}

#[test]
fn asvs_v1_3_2_nothing_evaluates_code_that_is_text() {
    let names = locked();
    for engine in
        ["rhai", "mlua", "rlua", "wasmtime", "wasmer", "deno_core", "boa_engine", "rquickjs", "pyo3", "starlark"]
    {
        assert!(!names.iter().any(|name| name == engine), "{engine}");
    }
}

#[test]
fn asvs_v1_4_1_no_crate_of_ours_can_be_unsafe() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = entry.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let forbids = text.contains("[lints]\nworkspace = true") || text.contains("unsafe_code = \"forbid\"");
        assert!(forbids, "{}", manifest.display());
    }
}

#[test]
fn asvs_v15_3_3_no_row_of_a_database_is_read_from_a_request() {
    let rows = sources().into_iter().filter(|(path, _)| path.display().to_string().contains("/store/"));
    for (path, code) in rows {
        let is_entity = path.display().to_string().contains("/entity/");
        assert!(!is_entity || !code.contains("Deserialize"), "{}", path.display());
        assert!(!code.contains("rolecall_api::"), "{}", path.display());
    }
}

#[test]
fn asvs_v15_2_4_crates_come_from_the_registry_alone() {
    let rules = fs::read_to_string(root().join("deny.toml")).unwrap();
    for rule in ["unknown-registry = \"deny\"", "unknown-git = \"deny\"", "wildcards = \"deny\""] {
        assert!(rules.contains(rule), "{rule}");
    }
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let sources = lock.lines().filter(|line| line.starts_with("source = "));
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let foreign: Vec<&str> = sources.filter(|line| *line != registry).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}
