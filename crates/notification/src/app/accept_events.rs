//! Turns events of other contexts into deliveries: each event once, all of its deliveries or none.

use std::collections::{HashMap, HashSet};

use rolecall_db::inbox;
use rolecall_kernel::calendar;
use rolecall_kernel::id::{DeliveryId, EventId, OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_kernel::time::Timestamp;

use super::instance_name;
use crate::context::Shared;
use crate::domain::arrival::{Arrival, Command, Contact, Content, End, Notice, Variables};
use crate::domain::delivery::Draft;
use crate::peers::Unreachable;
use crate::store::{deliveries, ended, endings};

/// The variable that no other context gives.
const INSTANCE_NAME: &str = "instance_name";

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is stored, now or before.
    Done,
    /// It is to be sent again, for this reason.
    Retry(String),
}

/// An event and what it becomes; nothing when there is nobody to tell.
#[derive(Clone)]
struct Planned {
    event_id: EventId,
    source: String,
    drafts: Vec<Draft>,
    /// What is gone.
    ended: Option<End>,
}

/// What notices need to know of others.
#[derive(Default)]
struct Known {
    people: HashMap<SubjectId, Contact>,
    organizations: HashMap<OrganizationId, String>,
}

/// Accepts events and says of each what became of it.
pub(crate) async fn run(shared: &Shared, arrivals: Vec<Arrival>) -> HashMap<EventId, Outcome> {
    let (mut planned, mut outcomes) = (Vec::new(), HashMap::new());
    // Asked before the transaction begins, which awaits nothing but the database.
    let (known, name) = futures::join!(known(shared, &arrivals), instance_name::get(shared));
    let name = name.as_deref();
    for arrival in arrivals {
        match (plan(shared, &arrival, known.as_ref().ok(), name), &known) {
            (Some(plan), _) => planned.push(plan),
            (None, Err(error)) => drop(outcomes.insert(arrival.event_id, Outcome::Retry(error.to_string()))),
            (None, Ok(_)) => {}
        }
    }
    outcomes.extend(store(shared, planned).await);
    shared.wake.notify_one();
    outcomes
}

async fn known(shared: &Shared, arrivals: &[Arrival]) -> Result<Known, Unreachable> {
    let (mut people, mut organizations) = (HashSet::new(), HashSet::new());
    for arrival in arrivals {
        if let Content::Notice(notice) = &arrival.content {
            people.extend([notice.target].into_iter().chain(notice.actor));
            people.extend(&notice.recipients);
            organizations.extend(notice.organization);
        }
    }
    let people = async { if people.is_empty() { Ok(HashMap::new()) } else { shared.peers.contacts(people).await } };
    let names =
        async { if organizations.is_empty() { Ok(HashMap::new()) } else { shared.peers.names(organizations).await } };
    let (people, organizations) = futures::try_join!(people, names)?;
    Ok(Known { people, organizations })
}

/// Plans the deliveries of an event; `None` when others must be asked first and cannot.
fn plan(shared: &Shared, arrival: &Arrival, known: Option<&Known>, instance: Option<&str>) -> Option<Planned> {
    let commands = match &arrival.content {
        Content::Command(command) => vec![command.clone()],
        Content::Notice(notice) => from_notice(notice, known?),
        Content::Ended(_) => Vec::new(),
    };
    let ended = match arrival.content {
        Content::Ended(ended) => Some(ended),
        Content::Command(_) | Content::Notice(_) => None,
    };
    let draft = |command: Command| Draft {
        delivery_id: DeliveryId::new(shared.clock.now(), &*shared.entropy),
        event_id: arrival.event_id,
        organization_id: command.organization,
        recipient_id: command.recipient,
        template: command.template,
        email: command.email,
        variables: naming(command.variables, instance),
        sealed_secret: command.sealed_secret,
        expires: command.expires,
        channel: shared.channel.kind(),
        trace: arrival.trace.clone(),
        category: command.template.category(),
        due: None,
    };
    let drafts = commands.into_iter().map(draft).collect();
    Some(Planned { event_id: arrival.event_id, source: arrival.source.clone(), drafts, ended })
}

/// Adds what the installation is called. It is kept with the delivery, so that each attempt sends the same mail.
fn naming(mut variables: Variables, instance: Option<&str>) -> Variables {
    variables.remove(INSTANCE_NAME);
    variables.extend(instance.map(|name| (INSTANCE_NAME.to_owned(), name.to_owned())));
    variables
}

/// A security notice goes to whom it concerns, whatever anybody prefers; programs have no address.
fn from_notice(notice: &Notice, known: &Known) -> Vec<Command> {
    let commands = notice.recipients.iter().filter_map(|recipient| to_one(notice, *recipient, known));
    if notice.addresses.is_empty() {
        return commands.collect();
    }
    let to_address = |command: Command, email: &EmailAddress| Command { email: email.clone(), ..command };
    commands.flat_map(|command| notice.addresses.iter().map(move |email| to_address(command.clone(), email))).collect()
}

fn to_one(notice: &Notice, recipient: SubjectId, known: &Known) -> Option<Command> {
    let contact = known.people.get(&recipient)?;
    let mut variables: Variables = notice.variables.clone();
    let mut show = |name: &str, text: &str| drop(variables.insert(name.to_owned(), text.to_owned()));
    show("recipient_name", &contact.name);
    show("occurred", &calendar::spell(notice.occurred));
    if let Some(member) = known.people.get(&notice.target).filter(|_| notice.target != recipient) {
        show("member_name", &member.name);
    }
    if let Some(actor) = notice.actor.and_then(|actor| known.people.get(&actor)) {
        show("actor_name", &actor.name);
    }
    if let Some(name) = notice.organization.and_then(|organization| known.organizations.get(&organization)) {
        show("organization_name", name);
    }
    Some(Command {
        template: notice.template,
        recipient,
        email: contact.email.clone(),
        organization: notice.organization,
        variables,
        sealed_secret: None,
        expires: None,
    })
}

/// Stores all in one transaction; when that cannot be, each in its own, so that one does not hold up the others.
async fn store(shared: &Shared, planned: Vec<Planned>) -> Vec<(EventId, Outcome)> {
    if planned.is_empty() {
        return Vec::new();
    }
    let Err(error) = store_together(shared, &planned).await else {
        return planned.into_iter().map(|plan| (plan.event_id, Outcome::Done)).collect();
    };
    let is_about_one = matches!(error, rolecall_db::Error::Unique(_) | rolecall_db::Error::Internal(_));
    if planned.len() == 1 || !is_about_one {
        tracing::warn!(%error, events = planned.len(), "events could not be stored");
        return planned.into_iter().map(|plan| (plan.event_id, Outcome::Retry(error.to_string()))).collect();
    }
    let mut outcomes = Vec::new();
    for plan in planned {
        outcomes.extend(Box::pin(store(shared, vec![plan])).await);
    }
    outcomes
}

async fn store_together(shared: &Shared, planned: &[Planned]) -> Result<(), rolecall_db::Error> {
    let now: Timestamp = shared.clock.now();
    shared
        .database
        .write(|tx| async move {
            if planned.iter().any(|plan| plan.ended.is_some()) {
                ended::close(&tx).await?;
            } else {
                ended::enter(&tx).await?;
            }
            let mut drafts = Vec::new();
            for plan in planned {
                if inbox::accept(&tx, &plan.source, plan.event_id, now).await? {
                    drafts.extend(plan.drafts.iter().cloned());
                    match plan.ended {
                        Some(End::Account(ended)) => endings::end(&tx, ended, now).await?,
                        Some(End::Organization(organization)) => {
                            endings::end_organization(&tx, organization, now).await?;
                        }
                        None => {}
                    }
                }
            }
            deliveries::insert(&tx, drafts, now).await
        })
        .await
}
