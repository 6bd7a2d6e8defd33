use std::collections::HashMap;

use proptest::prelude::*;
use rolecall_api::identity::v1 as id;
use rolecall_api::organization::v1 as org;

use super::*;

/// Breaks one field.
type Spoil = fn(&mut MailCommand);

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn event(topic: &str, payload: Vec<u8>) -> IngestedEvent {
    IngestedEvent { event_id: ID.to_owned(), topic: topic.to_owned(), payload, ..Default::default() }
}

fn mail_command() -> MailCommand {
    MailCommand {
        template: "invitation".to_owned(),
        recipient_id: ID.to_owned(),
        email: "ada@example.org".to_owned(),
        organization_id: ID.to_owned(),
        variables: HashMap::from([("inviter_name".to_owned(), "Grace".to_owned())]),
        sealed_secret: vec![1],
        expire_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
    }
}

fn blocked(change: impl FnOnce(&mut org::DomainEvent)) -> Reading {
    let mut message = org::DomainEvent {
        actor_id: ID.to_owned(),
        organization_id: ID.to_owned(),
        target_id: ID.to_owned(),
        request_id: String::new(),
        on_behalf_of_id: String::new(),
        occurred_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        event: Some(org::domain_event::Event::MemberBlocked(org::MemberBlocked {
            reason: "left".to_owned(),
            until_time: Some(prost_types::Timestamp { seconds: 86_400, nanos: 0 }),
        })),
    };
    change(&mut message);
    read(&event("organization.member_blocked", message.encode_to_vec()))
}

#[test]
fn topics_of_others_are_nobodys_concern_and_unknown_orders_are_parked() {
    for topic in ["identity.login_succeeded", "organization.member_added", "", "billing.invoice_sent"] {
        assert!(matches!(read(&event(topic, vec![0xff])), Reading::NotOurs), "{topic}");
    }
    assert!(matches!(read(&event("notification.page_requested", vec![])), Reading::Malformed(_)));
}

#[test]
fn a_mail_command_is_read_or_refused_with_the_field_that_is_wrong() {
    let read = |command: MailCommand| read(&event("notification.mail_requested", command.encode_to_vec()));
    assert!(matches!(read(mail_command()), Reading::Arrival(_)));
    let wrong: [(&str, Spoil); 7] = [
        ("template", |command| command.template = "newsletter".to_owned()),
        ("recipient_id", |command| command.recipient_id = "7".to_owned()),
        ("email", |command| command.email = "ada@example.org, eve@evil.example".to_owned()),
        ("organization_id", |command| command.organization_id = "x".to_owned()),
        ("sealed_secret", |command| command.sealed_secret.clear()),
        ("expire_time", |command| command.expire_time = None),
        ("expire_time", |command| command.expire_time = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 })),
    ];
    for (field, spoil) in wrong {
        let mut command = mail_command();
        spoil(&mut command);
        assert!(matches!(read(command), Reading::Malformed(reason) if reason.contains(field)), "{field}");
    }
}

#[test]
fn a_block_tells_why_and_until_when() {
    let Reading::Arrival(Arrival { content: Content::Notice(notice), source, .. }) = blocked(|_| ()) else {
        panic!("a notice");
    };
    assert_eq!(source, "organization");
    assert_eq!(notice.variables["reason"], "left");
    assert_eq!(notice.variables["until"], "Friday, 2 January 1970, 00:00 UTC");
}

#[test]
fn an_owner_that_was_added_is_told_to_the_others() {
    let other = "01890a5d-ac96-774b-bcce-b302099a8058";
    let added = |owner_ids: &[&str]| {
        let owner_ids = owner_ids.iter().map(|id| (*id).to_owned()).collect();
        let message = org::DomainEvent {
            target_id: ID.to_owned(),
            occurred_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            event: Some(org::domain_event::Event::OwnerAdded(org::OwnerAdded { owner_ids })),
            ..Default::default()
        };
        read(&event("organization.owner_added", message.encode_to_vec()))
    };
    let Reading::Arrival(Arrival { content: Content::Notice(notice), .. }) = added(&[other]) else {
        panic!("a notice")
    };
    assert_eq!(notice.recipients, [SubjectId::parse(other).expect("an id")]);
    assert_eq!(notice.target, SubjectId::parse(ID).expect("an id"));
    assert!(matches!(added(&[other, "7"]), Reading::Malformed(reason) if reason.contains("owner_ids")));
}

#[test]
fn a_payload_that_does_not_fit_its_topic_is_malformed() {
    assert!(matches!(blocked(|message| message.event = None), Reading::Malformed(_)));
    assert!(matches!(blocked(|message| message.target_id.clear()), Reading::Malformed(_)));
    assert!(matches!(blocked(|message| message.occurred_time = None), Reading::Malformed(_)));
    assert!(matches!(blocked(|message| message.actor_id.clear()), Reading::Arrival(_)));
    for topic in ["identity.password_changed", "identity.email_changed", "identity.factors_reset"] {
        assert!(matches!(read(&event(topic, vec![])), Reading::Malformed(_)), "{topic}");
    }
    let mut nameless = event("identity.password_changed", vec![]);
    nameless.event_id.clear();
    assert!(matches!(read(&nameless), Reading::Malformed(_)));
}

fn account_event(topic: &str, event: id::domain_event::Event) -> Reading {
    let message = id::DomainEvent {
        target_id: ID.to_owned(),
        occurred_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        event: Some(event),
        ..Default::default()
    };
    read(&self::event(topic, message.encode_to_vec()))
}

#[test]
fn asvs_v6_3_7_what_concerns_the_safety_of_an_account_is_told_to_its_person() {
    use id::domain_event::Event;
    for (name, event, template) in [
        ("password_changed", Event::PasswordChanged(id::PasswordChanged {}), Template::PasswordChanged),
        ("new_device_used", Event::NewDeviceUsed(id::NewDeviceUsed::default()), Template::NewDeviceUsed),
        ("password_set", Event::PasswordSet(id::PasswordSet {}), Template::PasswordSet),
        ("factor_added", Event::FactorAdded(id::FactorAdded::default()), Template::FactorAdded),
        ("factor_removed", Event::FactorRemoved(id::FactorRemoved::default()), Template::FactorRemoved),
        ("factors_reset", Event::FactorsReset(id::FactorsReset {}), Template::FactorsReset),
        (
            "recovery_code_used",
            Event::RecoveryCodeUsed(id::RecoveryCodeUsed { codes_left: 7 }),
            Template::RecoveryCodeUsed,
        ),
        (
            "access_token_created",
            Event::AccessTokenCreated(id::AccessTokenCreated::default()),
            Template::AccessTokenCreated,
        ),
    ] {
        let Reading::Arrival(Arrival { content: Content::Notice(notice), .. }) =
            account_event(&format!("identity.{name}"), event)
        else {
            panic!("a notice of {name}")
        };
        assert_eq!((notice.template, notice.recipients.len(), notice.addresses.len()), (template, 1, 0), "{name}");
        let shown = notice.variables.get("codes_left").map(String::as_str);
        assert_eq!(shown, (template == Template::RecoveryCodeUsed).then_some("7"));
    }
    let deleted = account_event("identity.user_deleted", Event::UserDeleted(id::UserDeleted { erased: false }));
    let Reading::Arrival(Arrival { content: Content::Ended(End::Account(ended)), .. }) = deleted else {
        panic!("the end of a person")
    };
    assert!(!ended.is_erased);
}

#[test]
fn asvs_v6_3_7_a_changed_address_is_told_to_both_and_once_where_they_are_one() {
    let changed = |old: &str, new: &str| {
        let changed = id::EmailChanged { old_email: old.to_owned(), new_email: new.to_owned() };
        account_event("identity.email_changed", id::domain_event::Event::EmailChanged(changed))
    };
    for (old, new, told) in [
        ("ada@example.org", "countess@example.org", vec!["ada@example.org", "countess@example.org"]),
        ("ada@example.org", "Ada@Example.org", vec!["Ada@example.org"]),
    ] {
        let Reading::Arrival(Arrival { content: Content::Notice(notice), .. }) = changed(old, new) else {
            panic!("a notice")
        };
        assert_eq!(notice.addresses.iter().map(EmailAddress::as_str).collect::<Vec<_>>(), told);
    }
    for (old, new, field) in [("ada", "b@example.org", "old_email"), ("a@example.org", "", "new_email")] {
        assert!(matches!(changed(old, new), Reading::Malformed(reason) if reason.contains(field)));
    }
}

#[test]
fn roles_are_spelled_as_people_say_them() {
    let names = ["DATA_SCIENTIST".to_owned(), "OWNER".to_owned()];
    assert_eq!(roles(&names), "Data Scientist, Owner");
}

proptest! {
    #[test]
    fn asvs_v1_5_2_no_payload_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for topic in ["notification.mail_requested", "organization.member_blocked", "identity.email_changed"] {
            let _ = read(&event(topic, bytes.clone()));
        }
    }
}

#[test]
fn steps_of_the_workflow_are_told_to_whom_they_concern() {
    use org::domain_event::Event;
    const OTHER: &str = "01890a5d-ac96-774b-bcce-b302099a8058";
    let told = |topic: &str, step: Event| {
        let message = org::DomainEvent {
            organization_id: ID.to_owned(),
            target_id: ID.to_owned(),
            occurred_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
            event: Some(step),
            ..Default::default()
        };
        let reading = read(&event(topic, message.encode_to_vec()));
        let Reading::Arrival(Arrival { content: Content::Notice(notice), .. }) = reading else { panic!("{reading:?}") };
        notice
    };
    let name = || "Means".to_owned();
    let asked = org::ComputeSpecReviewRequested {
        name: name(),
        creator_id: ID.to_owned(),
        dataset_ids: vec![ID.to_owned()],
        owner_ids: vec![ID.to_owned(), OTHER.to_owned()],
    };
    let notice = told("organization.compute_spec_review_requested", Event::ComputeSpecReviewRequested(asked));
    assert_eq!((notice.template, notice.recipients.len()), (Template::ComputeSpecReviewRequested, 2));
    assert_eq!(
        (notice.variables["title"].as_str(), notice.variables["count"].as_str()),
        ("Means waits for your review", "1")
    );
    assert!(notice.organization.is_some());
    let opened = org::AssetPolicyActivated { name: name(), beneficiary_ids: vec![OTHER.to_owned()] };
    let notice = told("organization.asset_policy_activated", Event::AssetPolicyActivated(opened));
    assert_eq!(notice.recipients, [SubjectId::parse(OTHER).expect("an id")]);
    assert_eq!(notice.organization, None, "it may belong anywhere");
    let taken = org::AssetPolicyUpdated { name: name(), removed_ids: vec![OTHER.to_owned()], ..Default::default() };
    let notice = told("organization.asset_policy_updated", Event::AssetPolicyUpdated(taken));
    assert_eq!(notice.template, Template::AssetPolicyRevoked);
    let cause = "DATASET_DELETED".to_owned();
    let ended = org::ComputeSpecRevoked { name: name(), creator_id: OTHER.to_owned(), cause };
    let notice = told("organization.compute_spec_revoked", Event::ComputeSpecRevoked(ended));
    assert_eq!(notice.variables["cause"], "one of its datasets was deleted");
    let fits = org::ComputeSpecCreated { name: name() };
    let message = org::DomainEvent { event: Some(Event::ComputeSpecCreated(fits)), ..Default::default() };
    let reading = read(&event("organization.compute_spec_revoked", message.encode_to_vec()));
    assert!(matches!(reading, Reading::Malformed(_)));
}
