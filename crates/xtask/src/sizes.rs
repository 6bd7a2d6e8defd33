//! How large the files and functions of the production code are.

mod measure;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::files;
use crate::root;
use measure::measure;

/// The most lines of a file, tests not counted.
const FILE_LIMIT: usize = 400;

/// The most lines of code in the body of a function.
const FUNCTION_LIMIT: usize = 60;

/// The most lines of a crate, tests not counted: what is past it is split by subject (docs/adr/0010).
const CRATE_LIMITS: [(&str, usize); 20] = [
    ("access", 6_000),
    ("api", 100),
    ("authz", 4_000),
    ("bench", 2_400),
    // A group of commands each subject of the contract; datasets, policies and compute specs came last.
    ("cli", 8_500),
    ("db", 3_700),
    // Compute specs beside models, datasets and the policies that open them.
    ("governance", 9_500),
    ("identity", 33_000),
    ("kernel", 1_200),
    ("mail", 900),
    // Sending, preferences, digests, one-click ends, inboxes and templates beside deliveries; a file a use case.
    // The next subject, webhooks, begins with a crate of its own.
    ("notification", 10_200),
    // Composed roles and registered permissions beside members, settings and the audit log; data is governed elsewhere.
    ("organization", 15_500),
    ("outbound", 700),
    ("rolecall", 150),
    ("rpc", 4_200),
    ("server", 3_800),
    ("telemetry", 600),
    ("templates", 1_000),
    ("testkit", 1_500),
    ("xtask", 3_000),
];

/// A measured thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    lines: usize,
    name: String,
}

#[derive(Debug, Default)]
struct Sizes {
    files: Vec<Size>,
    functions: Vec<Size>,
    tests: usize,
}

/// Prints medians and ninety-fifth percentiles; fails above the limits, naming what is too large.
pub(crate) fn run() -> anyhow::Result<()> {
    let (mut total, mut crates_over) = (Sizes::default(), Vec::new());
    println!("{:<16} {:>6} {:>6} {:>12} {:>12}", "crate", "lines", "tests", "file med/p95", "fn med/p95");
    let mut crates: Vec<_> = fs::read_dir(root().join("crates"))?.collect::<Result<_, _>>()?;
    crates.sort_by_key(fs::DirEntry::file_name);
    for folder in crates {
        let (name, mut sizes) = (folder.file_name().to_string_lossy().into_owned(), read_crate(&folder.path())?);
        print_line(&name, &mut sizes);
        crates_over.extend(past_its_limit(&name, sizes.files.iter().map(|file| file.lines).sum()));
        total.files.append(&mut sizes.files);
        total.functions.append(&mut sizes.functions);
        total.tests += sizes.tests;
    }
    print_line("all", &mut total);
    let mut violations = over(&total.files, FILE_LIMIT);
    violations.extend(over(&total.functions, FUNCTION_LIMIT));
    violations.extend(crates_over);
    if violations.is_empty() {
        return Ok(());
    }
    bail!(
        "larger than {FILE_LIMIT} lines a file, {FUNCTION_LIMIT} a function; split by reason to change:\n  {}",
        violations.join("\n  ")
    );
}

fn read_crate(folder: &Path) -> anyhow::Result<Sizes> {
    let mut sizes = Sizes::default();
    for file in files::walk(folder, &|folder| folder.file_name() != Some("gen".as_ref()))? {
        if file.extension() != Some("rs".as_ref()) {
            continue;
        }
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        let relative = file.strip_prefix(folder)?;
        if relative.iter().any(|part| part == "tests" || part == "tests.rs" || part == "benches") {
            sizes.tests += text.lines().count();
            continue;
        }
        let measured = measure(&text).with_context(|| name.clone())?;
        sizes.tests += measured.tests;
        let in_file = |(function, lines)| Size { lines, name: format!("{name}: {function}") };
        sizes.functions.extend(measured.functions.into_iter().map(in_file));
        sizes.files.push(Size { lines: measured.lines, name });
    }
    Ok(sizes)
}

fn print_line(name: &str, sizes: &mut Sizes) {
    sizes.files.sort();
    sizes.functions.sort();
    let lines: usize = sizes.files.iter().map(|file| file.lines).sum();
    let pair = |sizes: &[Size]| format!("{}/{}", percentile(sizes, 50), percentile(sizes, 95));
    println!("{name:<16} {lines:>6} {:>6} {:>12} {:>12}", sizes.tests, pair(&sizes.files), pair(&sizes.functions));
}

/// The nearest-rank percentile of sorted sizes.
fn percentile(sorted: &[Size], percent: usize) -> usize {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(0, |size| size.lines)
}

/// A crate without a limit is past it: whoever makes one says how large it may become.
fn past_its_limit(name: &str, lines: usize) -> Option<String> {
    let limit = CRATE_LIMITS.iter().find(|(known, _)| *known == name).map_or(0, |(_, limit)| *limit);
    (lines > limit).then(|| format!("crates/{name}: {lines} lines, {limit} allowed"))
}

fn over(sizes: &[Size], limit: usize) -> Vec<String> {
    let too_large = sizes.iter().filter(|size| size.lines > limit);
    too_large.map(|size| format!("{}: {} lines", size.name, size.lines)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_a_limit_is_named_and_percentiles_are_by_rank() {
        let sizes: Vec<Size> = (1..=20).map(|lines| Size { lines, name: format!("f{lines}") }).collect();
        assert_eq!((percentile(&sizes, 50), percentile(&sizes, 95)), (10, 19));
        assert_eq!(percentile(&[], 95), 0);
        assert_eq!(over(&sizes, 19), ["f20: 20 lines"]);
    }

    #[test]
    fn a_crate_has_a_limit_or_no_line() {
        assert_eq!(past_its_limit("rolecall", 100), None);
        assert_eq!(past_its_limit("rolecall", 151).as_deref(), Some("crates/rolecall: 151 lines, 150 allowed"));
        assert!(past_its_limit("sprawl", 1).is_some());
    }
}
