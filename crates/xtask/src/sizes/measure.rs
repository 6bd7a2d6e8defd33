//! Measures one file.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use crate::layers::is_test_only;

/// What one file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Measured {
    /// Lines outside of tests.
    pub(super) lines: usize,
    /// Lines of tests.
    pub(super) tests: usize,
    /// Lines of code in the body of each function outside of tests: no blank line, no comment.
    pub(super) functions: Vec<(String, usize)>,
}

/// Measures the text of a file.
pub(super) fn measure(text: &str) -> syn::Result<Measured> {
    let mut meter = Meter { code: code_lines(text), measured: Measured::default() };
    meter.visit_file(&syn::parse_file(text)?);
    meter.measured.lines = text.lines().count() - meter.measured.tests;
    Ok(meter.measured)
}

/// The numbers of the lines that are neither blank nor comment, from 1.
fn code_lines(text: &str) -> BTreeSet<usize> {
    let is_code = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    text.lines().enumerate().filter(|(_, line)| is_code(line)).map(|(index, _)| index + 1).collect()
}

struct Meter {
    code: BTreeSet<usize>,
    measured: Measured,
}

impl Meter {
    fn add(&mut self, name: &syn::Ident, body: &syn::Block) {
        let lines = self.longest_entry(body).unwrap_or_else(|| self.inner_lines(body));
        self.measured.functions.push((name.to_string(), lines));
    }

    fn inner_lines(&self, body: &syn::Block) -> usize {
        let lines = lines_of(body.span());
        // The lines that hold nothing but the braces do not count.
        let inner = lines.start() + 1..*lines.end();
        let inner = if inner.start > inner.end { inner.end..inner.end } else { inner };
        self.code.range(inner).count()
    }

    /// The lines of the longest entry, if the function is nothing but a table: one `match` of short arms. A table is
    /// looked up, not read aloud.
    fn longest_entry(&self, body: &syn::Block) -> Option<usize> {
        let [syn::Stmt::Expr(syn::Expr::Match(table), None)] = body.stmts.as_slice() else { return None };
        let entries = table.arms.iter().map(|arm| self.code.range(lines_of(arm.span())).count());
        entries.max().filter(|longest| *longest <= ENTRY_LIMIT)
    }
}

/// The most lines of an entry of a table.
const ENTRY_LIMIT: usize = 8;

fn lines_of(span: proc_macro2::Span) -> RangeInclusive<usize> {
    span.start().line..=span.end().line
}

impl<'ast> Visit<'ast> for Meter {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test_only(&item.attrs) {
            self.measured.tests += lines_of(item.span()).count();
        } else {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig.ident, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
fn short() {}

impl Thing {
    // Says why.
    fn long(&self) {
        one();

        // Says why.
        two();
    }
}

#[cfg(test)]
mod tests {
    fn not_counted() {
    }
}
";

    #[test]
    fn of_a_table_the_longest_entry_counts_and_a_long_arm_makes_it_a_function() {
        let table = |arm: &str| format!("fn f(x: u8) -> u8 {{\n    match x {{\n        0 => 1,\n{arm}    }}\n}}\n");
        let lines = |text: &str| measure(text).unwrap().functions[0].1;
        assert_eq!(lines(&table("        _ => {\n            2\n        }\n")), 3);
        let long = format!("        _ => {{\n{}            2\n        }}\n", "            go();\n".repeat(8));
        assert_eq!(lines(&table(&long)), 14);
    }

    #[test]
    fn tests_blank_lines_and_comments_do_not_count_as_code() {
        let measured = measure(SOURCE).unwrap();
        assert_eq!(measured.functions, [("short".to_owned(), 0), ("long".to_owned(), 2)]);
        assert_eq!((measured.lines, measured.tests), (12, 5));
    }
}
