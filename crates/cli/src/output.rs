//! What a command prints: a table for people, JSON for programs.
//!
//! Both are made from the answer's message by its own description, so that a new field needs no code here.

use std::fmt::Write as _;
use std::sync::OnceLock;

use clap::ValueEnum;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Value, json};

use crate::failure::{Failure, printable};

/// How answers are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// The answer's message as JSON, for programs.
    Json,
}

/// A column: its title, where its value is in the JSON form, and a prefix of enum values that only repeats the title.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column(pub(crate) &'static str, pub(crate) &'static str, pub(crate) &'static str);

/// What a table shows of an answer.
#[derive(Debug)]
pub(crate) enum View {
    /// One line for each element of this field.
    List(&'static str, &'static [Column]),
    /// One line for each column of the object in this field; the whole answer when it is empty.
    One(&'static str, &'static [Column]),
    /// The object in the first field and, below it, a table of the list that it holds in the second.
    Nested(&'static str, &'static [Column], &'static str, &'static [Column]),
    /// This sentence.
    Sentence(String),
    /// Nothing: everything was printed while it came.
    Nothing,
}

/// The answer of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    value: Value,
    view: View,
}

impl Answer {
    /// Makes an answer from a message of the contract, whose full name it needs.
    pub(crate) fn message<M: Message>(name: &str, message: &M, view: View) -> Result<Self, Failure> {
        Ok(Self { value: to_json(name, message)?, view })
    }

    /// Makes an answer that is one sentence.
    pub(crate) fn sentence(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { value: json!({ "message": text }), view: View::Sentence(text) }
    }

    /// Makes an answer of which everything was printed already.
    pub(crate) const fn silent() -> Self {
        Self { value: Value::Null, view: View::Nothing }
    }

    /// Makes an answer from JSON.
    pub(crate) fn json(value: Value, view: View) -> Self {
        Self { value, view }
    }

    /// Returns the text for standard output, and a hint for standard error when there is more to see.
    pub(crate) fn render(&self, format: Format) -> (String, Option<String>) {
        if matches!(self.view, View::Nothing) {
            return (String::new(), None);
        }
        if format == Format::Json {
            return (format!("{:#}\n", self.value), None);
        }
        let more = self.value.get("nextPageToken").and_then(Value::as_str).filter(|token| !token.is_empty());
        let hint = more.map(|token| format!("there is more: add --page-token {token}"));
        (render_view(&self.value, &self.view), hint)
    }
}

/// Finds the description of a message of the contract.
fn descriptor(name: &str) -> Result<MessageDescriptor, Failure> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(rolecall_api::DESCRIPTOR_SET).ok());
    let descriptor = pool.as_ref().and_then(|pool| pool.get_message_by_name(name));
    descriptor.ok_or_else(|| Failure::Local(format!("the contract has no message {name}")))
}

/// Turns a message into its canonical JSON form (proto3 JSON mapping), with every field written out.
pub(crate) fn to_json<M: Message>(name: &str, message: &M) -> Result<Value, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::local("the answer cannot be shown", error);
    let dynamic = DynamicMessage::decode(descriptor(name)?, message.encode_to_vec().as_slice());
    let options = SerializeOptions::new().skip_default_fields(false);
    let dynamic = dynamic.map_err(|error| broken(&error))?;
    dynamic.serialize_with_options(serde_json::value::Serializer, &options).map_err(|error| broken(&error))
}

/// Reads a message from its canonical JSON form.
pub(crate) fn from_json<M: Message + Default>(name: &str, value: Value) -> Result<M, Failure> {
    let broken = |error: &dyn std::fmt::Display| Failure::local(format!("this is no {name}"), error);
    let dynamic = DynamicMessage::deserialize(descriptor(name)?, value).map_err(|error| broken(&error))?;
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(|error| broken(&error))
}

fn render_view(value: &Value, view: &View) -> String {
    match view {
        View::Sentence(text) => format!("{text}\n"),
        View::Nothing => String::new(),
        View::List(field, columns) => table(&value[*field], columns),
        View::One(field, columns) => detail(at(value, field), columns),
        View::Nested(field, columns, inner, below) => {
            let object = at(value, field);
            format!("{}\n{}", detail(object, columns), table(&object[*inner], below))
        }
    }
}

fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    if field.is_empty() { value } else { &value[field] }
}

fn detail(object: &Value, columns: &[Column]) -> String {
    let width = columns.iter().map(|column| column.0.len()).max().unwrap_or_default();
    columns.iter().fold(String::new(), |mut text, column| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:width$}  {}", column.0, cell(object, column));
        text
    })
}

fn table(list: &Value, columns: &[Column]) -> String {
    let titles = columns.iter().map(|column| column.0.to_owned()).collect::<Vec<_>>();
    let elements = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = elements.iter().map(|element| columns.iter().map(|column| cell(element, column)).collect());
    let rows = std::iter::once(titles).chain(rows).collect::<Vec<Vec<String>>>();
    let widths = (0..columns.len())
        .map(|index| rows.iter().map(|row| row[index].chars().count()).max().unwrap_or_default())
        .collect::<Vec<_>>();
    rows.iter().fold(String::new(), |mut text, row| {
        let line = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
        text
    })
}

fn cell(object: &Value, Column(_, path, prefix): &Column) -> String {
    let value = path.split('.').fold(object, |value, part| &value[part]);
    let text = show(value);
    match text.strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() => rest.to_lowercase(),
        _ => text,
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => printable(text),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => values.iter().map(show).collect::<Vec<_>>().join(","),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| format!("{}={}", printable(key), show(value)))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_api::identity::v1::{ListUsersResponse, User, UserState};

    const COLUMNS: &[Column] =
        &[Column("NAME", "name", ""), Column("STATE", "state", "USER_STATE_"), Column("ROLES", "roles", "")];

    fn answer() -> Answer {
        let user = User {
            name: "Ada\u{7}".to_owned(),
            state: UserState::Active.into(),
            roles: vec!["GUEST".to_owned(), "OWNER".to_owned()],
            ..User::default()
        };
        let response = ListUsersResponse { users: vec![user], next_page_token: "abc".to_owned() };
        Answer::message("rolecall.identity.v1.ListUsersResponse", &response, View::List("users", COLUMNS))
            .expect("shown")
    }

    #[test]
    fn a_list_is_a_table_with_a_hint_at_the_next_page() {
        let (text, hint) = answer().render(Format::Table);
        assert_eq!(text, "NAME  STATE   ROLES\nAda   active  GUEST,OWNER\n");
        assert_eq!(hint.as_deref(), Some("there is more: add --page-token abc"));
    }

    #[test]
    fn json_is_the_canonical_form_with_every_field() {
        let (text, hint) = answer().render(Format::Json);
        let value: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(value["users"][0]["state"], "USER_STATE_ACTIVE");
        assert_eq!(value["users"][0]["blocked"], false);
        assert_eq!(value["nextPageToken"], "abc");
        assert_eq!(hint, None);
    }

    #[test]
    fn an_object_is_one_line_a_column() {
        let value = json!({ "user": { "name": "Ada", "state": "USER_STATE_INVITED", "roles": [] } });
        let (text, _) = Answer::json(value, View::One("user", COLUMNS)).render(Format::Table);
        assert_eq!(text, "NAME   Ada\nSTATE  invited\nROLES  -\n");
    }
}
