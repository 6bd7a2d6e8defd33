//! Reads templates of organizations, and shows what they make of data.

use rolecall_authz::Scope;
use rolecall_kernel::id::{OrganizationId, TemplateId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_templates::render::UnusableError;
use rolecall_templates::{Content, Data, Fault, Locale};

use super::{instance_name, notifications, wording};
use crate::context::Shared;
use crate::domain::own_template::{Head, OwnTemplate};
use crate::domain::template::Template;
use crate::peers::Unreachable;
use crate::render::{Extras, RenderError};
use crate::store::templates;
use rolecall_mail::Rendered;

/// Which templates, and what of them the caller may see.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) scope: Scope,
    /// The caller's own organization, which needs no proof that it exists.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) after: Option<TemplateId>,
    pub(crate) size: PageSize,
}

/// What to show.
#[derive(Debug)]
pub(crate) struct Preview {
    pub(crate) scope: Scope,
    pub(crate) source: Source,
    pub(crate) locale: Option<Locale>,
    pub(crate) data: Data,
}

/// A template that is stored, or one that is not.
#[derive(Debug)]
pub(crate) enum Source {
    Stored(TemplateId, Option<i32>),
    Draft(Content),
}

/// What a template makes of data.
pub(crate) struct Shown {
    pub(crate) mail: Rendered,
    pub(crate) locale: Locale,
    pub(crate) warnings: Vec<String>,
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such template")]
    NotFound(String),
    #[error("no such organization")]
    OrganizationNotFound(OrganizationId),
    #[error("the data is not what the template wants")]
    Data(Vec<Fault>),
    #[error(transparent)]
    Unusable(#[from] UnusableError),
    #[error("a built-in template is broken")]
    Broken(#[from] RenderError),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Reads a version of a template.
pub(crate) async fn get(
    shared: &Shared,
    scope: &Scope,
    id: TemplateId,
    version: Option<i32>,
) -> Result<OwnTemplate, Error> {
    let found = templates::find(&shared.database.reader(), scope, id, version).await?;
    found.ok_or_else(|| Error::NotFound(id.to_string()))
}

/// Lists a page of templates.
pub(crate) async fn list(shared: &Shared, command: List) -> Result<Page<Head>, Error> {
    let List { scope, own, organization, after, size } = command;
    if let Some(organization) = organization
        && !notifications::organization_exists(shared, &scope, own, organization).await?
    {
        return Err(Error::OrganizationNotFound(organization));
    }
    Ok(templates::list(&shared.database.reader(), &scope, organization, after, size).await?)
}

/// Shows the mail that a template makes of data.
pub(crate) async fn preview(shared: &Shared, command: Preview) -> Result<Shown, Error> {
    let content = match command.source {
        Source::Stored(id, version) => get(shared, &command.scope, id, version).await?.content,
        Source::Draft(content) => content,
    };
    let data = content.fill(&command.data).map_err(Error::Data)?;
    let (locale, said) = wording::say(&content, command.locale.as_ref(), &data)?;
    let name = instance_name::get(shared).await;
    let mut variables = wording::variables(said);
    variables.extend(name.map(|name| ("instance_name".to_owned(), name)));
    let mail = shared.renderer.render(Template::Message, Template::VERSION, &variables, Extras::default())?;
    Ok(Shown { mail, locale, warnings: content.warnings() })
}
