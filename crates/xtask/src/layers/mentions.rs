//! Every path that a source file mentions, in `use` lines and in code, outside of its tests.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// A path as the file means it, from its crate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mention {
    /// Such as `sea_orm::EntityTrait` or `crate::store::users`.
    pub(super) path: String,
    /// Where it stands, from 1.
    pub(super) line: usize,
}

impl Mention {
    /// Tells whether the path is `name` or lies inside it.
    pub(super) fn is_within(&self, name: &str) -> bool {
        self.path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// Lists the mentions of a file that holds the module `module`.
pub(super) fn mentions(source: &str, module: &[String]) -> anyhow::Result<Vec<Mention>> {
    let file = syn::parse_file(source)?;
    let mut reader = Reader { module: module.to_vec(), found: Vec::new() };
    reader.visit_file(&file);
    Ok(reader.found)
}

/// Tells whether an item exists in tests only.
pub(crate) fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    let is_test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    };
    attributes.iter().any(is_test)
}

struct Reader {
    module: Vec<String>,
    found: Vec<Mention>,
}

impl Reader {
    fn add(&mut self, segments: &[String], line: usize) {
        let ups = segments.iter().take_while(|segment| *segment == "super").count();
        let within_self = segments.first().is_some_and(|segment| segment == "self");
        let mut path = Vec::new();
        if ups > 0 || within_self {
            path.push("crate".to_owned());
            path.extend_from_slice(&self.module[..self.module.len().saturating_sub(ups)]);
        }
        path.extend_from_slice(&segments[ups + usize::from(within_self)..]);
        self.found.push(Mention { path: path.join("::"), line });
    }

    fn add_tree(&mut self, before: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(before, &path.tree);
                before.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(before, tree)),
            syn::UseTree::Name(syn::UseName { ident }) | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.add(before, ident.span().start().line);
                before.pop();
            }
            syn::UseTree::Glob(glob) => self.add(before, glob.span().start().line),
        }
    }

    /// Paths in the arguments of macros, which are no syntax tree.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut segments: Vec<String> = Vec::new();
        let (mut colons, mut line) = (0, 0);
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if segments.is_empty() || colons == 2 => {
                    line = ident.span().start().line;
                    segments.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end_path(&mut segments, line);
                    colons = 0;
                    self.add_tokens(group.stream());
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end_path(&mut segments, line);
                    colons = 0;
                }
            }
        }
        self.end_path(&mut segments, line);
    }

    fn end_path(&mut self, segments: &mut Vec<String>, line: usize) {
        if segments.len() > 1 {
            self.add(segments, line);
        }
        segments.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test_only(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test_only(&item.attrs) {
            self.add_tree(&mut Vec::new(), &item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.add(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.add_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}
