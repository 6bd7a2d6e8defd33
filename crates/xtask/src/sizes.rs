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
    let mut total = Sizes::default();
    println!("{:<16} {:>6} {:>6} {:>12} {:>12}", "crate", "lines", "tests", "file med/p95", "fn med/p95");
    let mut crates: Vec<_> = fs::read_dir(root().join("crates"))?.collect::<Result<_, _>>()?;
    crates.sort_by_key(fs::DirEntry::file_name);
    for folder in crates {
        let mut sizes = read_crate(&folder.path())?;
        print_line(&folder.file_name().to_string_lossy(), &mut sizes);
        total.files.append(&mut sizes.files);
        total.functions.append(&mut sizes.functions);
        total.tests += sizes.tests;
    }
    print_line("all", &mut total);
    let mut violations = over(&total.files, FILE_LIMIT);
    violations.extend(over(&total.functions, FUNCTION_LIMIT));
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
}
