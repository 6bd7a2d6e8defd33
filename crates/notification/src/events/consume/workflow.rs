//! Steps of the data workflow: whom policies open datasets to, and what becomes of compute specs.

use prost::Message as _;
use rolecall_api::organization::v1::DomainEvent;
use rolecall_api::organization::v1::domain_event::Event;

use super::{Head, subjects};
use crate::domain::arrival::{Notice, Variables};
use crate::domain::template::Template;

/// Tells whether somebody hears of events of this topic.
pub(super) fn is_told(topic: &str) -> bool {
    let Some(name) = topic.strip_prefix("organization.") else { return false };
    [
        "asset_policy_activated",
        "asset_policy_revoked",
        "asset_policy_updated",
        "asset_policy_beneficiary_bound",
        "compute_spec_review_requested",
        "compute_spec_partly_approved",
        "compute_spec_approved",
        "compute_spec_rejected",
        "compute_spec_revoked",
    ]
    .contains(&name)
}

/// What somebody is told.
struct Step {
    template: Template,
    /// Of what; also the first words of a line of a summary.
    name: String,
    told: Vec<String>,
    /// Whether the recipients belong to the organization of the event.
    is_own: bool,
    extra: Variables,
}

impl Step {
    fn of_policy(template: Template, name: String, told: Vec<String>) -> Self {
        // They may belong anywhere: what is mailed to them is nothing that the owners of the policy list.
        Self { template, name, told, is_own: false, extra: Variables::new() }
    }

    fn of_spec(template: Template, name: String, creator: String) -> Self {
        Self { template, name, told: vec![creator], is_own: true, extra: Variables::new() }
    }

    fn with(mut self, name: &str, value: String) -> Self {
        self.extra.insert(name.to_owned(), value);
        self
    }

    /// The subject of the mail, and its line in a summary.
    #[expect(clippy::wildcard_enum_match_arm, reason = "made by `step` of these templates alone")]
    fn title(&self) -> String {
        let name = &self.name;
        match self.template {
            Template::AssetPolicyActivated => format!("{name}: datasets are open to you"),
            Template::AssetPolicyRevoked => format!("{name}: datasets are open to you no longer"),
            Template::ComputeSpecReviewRequested => format!("{name} waits for your review"),
            Template::ComputeSpecPartlyApproved => format!("{name} is approved in part"),
            Template::ComputeSpecApproved => format!("{name} is approved"),
            Template::ComputeSpecRejected => format!("{name} is rejected"),
            _ => format!("{name} is revoked"),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other events are not of the workflow")]
fn step(event: Event, target: &str) -> Result<Step, String> {
    Ok(match event {
        Event::AssetPolicyActivated(it) => Step::of_policy(Template::AssetPolicyActivated, it.name, it.beneficiary_ids),
        Event::AssetPolicyRevoked(it) => Step::of_policy(Template::AssetPolicyRevoked, it.name, it.beneficiary_ids),
        Event::AssetPolicyUpdated(it) => Step::of_policy(Template::AssetPolicyRevoked, it.name, it.removed_ids),
        Event::AssetPolicyBeneficiaryBound(it) => {
            Step::of_policy(Template::AssetPolicyActivated, it.name, vec![target.to_owned()])
        }
        Event::ComputeSpecReviewRequested(it) => {
            let count = it.dataset_ids.len().to_string();
            let template = Template::ComputeSpecReviewRequested;
            Step { template, name: it.name, told: it.owner_ids, is_own: true, extra: Variables::new() }
                .with("count", count)
        }
        Event::ComputeSpecPartlyApproved(it) => {
            Step::of_spec(Template::ComputeSpecPartlyApproved, it.name, it.creator_id)
        }
        Event::ComputeSpecApproved(it) => Step::of_spec(Template::ComputeSpecApproved, it.name, it.creator_id),
        Event::ComputeSpecRejected(it) => {
            Step::of_spec(Template::ComputeSpecRejected, it.name, it.creator_id).with("reason", it.reason)
        }
        Event::ComputeSpecRevoked(it) => {
            let cause = cause(&it.cause).to_owned();
            Step::of_spec(Template::ComputeSpecRevoked, it.name, it.creator_id).with("cause", cause)
        }
        _ => return Err("the payload does not fit its topic".to_owned()),
    })
}

fn cause(name: &str) -> &'static str {
    match name {
        "POLICY_REVOKED" => "a policy that it stood on was revoked",
        "POLICY_NARROWED" => "a policy that it stood on was narrowed",
        "POLICY_EXPIRED" => "the time of a policy that it stood on has passed",
        "DATASET_DELETED" => "one of its datasets was deleted",
        "ORGANIZATION_SUSPENDED" => "an organization that it needs was suspended",
        _ => "something that it stood on ended",
    }
}

/// Reads whom an event tells what.
pub(super) fn notice(payload: &[u8]) -> Result<Notice, String> {
    let message = DomainEvent::decode(payload).map_err(|_| "the payload is no DomainEvent")?;
    let step = step(message.event.ok_or("the payload does not fit its topic")?, &message.target_id)?;
    let recipients = subjects("recipients", &step.told)?;
    let first = step.told.first().ok_or("nobody is told")?;
    let title = step.title();
    let mut variables = step.extra;
    variables.extend([("name".to_owned(), step.name), ("title".to_owned(), title)]);
    let head = Head {
        actor_id: &message.actor_id,
        organization_id: if step.is_own { &message.organization_id } else { "" },
        target_id: first,
        occurred: message.occurred_time,
    };
    Ok(Notice { recipients, ..head.notice(step.template, variables)? })
}
