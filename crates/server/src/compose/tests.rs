//! The rules that are served, against the file that reviews see.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_authz::{Access, Rule};

use super::*;
use crate::config::{Sources, load};

const GOLDEN: &str = include_str!("../../../../tests/golden/policy.txt");

/// The largest requests unless a rule says otherwise, of public methods and of the others, as the contract states them.
const MOST: (usize, usize) = (64 * 1024, 256 * 1024);

/// Not compared: the rules derive it for every method that changes nothing, and the golden file shows where it was declared.
const READ_ONLY: &str = "accept read only";

const ELSE: &str = " on loopback, else ";

/// Returns the rules of a server that listens there, each by the path of its method.
fn served(listen: &str) -> BTreeMap<String, String> {
    let flags = vec![("server.listen", listen.to_owned()), ("server.plaintext", "true".to_owned())];
    let config = load(&Sources { flags, ..Sources::default() }).expect("good");
    let policy = policy(&config).expect("every method has a rule");
    policy.entries().map(|(path, rule)| (path.to_owned(), render(rule))).collect()
}

fn render(rule: &Rule) -> String {
    let (default, alternatives) = match &rule.access {
        Access::Public => (MOST.0, vec!["public".to_owned()]),
        Access::Restricted { authenticated, internal, permissions } => {
            let fixed = [(*authenticated, "authenticated"), (*internal, "internal")];
            let fixed = fixed.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name.to_owned());
            let permissions = permissions.iter().map(|name| format!("permission {name}"));
            (MOST.1, fixed.chain(permissions).collect())
        }
    };
    let mut flags = flags(rule);
    if rule.max_request_bytes != default {
        flags.push(format!("at most {} bytes", rule.max_request_bytes));
    }
    normal(&[vec![alternatives.join(" or ")], flags].concat().join(", "))
}

/// Returns the conditions that hold, as their fields are called: a new one is compared without being named here.
fn flags(rule: &Rule) -> Vec<String> {
    let debug = format!("{rule:?}");
    let behind_access = debug.split_once("max_request_bytes").expect("the field behind the access").1;
    let holding = behind_access.split(", ").filter_map(|field| field.strip_suffix(": true"));
    holding.map(|name| if name == "step_up" { "step-up".to_owned() } else { name.replace('_', " ") }).collect()
}

/// Puts the conditions of a rule into the order of their names.
fn normal(rule: &str) -> String {
    if let Some((local, remote)) = rule.split_once(ELSE) {
        return format!("{}{ELSE}{}", normal(local), normal(remote));
    }
    let (alternatives, flags) = rule.split_once(", ").unwrap_or((rule, ""));
    let mut flags: Vec<&str> = flags.split(", ").filter(|flag| !flag.is_empty() && *flag != READ_ONLY).collect();
    flags.sort_unstable();
    [vec![alternatives], flags].concat().join(", ")
}

/// ASVS: V13.4.5
#[test]
fn asvs_v8_1_1_the_golden_policy_is_what_is_served_standard_services_included() {
    let (local, remote) = (served("127.0.0.1:1"), served("0.0.0.0:1"));
    let both = local.into_iter().map(|(path, rule)| {
        let elsewhere = &remote[&path];
        let told = if rule == *elsewhere { rule } else { format!("{rule}{ELSE}{elsewhere}") };
        format!("{path}  {told}")
    });
    let golden = GOLDEN.lines().map(|line| {
        let (path, rule) = line.split_once("  ").expect("a path and a rule");
        format!("{path}  {}", normal(rule))
    });
    let (served, golden): (BTreeSet<_>, BTreeSet<_>) = (both.collect(), golden.collect());
    let differing: Vec<_> = served.symmetric_difference(&golden).collect();
    assert!(differing.is_empty(), "served and golden differ in {differing:#?}");
}
