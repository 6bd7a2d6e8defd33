//! A page as a browser reads it.

use std::collections::BTreeMap;

use html5ever::driver::ParseOpts;
use html5ever::tendril::TendrilSink as _;
use html5ever::tree_builder::TreeBuilderOpts;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// An element and what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, in lower case.
    pub name: String,
    attributes: BTreeMap<String, String>,
    children: Vec<Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Element(Element),
    Text(String),
}

/// Reads a whole page; markup that a browser would have to mend fails the test.
pub fn parse(html: &str) -> Element {
    let tree_builder = TreeBuilderOpts { exact_errors: true, scripting_enabled: false, ..TreeBuilderOpts::default() };
    let options = ParseOpts { tree_builder, ..ParseOpts::default() };
    let dom = html5ever::parse_document(RcDom::default(), options).one(html);
    let errors = dom.errors.borrow().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(errors.is_empty(), "{errors:?} in\n{html}");
    Element { name: "#document".to_owned(), attributes: BTreeMap::new(), children: children(&dom.document) }
}

fn children(handle: &Handle) -> Vec<Node> {
    handle.children.borrow().iter().filter_map(node).collect()
}

fn node(handle: &Handle) -> Option<Node> {
    match &handle.data {
        NodeData::Element { name, attrs, .. } => {
            let attributes =
                attrs.borrow().iter().map(|one| (one.name.local.to_string(), one.value.to_string())).collect();
            Some(Node::Element(Element { name: name.local.to_string(), attributes, children: children(handle) }))
        }
        NodeData::Text { contents } => Some(Node::Text(contents.borrow().to_string())),
        NodeData::Document
        | NodeData::Doctype { .. }
        | NodeData::Comment { .. }
        | NodeData::ProcessingInstruction { .. } => None,
    }
}

impl Element {
    /// The value of an attribute; empty when it is there without one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    /// The names of all attributes.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    /// All text inside, white space collapsed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.collect(&mut text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn collect(&self, text: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(more) => text.push_str(more),
                Node::Element(element) => {
                    text.push(' ');
                    element.collect(text);
                    text.push(' ');
                }
            }
        }
    }

    /// This element and every one inside it, in order.
    pub fn all(&self) -> Vec<&Self> {
        let inside = self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element.all()),
            Node::Text(_) => None,
        });
        std::iter::once(self).chain(inside.flatten()).collect()
    }

    /// Every element of this name inside.
    pub fn named(&self, name: &str) -> Vec<&Self> {
        self.all().into_iter().filter(|element| element.name == name).collect()
    }

    /// The one element of this name.
    pub fn only(&self, name: &str) -> &Self {
        match self.named(name).as_slice() {
            [one] => one,
            found => panic!("{} elements <{name}> in {self:?}", found.len()),
        }
    }

    /// The one element with this attribute value.
    pub fn with(&self, attribute: &str, value: &str) -> Option<&Self> {
        self.all().into_iter().find(|element| element.attribute(attribute) == Some(value))
    }
}
