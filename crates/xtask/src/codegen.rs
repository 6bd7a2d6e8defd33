//! Generates the Rust code of the contract, without `protoc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::root;

/// Messages with secrets; `crates/api/src/lib.rs` gives them a `Debug` that prints nothing.
const REDACTED: [&str; 10] = [
    ".rolecall.identity.v1.AcceptInvitationRequest",
    ".rolecall.identity.v1.BootstrapRequest",
    ".rolecall.identity.v1.ChangePasswordRequest",
    ".rolecall.identity.v1.CreateApiKeyResponse",
    ".rolecall.identity.v1.ExchangeApiKeyRequest",
    ".rolecall.identity.v1.ExchangeApiKeyResponse",
    ".rolecall.identity.v1.GetInvitationRequest",
    ".rolecall.identity.v1.LogInRequest",
    ".rolecall.identity.v1.RefreshTokensRequest",
    ".rolecall.identity.v1.Tokens",
];

/// Writes the generated files, or compares them with the checked-in ones.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let target = root().join("crates/api/src/gen");
    let fresh = tempfile::tempdir()?;
    generate(fresh.path())?;
    let (wanted, found) = (read_all(fresh.path())?, read_all(&target)?);
    if wanted == found {
        return Ok(());
    }
    let stale: Vec<&String> = wanted
        .keys()
        .chain(found.keys())
        .filter(|name| wanted.get(*name) != found.get(*name))
        .collect();
    if check {
        bail!("generated code is not what proto/ says: {stale:?}; run `cargo xtask codegen` and commit the result");
    }
    if target.exists() {
        fs::remove_dir_all(&target)?;
    }
    fs::create_dir_all(&target)?;
    for (name, bytes) in &wanted {
        fs::write(target.join(name), bytes)?;
    }
    Ok(())
}

/// Every proto file of the contract, in order.
pub(crate) fn proto_files() -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![root().join("proto")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Compiles the contract; the bytes keep the custom options, which typed descriptors drop.
pub(crate) fn compile() -> anyhow::Result<protox::Compiler> {
    let mut compiler = protox::Compiler::new([root().join("proto")])?;
    compiler.include_imports(true).include_source_info(true).open_files(proto_files()?)?;
    Ok(compiler)
}

fn generate(out: &Path) -> anyhow::Result<()> {
    let compiler = compile()?;
    fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .emit_rerun_if_changed(false)
        .out_dir(out)
        .skip_debug(REDACTED)
        .compile_fds(compiler.file_descriptor_set())?;
    // Google's own types come from prost-types.
    let foreign = out.join("google.protobuf.rs");
    if foreign.exists() {
        fs::remove_file(foreign)?;
    }
    Ok(())
}

fn read_all(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !folder.exists() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    Ok(files)
}
