//! Messages of `TemplateService`.

use std::collections::HashMap;

use prost::Message as _;
use rolecall_api::notification::v1 as api;
use rolecall_authz::{Caller, Scope};
use rolecall_db::once::{Repeat, RequestKey};
use rolecall_kernel::id::TemplateId;
use rolecall_kernel::key::KeyedHash;
use rolecall_kernel::page::{PageSize, PageTokens};
use rolecall_rpc::mask::{Field, Mask};
use rolecall_rpc::status::Violations;
use rolecall_templates::{Content, Data, Locale, Name, SUBJECT_MAX, Text, Variable, html, syntax};
use tonic::Status;

use super::{call_id, organization, request_id, timestamp};
use crate::app::change_templates::{Create, Delete, Origin, Update};
use crate::app::templates::{List, Preview, Shown, Source};
use crate::domain::own_template::{Head, OwnTemplate, etag};
use crate::grpc::status::violations;

const CREATE: &str = "notification.TemplateService/CreateTemplate";
const UPDATE: &str = "notification.TemplateService/UpdateTemplate";
const DELETE: &str = "notification.TemplateService/DeleteTemplate";

/// The most variables of a template.
const MOST_VARIABLES: usize = 50;

/// The most texts of a template.
const MOST_TEXTS: usize = 20;

/// The most characters of a plain text, and of HTML.
const MAX: (usize, usize) = (10_000, 20_000);

/// Reads what `CreateTemplate` needs.
pub(in crate::grpc) fn create(
    caller: &Caller,
    scope: Scope,
    request: &api::CreateTemplateRequest,
    fingerprints: &KeyedHash,
) -> Result<Create, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let given = given(request.template.as_ref(), &mut found)?;
    let of = match given.organization_id.as_str() {
        "-" => {
            found.push("template.organization_id", "ID_INVALID", "must be one organization");
            None
        }
        text => organization(caller, text, &mut found),
    };
    let name = found.check("template.name", "NAME_INVALID", Name::parse(&given.name));
    let content = content(&given, &mut found);
    let (Some(organization), Some(name), true) = (of, name, found.is_empty()) else {
        return Err(violations(found));
    };
    let encode = |template: &OwnTemplate| created(template).encode_to_vec();
    let key = RequestKey::new(fingerprints, caller.subject(), CREATE, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode });
    Ok(Create { origin: origin(caller, scope), own: caller.organization(), organization, name, content, repeat })
}

fn given(template: Option<&api::Template>, found: &mut Violations) -> Result<api::Template, Status> {
    template.cloned().ok_or_else(|| {
        found.push("template", "REQUIRED", "is required");
        violations(std::mem::take(found))
    })
}

fn origin(caller: &Caller, scope: Scope) -> Origin {
    Origin { actor: caller.subject(), scope, call_id: call_id() }
}

/// Reads what `UpdateTemplate` needs.
pub(in crate::grpc) fn update(
    caller: &Caller,
    scope: Scope,
    request: &api::UpdateTemplateRequest,
    fingerprints: &KeyedHash,
) -> Result<Update, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let given = given(request.template.as_ref(), &mut found)?;
    let id = found.check("template.template_id", "ID_INVALID", TemplateId::parse(&given.template_id));
    let known = [
        ("variables", Field::Changeable { populated: !given.variables.is_empty() }),
        ("texts", Field::Changeable { populated: !given.texts.is_empty() }),
        ("template_id", Field::OutputOnly),
        ("organization_id", Field::OutputOnly),
        ("name", Field::OutputOnly),
        ("version", Field::OutputOnly),
        ("etag", Field::OutputOnly),
        ("create_time", Field::OutputOnly),
        ("update_time", Field::OutputOnly),
    ];
    let mask = Mask::read(&mut found, request.update_mask.as_ref(), &known);
    let variables = mask.contains("variables").then(|| variables(&given.variables, &mut found));
    let texts = mask.contains("texts").then(|| texts(&given.texts, None, &mut found));
    let (Some(template_id), true) = (id, found.is_empty()) else { return Err(violations(found)) };
    let encode = |template: &OwnTemplate| updated(template).encode_to_vec();
    let key = RequestKey::new(fingerprints, caller.subject(), UPDATE, request_id, &request.encode_to_vec());
    let (etag, repeat) = (Some(given.etag).filter(|etag| !etag.is_empty()), key.map(|key| Repeat { key, encode }));
    Ok(Update { origin: origin(caller, scope), template_id, variables, texts, etag, repeat })
}

/// Reads what `DeleteTemplate` needs.
pub(in crate::grpc) fn delete(
    caller: &Caller,
    scope: Scope,
    request: &api::DeleteTemplateRequest,
    fingerprints: &KeyedHash,
) -> Result<Delete, Status> {
    let mut found = Violations::default();
    let request_id = request_id(&request.request_id, &mut found);
    let id = found.check("template_id", "ID_INVALID", TemplateId::parse(&request.template_id));
    let (Some(template_id), true) = (id, found.is_empty()) else { return Err(violations(found)) };
    let key = RequestKey::new(fingerprints, caller.subject(), DELETE, request_id, &request.encode_to_vec());
    let repeat = key.map(|key| Repeat { key, encode: |()| api::DeleteTemplateResponse {}.encode_to_vec() });
    Ok(Delete { origin: origin(caller, scope), template_id, repeat })
}

/// Reads what `GetTemplate` needs.
pub(in crate::grpc) fn get(request: &api::GetTemplateRequest) -> Result<(TemplateId, Option<i32>), Status> {
    let mut found = Violations::default();
    let id = found.check("template_id", "ID_INVALID", TemplateId::parse(&request.template_id));
    let version = version("version", request.version, &mut found);
    match id {
        Some(id) if found.is_empty() => Ok((id, version)),
        _ => Err(violations(found)),
    }
}

/// Reads what `ListTemplates` needs.
pub(in crate::grpc) fn list(
    caller: &Caller,
    scope: Scope,
    request: &api::ListTemplatesRequest,
    tokens: &PageTokens,
) -> Result<List, Status> {
    let mut found = Violations::default();
    let organization = organization(caller, &request.organization_id, &mut found);
    let size = found.check("page_size", "PAGE_SIZE_INVALID", PageSize::parse(request.page_size));
    let position = tokens.open(&binding(caller, request).each_ref().map(String::as_str), &request.page_token);
    let after = found.check("page_token", "PAGE_TOKEN_INVALID", position).flatten().and_then(|position| {
        let text = String::from_utf8_lossy(&position).into_owned();
        found.check("page_token", "PAGE_TOKEN_INVALID", TemplateId::parse(&text))
    });
    match size {
        Some(size) if found.is_empty() => Ok(List { scope, own: caller.organization(), organization, after, size }),
        _ => Err(violations(found)),
    }
}

/// What a page token belongs to.
pub(in crate::grpc) fn binding(caller: &Caller, request: &api::ListTemplatesRequest) -> [String; 3] {
    ["notification.ListTemplates".to_owned(), caller.subject().to_string(), request.organization_id.clone()]
}

/// Reads what `PreviewTemplate` needs.
pub(in crate::grpc) fn preview(scope: Scope, request: &api::PreviewTemplateRequest) -> Result<Preview, Status> {
    let mut found = Violations::default();
    let version = version("version", request.version, &mut found);
    let source = match (request.template_id.as_str(), &request.template) {
        ("", Some(draft)) => Some(Source::Draft(content(draft, &mut found))),
        (id, None) if !id.is_empty() => {
            let id = found.check("template_id", "ID_INVALID", TemplateId::parse(id));
            id.map(|id| Source::Stored(id, version))
        }
        _ => {
            found.push("template_id", "REQUIRED", "must be given, or a template that is not stored, and not both");
            None
        }
    };
    let locale = match request.locale.as_str() {
        "" => None,
        text => found.check("locale", "LOCALE_INVALID", Locale::parse(text)),
    };
    match source {
        Some(source) if found.is_empty() => Ok(Preview { scope, source, locale, data: data(&request.data) }),
        _ => Err(violations(found)),
    }
}

/// Puts values in order.
pub(in crate::grpc) fn data(given: &HashMap<String, String>) -> Data {
    given.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// 0 is the latest.
pub(in crate::grpc) fn version(field: &str, number: i32, found: &mut Violations) -> Option<i32> {
    if number < 0 {
        found.push(field, "VERSION_INVALID", "must be 0 or more");
    }
    Some(number).filter(|number| *number > 0)
}

fn content(given: &api::Template, found: &mut Violations) -> Content {
    let variables = variables(&given.variables, found);
    let texts = texts(&given.texts, Some(&variables), found);
    Content { variables, texts }
}

fn variables(given: &[api::TemplateVariable], found: &mut Violations) -> Vec<Variable> {
    if given.len() > MOST_VARIABLES {
        found.push("template.variables", "COUNT_INVALID", format!("must be at most {MOST_VARIABLES}"));
    }
    let mut variables: Vec<Variable> = Vec::new();
    for (index, one) in given.iter().take(MOST_VARIABLES).enumerate() {
        let place = format!("template.variables[{index}].name");
        let Some(name) = found.check(&place, "NAME_INVALID", Name::parse(&one.name)) else { continue };
        if variables.iter().any(|known| known.name == name) {
            found.push(place, "DUPLICATE", "names a variable once more");
        } else {
            variables.push(Variable { name, is_optional: one.optional });
        }
    }
    variables
}

fn texts(given: &[api::TemplateText], declared: Option<&[Variable]>, found: &mut Violations) -> Vec<Text> {
    if given.is_empty() || given.len() > MOST_TEXTS {
        found.push("template.texts", "COUNT_INVALID", format!("must be 1 to {MOST_TEXTS}"));
    }
    let mut texts: Vec<Text> = Vec::new();
    for (index, one) in given.iter().take(MOST_TEXTS).enumerate() {
        let place = format!("template.texts[{index}]");
        part(&format!("{place}.subject"), &one.subject, (SUBJECT_MAX, true), declared, found);
        part(&format!("{place}.text"), &one.text, (MAX.0, true), declared, found);
        part(&format!("{place}.html"), &one.html, (MAX.1, false), declared, found);
        found.check(&format!("{place}.html"), "HTML_REFUSED", html::check_source(&one.html));
        let locale = format!("{place}.locale");
        match found.check(&locale, "LOCALE_INVALID", Locale::parse(&one.locale)) {
            Some(locale) if texts.iter().all(|known| known.locale != locale) => {
                let (subject, text, html) = (one.subject.clone(), one.text.replace("\r\n", "\n"), one.html.clone());
                texts.push(Text { locale, subject, text, html });
            }
            Some(_) => found.push(locale, "DUPLICATE", "names a language once more"),
            None => {}
        }
    }
    texts
}

fn part(
    place: &str,
    source: &str,
    (max, is_required): (usize, bool),
    declared: Option<&[Variable]>,
    found: &mut Violations,
) {
    if is_required && source.trim().is_empty() {
        found.push(place, "REQUIRED", "is required");
    }
    if source.chars().count() > max {
        found.push(place, "TOO_LONG", format!("must have at most {max} characters"));
        return;
    }
    let Some(names) = found.check(place, "TEMPLATE_REFUSED", syntax::read(source)) else { return };
    let is_declared =
        |name: &String| declared.is_none_or(|declared| declared.iter().any(|variable| variable.name.as_str() == name));
    if let Some(name) = names.into_iter().find(|name| !is_declared(name)) {
        found.push(place, "UNDECLARED", format!("shows {name}, which is no variable of the template"));
    }
}

/// Renders what `CreateTemplate` answers.
pub(in crate::grpc) fn created(template: &OwnTemplate) -> api::CreateTemplateResponse {
    api::CreateTemplateResponse { template: Some(message(template)) }
}

/// Renders what `UpdateTemplate` answers.
pub(in crate::grpc) fn updated(template: &OwnTemplate) -> api::UpdateTemplateResponse {
    api::UpdateTemplateResponse { template: Some(message(template)) }
}

/// Renders what `PreviewTemplate` answers.
pub(in crate::grpc) fn shown(shown: Shown) -> api::PreviewTemplateResponse {
    let Shown { mail, locale, warnings } = shown;
    let locale = locale.as_str().to_owned();
    api::PreviewTemplateResponse { subject: mail.subject, text: mail.text, html: mail.html, locale, warnings }
}

/// Renders a template whole.
pub(in crate::grpc) fn message(template: &OwnTemplate) -> api::Template {
    let variable =
        |one: &Variable| api::TemplateVariable { name: one.name.as_str().to_owned(), optional: one.is_optional };
    let text = |one: &Text| api::TemplateText {
        locale: one.locale.as_str().to_owned(),
        subject: one.subject.clone(),
        text: one.text.clone(),
        html: one.html.clone(),
    };
    api::Template {
        template_id: template.template_id.to_string(),
        organization_id: template.organization_id.to_string(),
        name: template.name.as_str().to_owned(),
        version: template.version,
        variables: template.content.variables.iter().map(variable).collect(),
        texts: template.content.texts.iter().map(text).collect(),
        etag: etag(template.latest),
        create_time: Some(timestamp(template.created)),
        update_time: Some(timestamp(template.updated)),
    }
}

/// Renders a template of a list.
pub(in crate::grpc) fn head(head: &Head) -> api::Template {
    api::Template {
        template_id: head.template_id.to_string(),
        organization_id: head.organization_id.to_string(),
        name: head.name.as_str().to_owned(),
        version: head.latest,
        etag: etag(head.latest),
        create_time: Some(timestamp(head.created)),
        ..api::Template::default()
    }
}
