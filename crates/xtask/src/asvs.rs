//! `docs/asvs.md`: which requirement of OWASP ASVS 5.0, and which attack, is proven by which test.
//!
//! `docs/asvs.toml` says what is asked and how it stands. A test says what it proves by the beginning of its name
//! (`asvs_v6_2_1_..`, `attack_t04_..`), and what it proves beside that in a line `/// ASVS: V6.2.2, T05` above it.

mod catalogue;
mod page;
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::files::{self, Generated};
use crate::root;
use catalogue::{Catalogue, State};

const CATALOGUE: &str = "docs/asvs.toml";
const PAGE: &str = "docs/asvs.md";

/// A test, by its file below the root and its name.
type Test = (PathBuf, String);

/// The tests of each row and attack.
type Proofs = BTreeMap<String, BTreeSet<Test>>;

/// Writes the page, or with `check` fails when it differs. Fails also when catalogue and tests contradict each other.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(root().join(CATALOGUE)).context(CATALOGUE)?;
    let catalogue: Catalogue = toml::from_str(&text).context(CATALOGUE)?;
    let proofs = proofs()?;
    let contradictions = contradictions(&catalogue, &proofs);
    if !contradictions.is_empty() {
        bail!("{CATALOGUE} and the tests contradict each other:\n  {}", contradictions.join("\n  "));
    }
    let mut generated = Generated::default();
    generated.add(PAGE, page::render(&catalogue, &proofs));
    generated.settle(&root(), check, "cargo xtask asvs")
}

/// What every test of the workspace claims to prove.
fn proofs() -> anyhow::Result<Proofs> {
    let mut proofs = Proofs::new();
    // The scanner's own examples prove nothing.
    let enter = |folder: &std::path::Path| !folder.ends_with("target") && !folder.ends_with("xtask/src/asvs");
    for place in ["crates", "tests"] {
        for path in files::walk(&root().join(place), &enter)? {
            if path.extension() != Some("rs".as_ref()) {
                continue;
            }
            let file = path.strip_prefix(root())?.to_owned();
            let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            for (id, test) in scan::claims(&text) {
                proofs.entry(id).or_default().insert((file.clone(), test));
            }
        }
    }
    Ok(proofs)
}

fn contradictions(catalogue: &Catalogue, proofs: &Proofs) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for row in &catalogue.row {
        let tests = proofs.get(&row.id).map_or(0, BTreeSet::len);
        let (id, needs_test) = (&row.id, matches!(row.state, State::Test | State::Deviation));
        if !known.insert(id.as_str()) {
            found.push(format!("{id} is listed twice"));
        }
        if needs_test && tests == 0 {
            found.push(format!("{id} is said to have a test, and there is none"));
        }
        if !needs_test && tests > 0 {
            found.push(format!("{id} has a test, and is said to have none"));
        }
        if row.lacks_words() {
            found.push(format!("{id} needs a reason, and a deviation its setting as well"));
        }
    }
    for attack in &catalogue.attack {
        let is_tested = proofs.contains_key(&attack.id);
        if !known.insert(attack.id.as_str()) {
            found.push(format!("{} is listed twice", attack.id));
        }
        if !is_tested && attack.missing.is_empty() {
            found.push(format!("{} has no test and does not say what is missing", attack.id));
        }
    }
    for (id, tests) in proofs.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        let names: Vec<&str> = tests.iter().map(|(_, name)| name.as_str()).collect();
        found.push(format!("{id} is not listed, but {} says that it proves it", names.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(state: &str) -> Catalogue {
        let text = format!(
            "[[row]]\nid = 'V1.1.1'\nlevel = 1\nowner = 'identity'\nasks = 'A thing.'\nstate = '{state}'\nreason = 'So.'\n\
             [[attack]]\nid = 'T01'\nattack = 'A trick.'\nmissing = 'All of it.'\n"
        );
        toml::from_str(&text).unwrap()
    }

    fn proven(id: &str) -> Proofs {
        Proofs::from([(id.to_owned(), BTreeSet::from([("a.rs".into(), "a_test".to_owned())]))])
    }

    #[test]
    fn what_is_claimed_has_a_test_and_what_has_a_test_is_listed() {
        assert!(contradictions(&catalogue("test"), &proven("V1.1.1")).is_empty());
        assert!(contradictions(&catalogue("not-yet"), &proven("T01")).is_empty());
        let without = contradictions(&catalogue("test"), &Proofs::new());
        assert_eq!(without, ["V1.1.1 is said to have a test, and there is none"]);
        let hidden = contradictions(&catalogue("not-yet"), &proven("V1.1.1"));
        assert_eq!(hidden, ["V1.1.1 has a test, and is said to have none"]);
        let unknown = contradictions(&catalogue("not-yet"), &proven("V9.9.9"));
        assert_eq!(unknown, ["V9.9.9 is not listed, but a_test says that it proves it"]);
    }

    #[test]
    fn a_deviation_names_its_setting_its_reason_and_its_test() {
        let found = contradictions(&catalogue("deviation"), &Proofs::new());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("setting"), "{found:?}");
    }
}
