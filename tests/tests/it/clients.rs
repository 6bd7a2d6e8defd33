//! The journey as programs in other languages live it: real builds of the generated clients.

use std::path::{Path, PathBuf};
use std::process::Command;

use rolecall_tests::stack::{Hashing, Layout, Plan, Post, Stack, Store};

const LAYOUTS: [(Layout, Store); 4] = [
    (Layout::One, Store::Sqlite),
    (Layout::One, Store::Postgres),
    (Layout::Three, Store::Sqlite),
    (Layout::Three, Store::Postgres),
];

#[tokio::test]
async fn a_go_program_lives_the_journey_in_every_layout() {
    let journey = clients().join("go");
    for (layout, store) in LAYOUTS {
        let arguments = ["test", "-count=1", "-run", "TestJourney", "./journey"];
        run(layout, store, "go", &arguments, &journey).await;
    }
}

#[tokio::test]
async fn a_typescript_program_lives_the_journey_in_every_layout() {
    let journey = clients().join("typescript");
    for (layout, store) in LAYOUTS {
        run(layout, store, "npm", &["run", "--silent", "journey"], &journey).await;
    }
}

/// Starts a stack and runs a program against it, told by its environment where everything is.
async fn run(layout: Layout, store: Store, program: &str, arguments: &[&str], folder: &Path) {
    let stack = Stack::start(Plan { layout, store, post: Post::Folder, hashing: Hashing::Weak }).await;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    for service in rolecall_tests::stack::SERVICES {
        command.env(format!("ROLECALL_{}", service.to_uppercase()), stack.address(service));
    }
    command.env("ROLECALL_SETUP_SECRET", stack.setup_secret());
    command.env("ROLECALL_MAIL_FOLDER", stack.folder().join("data/mail"));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap();
    let output = output.unwrap_or_else(|error| panic!("{program} cannot be run, install it: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} in {layout:?} on {store:?}:\n{said}");
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients")
}
