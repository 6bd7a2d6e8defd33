use super::*;
use clap::{CommandFactory as _, Parser};

#[derive(Debug, Parser)]
#[command(name = "rolecall")]
struct Program {
    #[command(subcommand)]
    command: Command,
}

/// Walks to the commands that do something.
fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
    let path = format!("{path} {}", command.get_name());
    if command.has_subcommands() {
        command.get_subcommands().for_each(|inner| leaves(inner, &path, found));
    } else {
        found.push((path.trim().to_owned(), command.clone()));
    }
}

fn all() -> Vec<(String, clap::Command)> {
    let mut found = Vec::new();
    leaves(&Program::command(), "", &mut found);
    found
}

/// Splits a line as a shell does, quotes included and redirections left out.
fn words(line: &str) -> Vec<String> {
    let line = line.split(" < ").next().unwrap_or_default();
    let quoted = line.split('"').enumerate().flat_map(|(index, part)| {
        if index % 2 == 1 { vec![part.to_owned()] } else { part.split_whitespace().map(str::to_owned).collect() }
    });
    quoted.collect()
}

#[test]
fn the_command_tree_is_consistent() {
    Program::command().debug_assert();
}

#[test]
fn every_command_has_help_and_examples_that_parse() {
    for (path, command) in all() {
        assert!(command.get_about().is_some(), "{path} has no help");
        let help = command.get_after_help().unwrap_or_else(|| panic!("{path} has no examples")).to_string();
        let examples = help.lines().filter(|line| line.starts_with("  rolecall ")).collect::<Vec<_>>();
        assert!(!examples.is_empty(), "{path} has no examples");
        for example in examples {
            assert!(example.trim().starts_with(&path), "{path} shows another command: {example}");
            // What the shell does with the output is no argument.
            let typed = example.split(" >").next().unwrap_or(example);
            if let Err(error) = Program::try_parse_from(words(typed)) {
                panic!("{example}: {error}");
            }
        }
    }
}

#[test]
fn attack_t35_no_argument_takes_a_secret() {
    for (path, command) in all() {
        for argument in command.get_arguments().filter(|argument| argument.get_action().takes_values()) {
            let name = argument.get_id().as_str();
            let secret = ["password", "secret", "code"].iter().any(|word| name.contains(word));
            assert!(!secret || name.ends_with("_stdin"), "{path} takes {name} on the command line");
        }
    }
}

#[test]
fn global_options_may_come_last() {
    let line = ["rolecall", "users", "list", "--server", "https://example.org", "--output", "json"];
    let program = Program::try_parse_from(line).expect("parses");
    let remote = program.command.remote().expect("remote");
    assert_eq!((remote.server.as_str(), remote.output), ("https://example.org", Format::Json));
}

#[test]
fn an_access_check_names_exactly_one_resource() {
    let check = |more: &[&str]| {
        let line = ["rolecall", "access", "check", "s", "p"].iter().chain(more);
        Program::try_parse_from(line).is_ok()
    };
    assert!(check(&["--organization", "o"]) && check(&["--user", "u"]));
    assert!(check(&["--dataset", "d"]) && check(&["--model", "m"]) && check(&["--policy", "p", "--at-least", "7"]));
    assert!(
        !check(&[]) && !check(&["--organization", "o", "--user", "u"]) && !check(&["--model", "m", "--policy", "p"])
    );
}
