//! Claims mail domains, proves them by DNS, and looks at the proofs again.

use rolecall_authz::{RowFacts, Scope};
use rolecall_db::Tx;
use rolecall_kernel::entropy::OpaqueToken;
use rolecall_kernel::id::{DomainId, OrganizationId, SubjectId};
use rolecall_kernel::page::{Page, PageSize};
use rolecall_kernel::text::EmailDomain;
use rolecall_kernel::time::Timestamp;

use super::super::Resources;
use super::super::fault::{Fault, take_faults};
use super::super::once::{Answer, Once, take_repeats};
use crate::domain::event::Event;
use crate::domain::sso::{Domain, MOST_DOMAINS, PROOF_GRACE, RECHECK};
use crate::events::publish::about;
use crate::store::{DOMAINS_NAME_KEY, DOMAINS_ORGANIZATION_KEY, domains};

/// The most proofs that are looked at in one go.
const BATCH: u64 = 200;

/// Which domain to claim.
#[derive(Debug)]
pub(crate) struct Create {
    /// Who claims it.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// For which organization.
    pub(crate) organization: OrganizationId,
    /// The domain.
    pub(crate) name: EmailDomain,
    /// The name of the change.
    pub(crate) once: Option<Once<Domain>>,
}

/// Which domain to give up.
#[derive(Debug)]
pub(crate) struct Delete {
    /// Who gives it up.
    pub(crate) actor: SubjectId,
    /// Where it may.
    pub(crate) scope: Scope,
    /// The domain.
    pub(crate) domain_id: DomainId,
    /// The name of the change.
    pub(crate) once: Option<Once<()>>,
}

/// Which domains to list.
#[derive(Debug)]
pub(crate) struct List {
    /// Where the caller may.
    pub(crate) scope: Scope,
    /// The organization; none means all within the scope.
    pub(crate) organization: Option<OrganizationId>,
    /// After which domain the page begins.
    pub(crate) after: Option<DomainId>,
    /// How many.
    pub(crate) size: PageSize,
}

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// No such domain within what the actor may see.
    #[error("no such domain")]
    DomainNotFound,
    /// No such organization within what the actor may see.
    #[error("no such organization")]
    OrganizationNotFound,
    /// The organization claimed it before, or another one proved it.
    #[error("the domain is taken")]
    DomainTaken,
    /// The record is not there.
    #[error("the domain is not proven")]
    DomainNotProven(Domain),
    /// The organization has as many as it may.
    #[error("too many domains")]
    SsoLimitReached,
    /// The name of the change was used for another.
    #[error("the request id was used with other content")]
    RequestIdReused,
    /// Something did not do its part.
    #[error(transparent)]
    Fault(Fault),
}

take_faults!(Error);
take_repeats!(Error);

/// Claims a domain.
pub(crate) async fn create(resources: &Resources, command: &Create) -> Result<Answer<Domain>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let facts = RowFacts::of_organization(command.organization);
    if command.scope.permit(facts).is_none() || resources.organization.settings(command.organization).await?.is_none() {
        return Err(Error::OrganizationNotFound);
    }
    let (now, entropy) = (resources.now(), resources.entropy.as_ref());
    let domain = &Domain {
        domain_id: DomainId::new(now, entropy),
        organization_id: command.organization,
        name: command.name.clone(),
        token: OpaqueToken::new(Domain::TOKEN_PREFIX, entropy).expose().to_owned(),
        verified: None,
        checked: None,
        created: now,
    };
    let stored = resources.db.write(|tx| async move { insert(resources, &tx, command, domain, now).await }).await;
    match stored {
        Ok(()) => Ok(Answer::Fresh(domain.clone())),
        Err(Error::Fault(fault)) if fault.violates(DOMAINS_ORGANIZATION_KEY) => Err(Error::DomainTaken),
        Err(Error::Fault(fault)) if fault.is_repeat() => {
            Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(Error::Fault(fault))
        }
        Err(error) => Err(error),
    }
}

async fn insert(
    resources: &Resources,
    tx: &Tx,
    command: &Create,
    domain: &Domain,
    now: Timestamp,
) -> Result<(), Error> {
    Once::store(command.once.as_ref(), tx, domain, now).await?;
    if domains::count(tx, command.organization).await? >= MOST_DOMAINS {
        return Err(Error::SsoLimitReached);
    }
    domains::insert(tx, domain).await?;
    let event = Event::DomainClaimed(domain.name.clone());
    let happened = about(Some(command.actor), Some(domain.organization_id), None, now, event);
    resources.publisher.append(tx, &happened).await?;
    Ok(())
}

/// Looks for the record of a domain, which proves it.
pub(crate) async fn verify(
    resources: &Resources,
    actor: SubjectId,
    scope: &Scope,
    id: DomainId,
) -> Result<Domain, Error> {
    let found = domains::find_in_scope(&resources.db.reader(), id, scope).await?;
    let domain = found.ok_or(Error::DomainNotFound)?;
    let texts = resources.oidc.outbound().names().texts(&domain.record()).await.unwrap_or_default();
    if !domain.is_proven_by(&texts) {
        return Err(Error::DomainNotProven(domain));
    }
    let now = resources.now();
    let (was_proven, domain) = (domain.verified.is_some(), Domain { checked: Some(now), ..domain });
    let domain = &Domain { verified: domain.verified.or(Some(now)), ..domain };
    let stored = resources
        .db
        .write(|tx| async move {
            if !domains::note_proof(&tx, domain).await? {
                return Err(Error::DomainNotFound);
            }
            if !was_proven {
                let event = Event::DomainVerified(domain.name.clone());
                let happened = about(Some(actor), Some(domain.organization_id), None, now, event);
                resources.publisher.append(&tx, &happened).await?;
            }
            Ok(())
        })
        .await;
    match stored {
        Ok(()) => Ok(domain.clone()),
        Err(Error::Fault(fault)) if fault.violates(DOMAINS_NAME_KEY) => Err(Error::DomainTaken),
        Err(error) => Err(error),
    }
}

/// Lists domains in order of creation.
pub(crate) async fn list(resources: &Resources, command: &List) -> Result<Page<Domain>, Error> {
    let scope = match command.organization {
        None => command.scope.clone(),
        Some(id) if command.scope.includes_organization(id) => command.scope.within(id),
        Some(_) => return Err(Error::OrganizationNotFound),
    };
    Ok(domains::list(&resources.db.reader(), &scope, command.after, command.size).await?)
}

/// Gives a domain up.
pub(crate) async fn delete(resources: &Resources, command: &Delete) -> Result<Answer<()>, Error> {
    let reader = resources.db.reader();
    if let Some(stored) = Once::find(command.once.as_ref(), &reader).await? {
        return Ok(Answer::Stored(stored));
    }
    let found = domains::find_in_scope(&reader, command.domain_id, &command.scope).await?;
    let domain = &found.ok_or(Error::DomainNotFound)?;
    let now = resources.now();
    let deleted = resources
        .db
        .write(|tx| async move {
            Once::store(command.once.as_ref(), &tx, &(), now).await?;
            let permit = command.scope.permit(RowFacts::of_organization(domain.organization_id));
            let permit = permit.ok_or(Error::DomainNotFound)?;
            if !domains::delete(&tx, &permit, domain.domain_id).await? {
                return Err(Error::DomainNotFound);
            }
            let event = Event::DomainDeleted(domain.name.clone());
            let happened = about(Some(command.actor), Some(domain.organization_id), None, now, event);
            resources.publisher.append(&tx, &happened).await?;
            Ok(())
        })
        .await;
    match deleted {
        Ok(()) => Ok(Answer::Fresh(())),
        // A parallel run of the same request may have been faster.
        Err(error) => Once::find(command.once.as_ref(), &reader).await?.map(Answer::Stored).ok_or(error),
    }
}

/// Looks at the proofs again that were last seen a day ago, and returns how many domains lost theirs.
pub(crate) async fn recheck(resources: &Resources) -> Result<usize, Error> {
    let mut lost = 0;
    let due = resources.now().minus(RECHECK);
    for domain in domains::list_due(&resources.db.reader(), due, BATCH).await? {
        let texts = resources.oidc.outbound().names().texts(&domain.record()).await.unwrap_or_default();
        let now = resources.now();
        let seen = domain.is_proven_by(&texts);
        let is_over = domain.checked.is_none_or(|checked| now.since(checked) >= PROOF_GRACE);
        if !seen && !is_over {
            tracing::warn!(domain = domain.name.as_str(), "the record that proves a domain is not found");
            continue;
        }
        let after = &Domain {
            verified: domain.verified.filter(|_| seen),
            checked: if seen { Some(now) } else { domain.checked },
            ..domain
        };
        resources
            .db
            .write(|tx| async move {
                if domains::note_proof(&tx, after).await? && !seen {
                    let event = Event::DomainLost(after.name.clone());
                    let happened = about(None, Some(after.organization_id), None, now, event);
                    resources.publisher.append(&tx, &happened).await?;
                }
                Ok::<_, Error>(())
            })
            .await?;
        lost += usize::from(!seen);
    }
    Ok(lost)
}
