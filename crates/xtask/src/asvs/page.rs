//! The page as people read it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::catalogue::{Attack, Catalogue, Owner, Row, State};
use super::{Proofs, Test};

const INTRODUCTION: &str = "\
# What is proven: ASVS and attacks

<!-- Written by `cargo xtask asvs` from docs/asvs.toml and the names of the tests; do not edit. -->

Which requirement of the OWASP Application Security Verification Standard 5.0.0 is proven by which test, which is answered in
another way, and which has no test yet. What a row asks for is told in our own words; the standard itself is at
<https://github.com/OWASP/ASVS>. A test that begins with `asvs_v6_2_1_` proves row V6.2.1, one that begins with `attack_t04_`
tries attack T04; a line `/// ASVS: V6.2.2, T05` above a test names more. `cargo xtask asvs` writes this page, and fails when a
row claims a test that does not exist or a test names a row that is not listed. A row without a test is not a row without a
defence: it says that nobody may rely on it being checked.
";

pub(super) fn render(catalogue: &Catalogue, proofs: &Proofs) -> String {
    let mut page = INTRODUCTION.to_owned();
    counts(&mut page, &catalogue.row);
    deviations(&mut page, &catalogue.row, proofs);
    page += "\n## Rows\n";
    for owner in Owner::ALL {
        rows(&mut page, &catalogue.row, owner, proofs);
    }
    attacks(&mut page, &catalogue.attack, proofs);
    reasons(&mut page, &catalogue.row, State::Conditional, "Conditional", "applies when");
    reasons(&mut page, &catalogue.row, State::NotApplicable, "Not applicable", "why");
    page
}

/// Writing into a string does not fail.
fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _written: std::fmt::Result = writeln!(page, "{text}");
}

fn counts(page: &mut String, rows: &[Row]) {
    line(page, format_args!("\n## Counts\n"));
    line(page, format_args!("| | tests | of these in part | deviation | no test yet | conditional | not applicable |"));
    line(page, format_args!("|---|---|---|---|---|---|---|"));
    let mut count = |name: &str, chosen: &dyn Fn(&&Row) -> bool| {
        let chosen: Vec<&Row> = rows.iter().filter(chosen).collect();
        let of = |state: State| chosen.iter().filter(|row| row.state == state).count();
        let partly = chosen.iter().filter(|row| row.state == State::Test && !row.missing.is_empty()).count();
        let (test, deviation, none) = (of(State::Test), of(State::Deviation), of(State::NotYet));
        let (conditional, not) = (of(State::Conditional), of(State::NotApplicable));
        line(page, format_args!("| {name} | {test} | {partly} | {deviation} | {none} | {conditional} | {not} |"));
    };
    for owner in Owner::ALL {
        count(owner.title(), &|row| row.owner == owner);
    }
    for level in 1..=3 {
        count(&format!("level {level}"), &|row| row.level == level);
    }
    count("all", &|_| true);
}

fn deviations(page: &mut String, rows: &[Row], proofs: &Proofs) {
    line(page, format_args!("\n## Deviations\n"));
    line(page, format_args!("| row | level | it asks for | setting | reason | tests of the deviation |"));
    line(page, format_args!("|---|---|---|---|---|---|"));
    for row in rows.iter().filter(|row| row.state == State::Deviation) {
        let Row { id, level, asks, setting, reason, missing, .. } = row;
        let tests = tests(proofs.get(id), missing);
        line(page, format_args!("| {id} | {level} | {asks} | {setting} | {reason} | {tests} |"));
    }
}

fn rows(page: &mut String, rows: &[Row], owner: Owner, proofs: &Proofs) {
    line(page, format_args!("\n### {}\n", owner.title()));
    line(page, format_args!("| row | level | it asks for | tests |"));
    line(page, format_args!("|---|---|---|---|"));
    let shown = |row: &&Row| row.owner == owner && matches!(row.state, State::Test | State::NotYet);
    for row in rows.iter().filter(shown) {
        let Row { id, level, asks, missing, .. } = row;
        let tests = tests(proofs.get(id), missing);
        line(page, format_args!("| {id} | {level} | {asks} | {tests} |"));
    }
}

fn attacks(page: &mut String, attacks: &[Attack], proofs: &Proofs) {
    line(page, format_args!("\n## Attacks\n"));
    line(page, format_args!("Each happened to somebody.\n"));
    line(page, format_args!("| no | attack | tests |"));
    line(page, format_args!("|---|---|---|"));
    for Attack { id, what, missing } in attacks {
        let tests = tests(proofs.get(id), missing);
        line(page, format_args!("| {id} | {what} | {tests} |"));
    }
}

fn reasons(page: &mut String, rows: &[Row], state: State, title: &str, column: &str) {
    line(page, format_args!("\n## {title}\n"));
    line(page, format_args!("| row | level | it asks for | {column} |"));
    line(page, format_args!("|---|---|---|---|"));
    for Row { id, level, asks, reason, .. } in rows.iter().filter(|row| row.state == state) {
        line(page, format_args!("| {id} | {level} | {asks} | {reason} |"));
    }
}

/// The tests with links to their files, and what is missing.
fn tests(tests: Option<&BTreeSet<Test>>, missing: &str) -> String {
    let link = |(file, name): &Test| {
        let path = file.display().to_string();
        let short = path.strip_prefix("crates/").unwrap_or(&path);
        format!("`{name}` ([{short}](../{path}))")
    };
    let mut lines: Vec<String> = tests.into_iter().flatten().map(link).collect();
    if lines.is_empty() {
        lines.push("**none yet**".to_owned());
    }
    if !missing.is_empty() {
        lines.push(format!("*missing:* {missing}"));
    }
    lines.join("<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_linked_and_gaps_are_told() {
        assert_eq!(tests(None, "all of it"), "**none yet**<br>*missing:* all of it");
        let one = BTreeSet::from([("crates/a/src/b.rs".into(), "a_test".to_owned())]);
        assert_eq!(tests(Some(&one), ""), "`a_test` ([a/src/b.rs](../crates/a/src/b.rs))");
    }
}
