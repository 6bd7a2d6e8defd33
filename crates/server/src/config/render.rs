//! The effective configuration, redacted, and the example file.

use std::fmt::Write as _;

use figment::Figment;
use figment::value::Dict;

use super::schema::Config;
use super::section::{Reader, Section as _, Viewer};
use super::setting::Shown;

const HEAD: &str = "\
# The configuration of Rolecall: every setting with its default.
#
# Made by `rolecall config example`. Name your file with --config or ROLECALL_CONFIG and keep only what differs. Each
# setting can also come from the environment: `server.listen` is ROLECALL__SERVER__LISTEN. A setting with a twin that
# ends in `_file` is a secret: the twin names a file that holds it.
";

/// Returns the effective configuration as TOML, with no secret in it.
pub fn effective(config: &Config) -> String {
    let mut page = Page { text: String::new(), path: Vec::new(), is_example: false };
    config.show(&mut page);
    page.text.trim_start().to_owned()
}

/// Returns the example file: every section, every setting as a comment with its default.
pub fn example() -> String {
    let (figment, dict, mut problems) = (Figment::new(), Dict::new(), Vec::new());
    let config = Config::read(&mut Reader::new(&figment, &dict, &mut problems));
    let mut page = Page { text: HEAD.to_owned(), path: Vec::new(), is_example: true };
    config.show(&mut page);
    page.text
}

struct Page {
    text: String,
    path: Vec<String>,
    is_example: bool,
}

impl Page {
    fn comment(&mut self, lines: &[&str]) {
        if self.is_example {
            for line in lines {
                self.line(format!("#{line}").trim_end());
            }
        }
    }

    fn line(&mut self, line: &str) {
        // Writing to a String does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn pair(&mut self, key: &str, value: &str) {
        let mark = if self.is_example { "#" } else { "" };
        self.line(&format!("{mark}{key} = {value}"));
    }
}

impl Viewer for Page {
    fn setting(&mut self, key: &str, comment: &[&str], value: Shown) {
        self.comment(comment);
        match value {
            Shown::Value(value) => self.pair(key, &value),
            Shown::Secret(Some(file)) => {
                self.pair(&format!("{key}_file"), &format!("{:?}", file.display().to_string()));
            }
            Shown::Secret(None) => self.pair(key, "\"[redacted]\""),
            Shown::Absent | Shown::AbsentSecret if !self.is_example => {}
            Shown::Absent => self.pair(key, "\"\""),
            Shown::AbsentSecret => {
                self.pair(key, "\"\"");
                self.pair(&format!("{key}_file"), "\"\"");
            }
        }
    }

    fn section(&mut self, key: &str, comment: &[&str], inside: &dyn Fn(&mut dyn Viewer)) {
        self.path.push(key.to_owned());
        self.line("");
        self.comment(comment);
        let path = self.path.join(".");
        self.line(&format!("[{path}]"));
        inside(self);
        self.path.pop();
    }
}
