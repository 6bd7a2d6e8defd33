//! Lists the invitations that wait for an answer.

use std::collections::HashMap;

use rolecall_authz::Scope;
use rolecall_kernel::id::{InvitationId, OrganizationId, SubjectId, UserId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::EmailAddress;

use super::Resources;
use super::fault::{Fault, take_faults};
use crate::domain::invitation::InvitationView;
use crate::store::{invitations, users};

/// Which invitations.
#[derive(Debug)]
pub(crate) struct Command {
    /// Where the caller may.
    pub(crate) scope: Scope,
    /// The organization; none means all within the scope.
    pub(crate) organization: Option<OrganizationId>,
    /// After which invitation the page begins.
    pub(crate) after: Option<InvitationId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such organization within the scope.
    #[error("no such organization")]
    OrganizationNotFound,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);

/// Lists a page, in order of creation.
pub(crate) async fn run(resources: &Resources, command: &Command) -> Result<Page<InvitationView>, Error> {
    let scope = match command.organization {
        None => command.scope.clone(),
        Some(id) if command.scope.includes_organization(id) => command.scope.within(id),
        Some(_) => return Err(Error::OrganizationNotFound),
    };
    let (reader, now) = (resources.db.reader(), resources.now());
    let page = invitations::list_pending(&reader, &scope, command.after, command.size, now).await?;
    if let (true, None, Some(id)) = (page.items.is_empty(), command.after, command.organization) {
        resources.organization.settings(id).await?.ok_or(Error::OrganizationNotFound)?;
    }
    let ids: Vec<SubjectId> = page.items.iter().map(|invitation| invitation.user_id.into()).collect();
    let found = users::find_many(&reader, &ids).await?;
    let mut emails: HashMap<UserId, EmailAddress> = found.into_iter().map(|user| (user.user_id, user.email)).collect();
    // An account that was deleted since the first query has no invitation any more.
    let items = page
        .items
        .into_iter()
        .filter_map(|invitation| emails.remove(&invitation.user_id).map(|email| InvitationView { invitation, email }));
    Ok(Page { items: items.collect(), has_more: page.has_more })
}
