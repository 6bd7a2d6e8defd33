//! Makes, republishes and deletes templates of organizations.

use rolecall_authz::Scope;
use rolecall_db::Tx;
use rolecall_db::once::{Answer, Repeat, RequestIdReused, once};
use rolecall_kernel::id::{EventId, OrganizationId, SubjectId, TemplateId};
use rolecall_kernel::time::Timestamp;
use rolecall_templates::{Content, Name, Text, Variable};

use super::notifications;
use crate::context::Shared;
use crate::domain::event::{Event, What};
use crate::domain::own_template::{MOST_TEMPLATES, MOST_VERSIONS, OwnTemplate, etag};
use crate::events::publish;
use crate::peers::Unreachable;
use crate::store::templates;

/// Who changes something.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) actor: SubjectId,
    pub(crate) scope: Scope,
    pub(crate) call_id: Option<String>,
}

/// A template to make.
#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) origin: Origin,
    /// The caller's own organization, which needs no proof that it exists.
    pub(crate) own: Option<OrganizationId>,
    pub(crate) organization: OrganizationId,
    pub(crate) name: Name,
    pub(crate) content: Content,
    pub(crate) repeat: Option<Repeat<OwnTemplate>>,
}

/// What another version changes; what is absent stays.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) origin: Origin,
    pub(crate) template_id: TemplateId,
    pub(crate) variables: Option<Vec<Variable>>,
    pub(crate) texts: Option<Vec<Text>>,
    /// The version that is to be changed.
    pub(crate) etag: Option<String>,
    pub(crate) repeat: Option<Repeat<OwnTemplate>>,
}

/// A template to delete.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) origin: Origin,
    pub(crate) template_id: TemplateId,
    pub(crate) repeat: Option<Repeat<()>>,
}

/// Why nothing changes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no such template")]
    NotFound(TemplateId),
    #[error("no such organization")]
    OrganizationNotFound(OrganizationId),
    #[error("the name is taken")]
    NameTaken(Name),
    #[error("another version was published meanwhile")]
    Changed { etag: String },
    #[error("as many as are possible")]
    Exhausted { what: &'static str, most: u64 },
    #[error("a text shows a variable that is not declared")]
    Undeclared(String),
    #[error(transparent)]
    RequestIdReused(#[from] RequestIdReused),
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error(transparent)]
    Store(#[from] rolecall_db::Error),
}

/// Makes a template, its first version published.
pub(crate) async fn create(shared: &Shared, command: &Create) -> Result<Answer<OwnTemplate>, Error> {
    let Create { origin, own, organization, .. } = command;
    if !notifications::organization_exists(shared, &origin.scope, *own, *organization).await?
        || !origin.scope.includes_organization(*organization)
    {
        return Err(Error::OrganizationNotFound(*organization));
    }
    let now = shared.clock.now();
    let made = once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        if templates::count(&tx, command.organization).await? >= MOST_TEMPLATES {
            return Err(Error::Exhausted { what: "templates", most: MOST_TEMPLATES });
        }
        let template = OwnTemplate {
            template_id: TemplateId::new(now, &*shared.entropy),
            organization_id: command.organization,
            name: command.name.clone(),
            version: 1,
            latest: 1,
            content: command.content.clone(),
            created: now,
            updated: now,
        };
        templates::insert(&tx, &template).await?;
        let what = What::TemplateCreated(template.template_id, template.name.as_str().to_owned());
        tell(shared, &tx, &command.origin, command.organization, (what, now)).await?;
        Ok(template)
    });
    let made = made.await;
    if let Err(Error::Store(store)) = &made
        && store.violates(templates::NAME)
    {
        return Err(Error::NameTaken(command.name.clone()));
    }
    made
}

/// Publishes another version.
pub(crate) async fn update(shared: &Shared, command: &Update) -> Result<Answer<OwnTemplate>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let id = command.template_id;
        let found = templates::lock(&tx, &command.origin.scope, id).await?;
        let (current, permit) = found.ok_or(Error::NotFound(id))?;
        if command.etag.as_ref().is_some_and(|given| *given != etag(current.latest)) {
            return Err(Error::Changed { etag: etag(current.latest) });
        }
        if current.latest >= MOST_VERSIONS {
            return Err(Error::Exhausted { what: "versions", most: MOST_VERSIONS.unsigned_abs().into() });
        }
        let content = Content {
            variables: command.variables.clone().unwrap_or(current.content.variables),
            texts: command.texts.clone().unwrap_or(current.content.texts),
        };
        // Each half was looked at alone.
        if let Some(name) = content.undeclared() {
            return Err(Error::Undeclared(name));
        }
        let version = current.latest + 1;
        let next = OwnTemplate { version, latest: version, content, updated: now, ..current };
        templates::update(&tx, &next, &permit).await?;
        let what = What::TemplateUpdated(id, next.name.as_str().to_owned(), version);
        tell(shared, &tx, &command.origin, next.organization_id, (what, now)).await?;
        Ok(next)
    })
    .await
}

/// Deletes a template with all its versions.
pub(crate) async fn delete(shared: &Shared, command: &Delete) -> Result<Answer<()>, Error> {
    let now = shared.clock.now();
    once(&shared.database, command.repeat.as_ref(), now, |tx| async move {
        let id = command.template_id;
        let found = templates::lock(&tx, &command.origin.scope, id).await?;
        let (template, permit) = found.ok_or(Error::NotFound(id))?;
        templates::delete(&tx, id, &permit, now).await?;
        let what = What::TemplateDeleted(id, template.name.as_str().to_owned());
        Ok(tell(shared, &tx, &command.origin, template.organization_id, (what, now)).await?)
    })
    .await
}

async fn tell(
    shared: &Shared,
    tx: &Tx,
    origin: &Origin,
    organization: OrganizationId,
    (what, now): (What, Timestamp),
) -> Result<(), rolecall_db::Error> {
    let event = Event {
        event_id: EventId::new(now, &*shared.entropy),
        actor: Some(origin.actor),
        organization_id: Some(organization),
        target: None,
        request_id: origin.call_id.clone(),
        occurred: now,
        what,
    };
    publish::append(tx, &event).await
}
