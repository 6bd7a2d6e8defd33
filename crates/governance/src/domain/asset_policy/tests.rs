use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::UserId;
use rolecall_kernel::text::EmailAddress;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000);
const LATER: Timestamp = Timestamp::from_seconds(2_000);

fn email(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn dataset(number: u128) -> DatasetId {
    DatasetId::from_uuid(uuid::Uuid::from_u128(number))
}

fn reason() -> Reason {
    Reason::parse("the study is over").expect("a reason")
}

fn draft() -> AssetPolicy {
    let home = OrganizationId::new(NOW, &SystemEntropy);
    let bond = Bond { user_id: UserId::new(NOW, &SystemEntropy), bound: NOW, organization_id: Some(home) };
    let ada = Beneficiary { email: email("ada@example.org"), bond: Some(bond) };
    AssetPolicy {
        asset_policy_id: AssetPolicyId::new(NOW, &SystemEntropy),
        organization_id: OrganizationId::new(NOW, &SystemEntropy),
        terms: Terms {
            name: ResourceName::parse("Trial 1").expect("a name"),
            datasets: vec![dataset(1), dataset(2)],
            beneficiaries: vec![ada, Beneficiary::waiting(email("bob@example.org"))],
            model_id: ModelId::new(NOW, &SystemEntropy),
            model_version: VersionName::parse("1.0").expect("a name"),
            bounds: ParameterSchema::parse("{}").ok(),
            controls: PrivacyControls {
                minimum_cohort: Some(10),
                budget: Some(PrivacyBudget { epsilon: 1.0, delta: 0.000_01 }),
                output_review: false,
                obligations: vec![Obligation::parse("no-export").expect("a name")],
            },
            window: Window { starts: None, ends: Some(LATER) },
        },
        state: State::Draft,
        version: 1,
        created: NOW,
        updated: NOW,
    }
}

fn active() -> AssetPolicy {
    let mut policy = draft();
    assert_eq!(policy.activate(NOW), Ok(true));
    policy
}

/// A change of everything to something else.
fn everything() -> Change {
    Change {
        name: ResourceName::parse("Trial 2").ok(),
        datasets: Some(vec![dataset(2), dataset(3)]),
        beneficiaries: Some(vec![email("Ada@Example.org"), email("carl@example.org")]),
        model_id: Some(ModelId::new(LATER, &SystemEntropy)),
        model_version: VersionName::parse("2.0").ok(),
        bounds: Some(None),
        controls: Some(PrivacyControls::default()),
        starts: Some(Some(NOW)),
        ends: Some(None),
    }
}

#[test]
fn a_policy_is_drafted_activated_and_revoked_in_that_order() {
    let mut policy = draft();
    assert_eq!(policy.revoke(&reason(), NOW), Err(StateError::NotActive));
    assert!(!policy.is_in_force(NOW) && policy.deletable().is_ok());
    assert_eq!((policy.activate(NOW), policy.activate(NOW)), (Ok(true), Ok(false)));
    assert!(policy.is_in_force(NOW) && policy.etag() == "v2");
    assert_eq!(policy.deletable(), Err(StateError::Active));
    assert_eq!(policy.revoke(&reason(), NOW), Ok(()));
    assert!(!policy.is_in_force(NOW) && policy.deletable().is_ok());
    assert_eq!(policy.revoke(&reason(), NOW), Err(StateError::NotActive));
    assert_eq!(policy.activate(NOW), Err(StateError::Revoked));
    assert_eq!(policy.change(&everything(), NOW), Err(ChangeError::Revoked));
    assert_eq!(policy.state.name(), "REVOKED");
}

#[test]
fn a_policy_opens_from_its_start_on_and_not_at_its_end() {
    let second = |seconds| Timestamp::from_seconds(seconds);
    let window = Window { starts: Some(second(10)), ends: Some(second(20)) };
    let open: Vec<i64> = [9, 10, 19, 20, 21].into_iter().filter(|at| window.is_open(second(*at))).collect();
    assert_eq!(open, [10, 19]);
    assert!(Window::default().is_open(second(0)) && window.is_ordered());
    assert!(!Window { starts: Some(second(20)), ends: Some(second(20)) }.is_ordered());
    let mut late = draft();
    assert_eq!(late.activate(LATER), Err(StateError::Expired));
    let mut policy = active();
    assert!(policy.is_in_force(NOW) && !policy.is_in_force(LATER));
    assert_eq!(policy.revoke(&reason(), LATER), Ok(()), "what has ended by itself can be revoked all the same");
}

#[test]
fn a_draft_changes_as_wanted_and_who_stays_stays_bound() {
    let mut policy = draft();
    let bond = policy.terms.beneficiaries[0].bond;
    let fields = policy.change(&everything(), LATER).expect("changed");
    assert_eq!(fields.len(), 9);
    assert_eq!(policy.terms.beneficiaries[0].bond, bond);
    assert_eq!(policy.terms.beneficiaries[1], Beneficiary::waiting(email("carl@example.org")));
    assert_eq!((policy.version, policy.updated), (2, LATER));
    assert_eq!(policy.change(&Change::default(), LATER), Ok(Vec::new()));
    assert_eq!(policy.version, 2, "nothing changed");
    let backwards = Change { starts: Some(Some(LATER)), ends: Some(Some(NOW)), ..Change::default() };
    assert_eq!(policy.change(&backwards, NOW), Err(ChangeError::Disordered));
}

#[test]
fn an_active_policy_says_everything_that_would_widen_it() {
    let (mut policy, before) = (active(), active());
    let Err(ChangeError::Widened(fields)) = policy.change(&everything(), NOW) else { panic!("it is wider") };
    let all = ["dataset_ids", "beneficiaries", "model_id", "model_version", "parameter_bounds"];
    assert_eq!(fields, [&all[..], &["privacy_controls", "start_time"]].concat());
    assert_eq!(policy.version, before.version);
}

#[test]
fn an_active_policy_is_narrowed_and_its_end_moved() {
    let mut policy = active();
    let stricter = PrivacyControls {
        minimum_cohort: Some(20),
        budget: Some(PrivacyBudget { epsilon: 0.5, delta: 0.0 }),
        output_review: true,
        obligations: ["no-export", "on-site"].into_iter().filter_map(|name| Obligation::parse(name).ok()).collect(),
    };
    let narrower = Change {
        name: ResourceName::parse("Trial 1, second part").ok(),
        datasets: Some(vec![dataset(2)]),
        beneficiaries: Some(vec![email("ada@example.org")]),
        controls: Some(stricter),
        ends: Some(None),
        ..Change::default()
    };
    let fields = policy.change(&narrower, NOW).expect("narrowed");
    assert_eq!(fields, ["name", "dataset_ids", "beneficiaries", "privacy_controls", "end_time"]);
    let back = Change { datasets: Some(vec![dataset(1), dataset(2)]), ..Change::default() };
    assert_eq!(policy.change(&back, NOW), Err(ChangeError::Widened(vec!["dataset_ids"])));
}

#[test]
fn controls_are_as_strict_as_others_in_every_respect_or_not() {
    let strict = draft().terms.controls;
    assert!(strict.are_as_strict_as(&strict) && strict.are_as_strict_as(&PrivacyControls::default()));
    for weaker in [
        PrivacyControls { minimum_cohort: Some(9), ..strict.clone() },
        PrivacyControls { minimum_cohort: None, ..strict.clone() },
        PrivacyControls { budget: Some(PrivacyBudget { epsilon: 1.1, delta: 0.0 }), ..strict.clone() },
        PrivacyControls { budget: None, ..strict.clone() },
        PrivacyControls { obligations: Vec::new(), ..strict.clone() },
    ] {
        assert!(!weaker.are_as_strict_as(&strict), "{weaker:?}");
    }
    let reviewed = PrivacyControls { output_review: true, ..strict.clone() };
    assert!(reviewed.are_as_strict_as(&strict) && !strict.are_as_strict_as(&reviewed));
}

#[test]
fn names_of_obligations_are_plain() {
    for bad in ["", "No-export", "1st", "no export", "-x", &"x".repeat(65)] {
        assert!(Obligation::parse(bad).is_err(), "{bad}");
    }
    assert!(Obligation::parse("no-export.v2").is_ok_and(|name| name.as_str() == "no-export.v2"));
}

#[test]
fn a_deleted_account_is_no_beneficiary_and_its_place_stays_taken() {
    let mut beneficiary = draft().terms.beneficiaries[0].clone();
    assert!(beneficiary.user().is_some());
    beneficiary.bond = beneficiary.bond.map(|bond| Bond { organization_id: None, ..bond });
    assert!(beneficiary.user().is_none() && beneficiary.bond.is_some());
}

#[test]
fn what_goes_beyond_the_rest_of_a_day_uses_it_up_and_then_nobody_is_looked_for() {
    let (policy, told) = (draft(), |told| Disclosure { told, since: Some(NOW) });
    assert_eq!(Disclosure::default().spend(&policy, LATER), Ok(1));
    assert_eq!(told(99).spend(&policy, LATER), Ok(1));
    let mut two = policy.clone();
    two.terms.beneficiaries.push(policy.terms.beneficiaries[0].clone());
    let wait = NOW.plus(DAY).since(LATER);
    assert_eq!(told(99).spend(&two, LATER), Err(Undisclosed { wait, used_up: 1 }));
    let mut unknown = policy.clone();
    unknown.terms.beneficiaries = vec![Beneficiary::waiting(email("bob@example.org"))];
    assert_eq!(told(99).spend(&unknown, LATER), Ok(0));
    assert_eq!(told(100).spend(&unknown, LATER), Err(Undisclosed { wait, used_up: 0 }));
    let home = policy.terms.beneficiaries[0].bond.and_then(|bond| bond.organization_id).expect("lives");
    let mut own = AssetPolicy { organization_id: home, ..policy };
    own.terms.beneficiaries.truncate(1);
    assert_eq!(told(100).spend(&own, LATER), Ok(0));
}
