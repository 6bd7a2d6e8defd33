//! Sets of files: read, compared, written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// Files by their path below some folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads every file below a folder; none when the folder does not exist.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for path in walk(folder, &|_| true)? {
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        files.insert(path.strip_prefix(folder)?.to_owned(), bytes);
    }
    Ok(files)
}

/// Lists the files below a folder, in order, skipping what `enter` refuses.
pub(crate) fn walk(folder: &Path, enter: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            match path.is_dir() {
                true if enter(&path) => folders.push(path),
                true => {}
                false => found.push(path),
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Generated files, and the places that hold nothing else.
#[derive(Debug, Default)]
pub(crate) struct Generated {
    /// Folders and files, relative to the root, that are wholly generated.
    pub(crate) owned: Vec<PathBuf>,
    /// What they should hold, by path relative to the root.
    pub(crate) files: Files,
}

impl Generated {
    /// Adds a single file.
    pub(crate) fn add(&mut self, path: &str, text: String) {
        self.owned.push(path.into());
        self.files.insert(path.into(), text.into_bytes());
    }

    /// Adds all files below `from`, which are to be the whole content of `place`.
    pub(crate) fn add_folder(&mut self, place: &str, from: &Path) -> anyhow::Result<()> {
        self.owned.push(place.into());
        for (path, bytes) in read(from)? {
            self.files.insert(Path::new(place).join(path), bytes);
        }
        Ok(())
    }

    /// Names the files below `root` that are missing, different, or too many.
    pub(crate) fn stale(&self, root: &Path) -> anyhow::Result<Vec<PathBuf>> {
        let mut found = Files::new();
        for place in &self.owned {
            let path = root.join(place);
            if path.is_file() {
                found.insert(place.clone(), fs::read(&path)?);
            }
            for (file, bytes) in read(&path).unwrap_or_default() {
                found.insert(place.join(file), bytes);
            }
        }
        let names = self.files.keys().chain(found.keys());
        let stale = names.filter(|name| self.files.get(*name) != found.get(*name)).cloned();
        Ok(stale.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    /// Makes the tree below `root` say the same, touching nothing that already does.
    pub(crate) fn write(&self, root: &Path) -> anyhow::Result<()> {
        for name in self.stale(root)? {
            let path = root.join(&name);
            match self.files.get(&name) {
                None => fs::remove_file(&path)?,
                Some(bytes) => {
                    fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
                    fs::write(&path, bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the files, or with `check` only fails when they differ.
    pub(crate) fn settle(&self, root: &Path, check: bool, remedy: &str) -> anyhow::Result<()> {
        if !check {
            return self.write(root);
        }
        let stale = self.stale(root)?;
        if stale.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = stale.iter().map(|name| format!("  {}", name.display())).collect();
        bail!("not what they are made from says:\n{}\nrun `{remedy}` and commit the result", names.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated() -> Generated {
        let mut generated = Generated::default();
        generated.add("docs/one.md", "one".to_owned());
        generated
    }

    #[test]
    fn a_missing_a_changed_and_a_surplus_file_are_named() {
        let root = tempfile::tempdir().unwrap();
        let mut wanted = generated();
        assert_eq!(wanted.stale(root.path()).unwrap(), [PathBuf::from("docs/one.md")]);
        wanted.write(root.path()).unwrap();
        assert!(wanted.stale(root.path()).unwrap().is_empty());

        fs::write(root.path().join("docs/one.md"), "two").unwrap();
        let error = wanted.settle(root.path(), true, "cargo xtask codegen").unwrap_err().to_string();
        assert!(error.contains("docs/one.md") && error.contains("cargo xtask codegen"), "{error}");

        wanted.owned = vec!["docs".into()];
        fs::write(root.path().join("docs/surplus.md"), "x").unwrap();
        wanted.settle(root.path(), false, "").unwrap();
        assert!(!root.path().join("docs/surplus.md").exists());
    }
}
