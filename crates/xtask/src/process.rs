//! Runs other programs; the only place of the tasks that does.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, bail};

use crate::root;

/// A program to be run, from the root of the repository unless told otherwise.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    command: Command,
}

impl Program {
    /// Names the program: a path, or a name that is looked up on `PATH`.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program.as_ref());
        command.current_dir(root());
        Self { name: program.as_ref().to_string_lossy().into_owned(), command }
    }

    /// Adds arguments.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Runs it in another folder.
    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Makes it find programs in these folders before all others.
    pub(crate) fn finding<P: AsRef<Path>>(self, folders: impl IntoIterator<Item = P>) -> anyhow::Result<Self> {
        let path = path_with(folders)?;
        Ok(self.variable("PATH", path))
    }

    /// Runs it, its output shown; fails unless it succeeds.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let status = self.command.status().with_context(|| self.cannot_start())?;
        if !status.success() {
            bail!("`{}` failed: {status}", self.line());
        }
        Ok(())
    }

    /// Runs it, its output shown and handed over line by line; tells whether it succeeded.
    pub(crate) fn run_reading(mut self, mut read: impl FnMut(&str)) -> anyhow::Result<bool> {
        let mut child = self.command.stdout(Stdio::piped()).spawn().with_context(|| self.cannot_start())?;
        let output = child.stdout.take().context("a piped output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            writeln!(std::io::stdout(), "{line}")?;
            read(&line);
        }
        Ok(child.wait()?.success())
    }

    /// Runs it and returns what it printed; fails, with what it complained, unless it succeeds.
    pub(crate) fn output(self) -> anyhow::Result<String> {
        let line = self.line();
        let output = self.capture()?;
        if !output.status.success() {
            bail!("`{line}` failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs it and returns what it printed and how it ended.
    pub(crate) fn capture(mut self) -> anyhow::Result<Output> {
        self.command.stdin(Stdio::null()).output().with_context(|| self.cannot_start())
    }

    /// Starts it without input, its output going to a file.
    pub(crate) fn start(mut self, log: &Path) -> anyhow::Result<Child> {
        let log = std::fs::File::create(log)?;
        self.command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.command.spawn().with_context(|| self.cannot_start())
    }

    fn cannot_start(&self) -> String {
        format!("cannot run `{}`: is it installed and on PATH?", self.name)
    }

    fn line(&self) -> String {
        let arguments = self.command.get_args().map(|argument| argument.to_string_lossy().into_owned());
        std::iter::once(self.name.clone()).chain(arguments).collect::<Vec<_>>().join(" ")
    }
}

/// Reads a variable of the environment.
#[expect(clippy::disallowed_methods, reason = "tasks of the repository are steered by their environment")]
pub(crate) fn environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Finds a program on `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = environment("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn path_with<P: AsRef<Path>>(folders: impl IntoIterator<Item = P>) -> anyhow::Result<OsString> {
    let mut folders: Vec<PathBuf> = folders.into_iter().map(|folder| folder.as_ref().to_owned()).collect();
    folders.extend(std::env::split_paths(&environment("PATH").unwrap_or_default()));
    Ok(std::env::join_paths(folders)?)
}
