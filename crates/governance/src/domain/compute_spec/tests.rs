use rolecall_authz::Scope;
use rolecall_kernel::entropy::SystemEntropy;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_000);
const LATER: Timestamp = Timestamp::from_seconds(2_000);

fn organization() -> OrganizationId {
    OrganizationId::new(NOW, &SystemEntropy)
}

fn draft(organizations: &[OrganizationId]) -> ComputeSpec {
    let part = |organization_id: &OrganizationId| Part {
        organization_id: *organization_id,
        datasets: [(DatasetId::new(NOW, &SystemEntropy), None)].into_iter().collect(),
        verdict: Verdict::Waiting,
    };
    ComputeSpec {
        compute_spec_id: ComputeSpecId::new(NOW, &SystemEntropy),
        organization_id: organization(),
        creator: UserId::new(NOW, &SystemEntropy),
        name: ResourceName::parse("Means").expect("a name"),
        model_id: ModelId::new(NOW, &SystemEntropy),
        model_version: VersionName::parse("1.0").expect("a name"),
        parameters: Parameters::parse("").expect("parameters"),
        parts: organizations.iter().map(part).collect(),
        state: State::Draft,
        cause: None,
        submitted: None,
        ended: None,
        expires: None,
        version: 1,
        created: NOW,
        updated: NOW,
    }
}

fn submitted(organizations: &[OrganizationId]) -> ComputeSpec {
    let mut spec = draft(organizations);
    assert_eq!(spec.submit(&BTreeMap::new(), Some(LATER), NOW), Ok(true));
    spec
}

fn reason() -> Reason {
    Reason::parse("not that").expect("a reason")
}

#[test]
fn a_spec_is_approved_when_all_have_approved_and_rejected_as_soon_as_one_rejects() {
    let (one, other) = (organization(), organization());
    let mut spec = submitted(&[one, other]);
    assert_eq!((spec.approve(one, NOW), spec.state), (Ok(true), State::PartlyApproved));
    assert_eq!((spec.approve(one, NOW), spec.version), (Ok(false), 3));
    let mut rejected = spec.clone();
    assert_eq!((spec.approve(other, NOW), spec.state), (Ok(true), State::Approved));
    assert_eq!(spec.reject(one, &reason(), NOW), Err(ReviewError::NotUnderReview));
    assert_eq!((rejected.reject(one, &reason(), NOW), rejected.state), (Ok(()), State::Rejected));
    assert_eq!(rejected.approve(other, NOW), Err(ReviewError::NotUnderReview));
    assert_eq!(rejected.withdraw(NOW), Err(StateError::Ended));
    assert_eq!(submitted(&[one]).approve(other, NOW), Err(ReviewError::NoPart));
}

#[test]
fn what_expired_is_revoked_whether_it_is_written_down_or_not() {
    let one = organization();
    let mut spec = submitted(&[one]);
    assert_eq!((spec.state_at(NOW), spec.state_at(LATER)), (State::Submitted, State::Revoked));
    assert_eq!((spec.cause_at(NOW), spec.cause_at(LATER)), (None, Some(Cause::PolicyExpired)));
    assert_eq!(spec.approve(one, LATER), Err(ReviewError::NotUnderReview));
    assert_eq!(spec.withdraw(LATER), Err(StateError::Ended));
    assert_eq!(spec.submit(&BTreeMap::new(), None, LATER), Err(StateError::NotDraft));
    assert!(spec.revoke(Cause::PolicyExpired, LATER) && !spec.revoke(Cause::PolicyRevoked, LATER));
    assert_eq!((spec.state, spec.cause), (State::Revoked, Some(Cause::PolicyExpired)));
    assert!(!draft(&[one]).revoke(Cause::PolicyRevoked, NOW), "a draft stands on nothing");
}

#[test]
fn a_reviewer_is_told_of_its_own_part_alone() {
    let (one, other) = (organization(), organization());
    let sight = Sight { all: Scope::Nothing, created: None, touching: Some(one) };
    assert_eq!(sight.view(&draft(&[one, other])), None);
    let mut spec = submitted(&[one, other]);
    let view = sight.view(&spec).expect("a part is seen");
    assert_eq!((view, view.state(&spec, NOW)), (View::Part(one), State::Submitted));
    let before = view.etag(&spec, NOW);
    assert_eq!(spec.approve(other, LATER.minus(std::time::Duration::from_secs(1))), Ok(true));
    assert_eq!((view.state(&spec, NOW), view.etag(&spec, NOW), view.updated(&spec)), (State::Submitted, before, NOW));
    let mut whole = spec.clone();
    assert_eq!((whole.approve(one, NOW), view.state(&whole, NOW)), (Ok(true), State::Approved));
    assert_eq!((spec.reject(other, &reason(), NOW), view.state(&spec, NOW)), (Ok(()), State::Revoked));
    assert_eq!(View::Part(other).state(&spec, NOW), State::Rejected);
    assert_eq!(Sight { touching: Some(organization()), ..sight }.view(&spec), None);
}

#[test]
fn names_are_read_back() {
    assert!(State::ALL.into_iter().all(|state| State::parse(state.name()) == Some(state)));
    assert!(Cause::ALL.into_iter().all(|cause| Cause::parse(cause.name()) == Some(cause)));
}

#[test]
fn parameters_are_objects_that_fit_a_schema_as_they_are_kept() {
    let reason = |text: &str| Parameters::parse(text).map_or_else(|error| error.reason(), |_| "");
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(40), "]".repeat(40));
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(70_000));
    let wrong = [("{", "JSON_MALFORMED"), ("[]", "OBJECT_REQUIRED"), (deep.as_str(), "TOO_DEEP"), (&long, "TOO_LONG")];
    for (text, expected) in wrong {
        assert_eq!(reason(text), expected);
    }
    let twice = Parameters::parse(r#"{"epochs": 1, "epochs": 9}"#).expect("parameters");
    assert_eq!(twice.as_str(), r#"{"epochs":9}"#, "what is checked is what is read");
    let schema = super::super::schema::ParameterSchema::parse(r#"{"properties": {"epochs": {"maximum": 5}}}"#);
    let schema = schema.expect("a schema");
    assert!(fits(&twice, &schema).is_err_and(|problem| problem.starts_with("/epochs: ")));
    assert_eq!(fits(&Parameters::parse("").expect("none"), &schema), Ok(()));
}

#[test]
fn a_run_comes_to_its_end_once() {
    let name = RunName::parse("run-1").expect("a name");
    let mut run = Run { name, state: RunState::Running, detail: String::new(), started: NOW, updated: NOW };
    assert_eq!(run.report(RunState::Running, "epoch 2", LATER), Ok(true));
    assert_eq!(run.report(RunState::Succeeded, "", LATER), Ok(true));
    assert_eq!(run.report(RunState::Succeeded, "", LATER), Ok(false));
    assert_eq!(run.report(RunState::Failed, "", LATER), Err(RunError::Ended));
    assert!(RunName::parse("").is_err() && RunName::parse("a b").is_err() && RunName::parse("-a").is_err());
}
