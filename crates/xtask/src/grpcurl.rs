//! Runs every block of `docs/grpcurl.md` with the real grpcurl against a real server.
//!
//! All ```` ```sh ```` blocks run in order in one shell. A line `# => text` says that the output of its
//! block contains the text; a block without such a line is refused, for it would prove nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::root;
use crate::server::{Server, programs};
use crate::tools::Tools;

/// The address in the page; that of the started server takes its place.
const ADDRESS: &str = "127.0.0.1:50051";

/// What the page reads from the keyboard, other than the setup secret.
const ANSWERS: [(&str, &str); 4] = [
    ("PASSWORD", "dusty otter keeps 7 lanterns"),
    ("OWNER_PASSWORD", "seven quiet harbours at noon"),
    ("FIRST_PASSWORD", "amber kiosks drift past slowly"),
    ("NEXT_PASSWORD", "nine violet trams hum quietly"),
];

#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    script: String,
    expected: Vec<String>,
}

/// Runs the page and returns how many blocks it has; fails naming the blocks that went wrong.
pub(crate) fn run(tools: &Tools) -> anyhow::Result<usize> {
    let page = fs::read_to_string(root().join("docs/grpcurl.md"))?;
    let blocks = parse(&page);
    if let Some(block) = blocks.iter().find(|block| block.expected.is_empty()) {
        bail!("docs/grpcurl.md:{}: the block expects nothing; add a line `# => text`", block.line);
    }
    let server = Server::start()?;
    let folder = tempfile::tempdir()?;
    for (name, answer) in ANSWERS {
        fs::write(folder.path().join(name), answer)?;
    }
    fs::write(folder.path().join("SECRET"), server.setup_secret()?)?;
    let script = folder.path().join("session.sh");
    fs::write(&script, session(&blocks, folder.path(), &server.address().to_string()))?;
    let shell = tools.run_with("bash")?.finding([programs()?, tools.find("grpcurl")?.with_file_name("")])?;
    shell.args([&script]).folder(server.folder()).output().context("the shell of docs/grpcurl.md")?;
    let failures: Vec<String> = blocks.iter().filter_map(|block| judge(block, folder.path())).collect();
    if failures.is_empty() {
        return Ok(blocks.len());
    }
    bail!("{}\n\nThe server printed:\n{}", failures.join("\n\n"), server.log());
}

fn parse(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (index, line) in page.lines().enumerate() {
        if line == "```sh" {
            blocks.push(Block { line: index + 1, script: String::new(), expected: Vec::new() });
            inside = true;
        } else if line == "```" {
            inside = false;
        } else if let Some(block) = blocks.last_mut().filter(|_| inside) {
            match line.strip_prefix("# => ") {
                Some(text) => block.expected.push(text.to_owned()),
                None => block.script.extend([line, "\n"]),
            }
        }
    }
    blocks
}

/// One shell for all blocks, what they print going to a file each; `read` takes from files as well.
fn session(blocks: &[Block], folder: &Path, address: &str) -> String {
    let folder = folder.display();
    let mut text =
        format!("read() {{ local name=\"${{@: -1}}\"; printf -v \"$name\" '%s' \"$(cat \"{folder}/$name\")\"; }}\n");
    for block in blocks {
        let script = block.script.replace(ADDRESS, address);
        let _ = writeln!(text, "{{\n{script}}} > '{folder}/out.{}' 2>&1", block.line);
    }
    text.push_str("true\n");
    text
}

fn judge(block: &Block, folder: &Path) -> Option<String> {
    let printed = fs::read_to_string(folder.join(format!("out.{}", block.line))).unwrap_or_default();
    let missing: Vec<&String> = block.expected.iter().filter(|text| !printed.contains(*text)).collect();
    let complaint = || format!("docs/grpcurl.md:{}: expected {missing:?}, but it printed:\n{printed}", block.line);
    (!missing.is_empty()).then(complaint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Program;

    const PAGE: &str = "# Page\n\n```sh\nread -rs PASSWORD\necho \"$PASSWORD\"\n# => secret\n```\n\n```json\n{}\n```\n\n\
                        ```sh\nfalse\necho 127.0.0.1:50051 \"$PASSWORD\"\n# => 127.0.0.1:7 secret\n# => absent\n```\n";

    #[test]
    fn blocks_share_a_shell_and_are_held_to_what_they_expect() {
        let blocks = parse(PAGE);
        assert_eq!(blocks.iter().map(|block| block.line).collect::<Vec<_>>(), [3, 13]);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("PASSWORD"), "secret").unwrap();
        let script = folder.path().join("session.sh");
        fs::write(&script, session(&blocks, folder.path(), "127.0.0.1:7")).unwrap();
        Program::new("bash").args([&script]).output().unwrap();
        assert_eq!(judge(&blocks[0], folder.path()), None);
        let complaint = judge(&blocks[1], folder.path()).unwrap();
        assert!(complaint.contains("[\"absent\"]") && complaint.contains(":13:"), "{complaint}");
    }
}
