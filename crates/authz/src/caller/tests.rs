use rolecall_kernel::time::Timestamp;
use uuid::Uuid;

use super::*;

fn claims(kind: SubjectKind) -> Arc<AccessClaims> {
    Arc::new(AccessClaims {
        iss: "issuer".to_owned(),
        sub: SubjectId::from_uuid(Uuid::from_u128(1)),
        aud: "rolecall".to_owned(),
        exp: Timestamp::from_seconds(300),
        iat: Timestamp::from_seconds(0),
        sid: Some(SessionId::from_uuid(Uuid::from_u128(2))),
        jti: "one".to_owned(),
        auth_time: Timestamp::from_seconds(7),
        amr: vec!["pwd".to_owned()],
        kind,
        scope: None,
        act: None,
        read_only: false,
    })
}

fn access(kind: SubjectKind, organization: Option<u128>, grants: &[(&str, ScopeKind)]) -> Arc<SubjectAccess> {
    Arc::new(SubjectAccess {
        subject: SubjectId::from_uuid(Uuid::from_u128(1)),
        kind,
        organization_id: organization.map(|id| OrganizationId::from_uuid(Uuid::from_u128(id))),
        organization_active: true,
        roles: Vec::new(),
        admin: false,
        blocked: false,
        grants: grants.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        session_limits: SessionLimits::default(),
        revision: 9,
    })
}

#[test]
fn asvs_v10_3_2_a_narrowed_token_opens_what_it_names_of_what_its_person_holds() {
    let grants = [("a.b.get", ScopeKind::Own), ("a.b.create", ScopeKind::Any)];
    let scope = Some(vec!["a.b.get".to_owned(), "a.b.delete".to_owned()]);
    let narrowed = Arc::new(AccessClaims { scope, ..(*claims(SubjectKind::User)).clone() });
    let caller = Caller::new(narrowed, access(SubjectKind::User, Some(5), &grants));
    let own = OrganizationId::from_uuid(Uuid::from_u128(5));
    assert!(caller.is_personal_token() && caller.kind() == CallerKind::User);
    assert_eq!(caller.scope("a.b.get"), Scope::organization(own));
    assert_eq!(caller.scope("a.b.create"), Scope::Nothing, "held, and not lent");
    assert_eq!(caller.scope("a.b.delete"), Scope::Nothing, "lent, and not held");
    assert!(caller.holds("a.b.get") && !caller.holds("a.b.create") && !caller.holds("a.b.delete"));
    let whole = Caller::new(claims(SubjectKind::User), access(SubjectKind::User, Some(5), &grants));
    assert!(!whole.is_personal_token() && whole.holds("a.b.create"));
    assert!(!service("identity").is_personal_token());
}

fn service(name: &str) -> Caller {
    Caller::of_service(Arc::new(ServiceClaims {
        iss: "rolecall".to_owned(),
        sub: format!("service:{name}"),
        aud: "service:organization".to_owned(),
        exp: Timestamp::from_seconds(60),
        iat: Timestamp::from_seconds(3),
    }))
}

#[test]
fn the_scope_of_a_permission_is_the_widest_of_its_grants() {
    let own = OrganizationId::from_uuid(Uuid::from_u128(5));
    let grants = [
        ("a.b.self", ScopeKind::SelfOnly),
        ("a.b.own", ScopeKind::Own),
        ("a.b.any", ScopeKind::Any),
        ("a.b.own", ScopeKind::SelfOnly),
        ("a.b.any", ScopeKind::Own),
        ("a.b.related", ScopeKind::Related),
        ("a.b.self", ScopeKind::Related),
    ];
    let caller = Caller::new(claims(SubjectKind::User), access(SubjectKind::User, Some(5), &grants));
    assert_eq!(caller.scope("a.b.self"), Scope::SelfOnly(caller.subject()));
    assert_eq!(caller.scope("a.b.own"), Scope::organization(own));
    assert_eq!(caller.scope("a.b.any"), Scope::All);
    assert_eq!(caller.scope("a.b.related"), Scope::Related(caller.subject()));
    assert!(caller.holds("a.b.related"), "the layer admits who holds it on a condition");
    assert_eq!(caller.scope("a.b.none"), Scope::Nothing);
    assert!(caller.holds("a.b.self") && !caller.holds("a.b.none") && !caller.holds(""));

    let homeless = Caller::new(claims(SubjectKind::User), access(SubjectKind::User, None, &grants));
    assert_eq!(homeless.scope("a.b.own"), Scope::SelfOnly(homeless.subject()));
}

#[test]
fn attack_t18_a_relation_is_that_of_the_subject_and_opens_nothing_that_its_actor_holds_nowhere() {
    let own = OrganizationId::from_uuid(Uuid::from_u128(5));
    let subject = access(SubjectKind::User, Some(5), &[("a.b.related", ScopeKind::Related)]);
    let acting = |grants: &[(&str, ScopeKind)]| {
        let actor = access(SubjectKind::User, Some(5), grants);
        Caller::acting(claims(SubjectKind::User), Arc::clone(&subject), actor)
    };
    let wider = [("a.b.related", ScopeKind::Related), ("a.b.all", ScopeKind::Own)];
    let caller = acting(&wider);
    assert_eq!(caller.scope("a.b.related"), Scope::Related(caller.subject()));
    assert!(caller.actor_reaches("a.b.all", own) && !caller.actor_reaches("a.b.related", own));
    assert_eq!(caller.scope("a.b.all"), Scope::Nothing, "the subject does not hold it");
    let less = acting(&wider[1..]);
    assert_eq!(less.scope("a.b.related"), Scope::Nothing);
    let elsewhere = OrganizationId::from_uuid(Uuid::from_u128(6));
    assert!(!caller.actor_reaches("a.b.all", elsewhere));
    let nobody = Caller::new(claims(SubjectKind::User), subject);
    assert!(nobody.actor_reaches("a.b.all", elsewhere), "nobody acts as it");
}

#[test]
fn a_caller_is_of_exactly_one_kind() {
    let user = Caller::new(claims(SubjectKind::User), access(SubjectKind::User, Some(5), &[]));
    assert_eq!(user.kind(), CallerKind::User);
    assert!(user.user().is_some() && user.service_account().is_none() && user.service().is_none());
    assert!(user.session().is_some() && user.claims().is_some());
    assert_eq!((user.auth_time(), user.revision()), (Timestamp::from_seconds(7), 9));
    assert_eq!(user.authentication_methods(), ["pwd"]);

    let kind = SubjectKind::ServiceAccount;
    let account = Caller::new(claims(kind), access(kind, None, &[]));
    assert_eq!(account.kind(), CallerKind::ServiceAccount);
    assert!(account.user().is_none() && account.service_account().is_some() && account.service().is_none());

    let service = service("identity");
    assert_eq!(service.kind(), CallerKind::Service);
    assert!(service.user().is_none() && service.service_account().is_none() && service.session().is_none());
    assert_eq!(service.service(), Some("identity"));
    assert_eq!(service.auth_time(), Timestamp::from_seconds(3));
    assert_eq!(service.scope("a.b.c"), Scope::All);
}

#[test]
fn a_service_always_has_the_same_identifier_and_shares_it_with_nobody() {
    assert_eq!(service("identity").subject(), service("identity").subject());
    assert_ne!(service("identity").subject(), service("organization").subject());
    assert_eq!(service("identity").subject().as_uuid().get_version_num(), 8);
}

#[test]
fn a_request_without_a_caller_is_a_defect_of_the_server() {
    let status = caller(&Request::new(())).expect_err("no caller");
    assert_eq!(status.code(), tonic::Code::Internal);
    assert_eq!(ruling(&Request::new(())).expect_err("no ruling").code(), tonic::Code::Internal);
    let mut request = Request::new(());
    request.extensions_mut().insert(Arc::new(service("identity")));
    assert_eq!(caller(&request).expect("a caller").service(), Some("identity"));
}
