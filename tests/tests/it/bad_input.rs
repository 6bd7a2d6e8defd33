//! What is not well said is refused whole, with every fault named, and leaves no trace.

use bytes::Bytes;
use prost::Message as _;
use rolecall_api::identity::v1 as identity;
use rolecall_api::organization::v1 as organization;
use rolecall_tests::actor::Actor;
use rolecall_tests::raw;
use rolecall_tests::refusal;
use rolecall_tests::stack::Stack;
use tonic::Code;

use crate::world;

const CREATE_USER: &str = "/rolecall.identity.v1.UserService/CreateUser";

/// ASVS: V2.2.2
#[tokio::test]
async fn asvs_v2_2_1_bad_input_is_refused_with_every_fault_named() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;

    let request = identity::CreateUserRequest {
        request_id: "not-a-uuid".to_owned(),
        organization_id: "nowhere".to_owned(),
        email: "not an address".to_owned(),
        given_name: "x".repeat(101),
        family_name: "line\nbreak".to_owned(),
        website: "javascript:alert(1)".to_owned(),
        institution: "\u{202e}".to_owned(),
        roles: vec!["emperor".to_owned()],
        ..Default::default()
    };
    let refused =
        refusal::expect_reason(admin.users().create_user(request).await, Code::InvalidArgument, "REQUEST_INVALID");
    let mut fields = refused.fields;
    fields.sort();
    fields.dedup();
    for field in ["email", "family_name", "given_name", "institution", "organization_id", "request_id", "website"] {
        assert!(fields.iter().any(|found| found == field), "{field} is not among {fields:?}");
    }
    assert!(fields.iter().any(|field| field.starts_with("roles")), "{fields:?}");

    let empty = admin.organizations().create_organization(organization::CreateOrganizationRequest::default()).await;
    let refused = refusal::expect_reason(empty, Code::InvalidArgument, "REQUEST_INVALID");
    assert!(refused.fields.iter().any(|field| field == "name"), "{refused:?}");

    let negative =
        identity::ListUsersRequest { page_size: -1, page_token: "nonsense".to_owned(), ..Default::default() };
    let refused =
        refusal::expect_reason(admin.users().list_users(negative).await, Code::InvalidArgument, "REQUEST_INVALID");
    assert_eq!(refused.fields.len(), 2, "{refused:?}");

    let all = identity::ListUsersRequest { organization_id: "-".to_owned(), ..Default::default() };
    let users = admin.users().list_users(all).await;
    assert_eq!(users.unwrap().into_inner().users.len(), 1, "nothing was stored");
}

#[tokio::test]
async fn a_weak_password_is_refused_and_the_code_still_serves() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    admin.users().create_user(world::create_user_request("weak@home.example", &["GUEST"])).await.unwrap();
    let code = stack.mailbox.wait_for("weak@home.example", "nvit").await.code();
    for (password, confirmation) in [
        ("short", "short"),
        ("correct horse battery staple 9", "another horse battery staple 9"),
        ("weak@home.example", "weak@home.example"),
        ("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaaaaa"),
        (&"x".repeat(2_000), &"x".repeat(2_000)),
    ] {
        let request = identity::AcceptInvitationRequest {
            code: code.clone(),
            password: password.to_owned(),
            password_confirmation: confirmation.to_owned(),
        };
        let refused = Actor::anonymous(&stack).registration().accept_invitation(request).await;
        refusal::expect_reason(refused, Code::InvalidArgument, "REQUEST_INVALID");
    }
    world::accept(&stack, "weak@home.example").await.expect("a good password is accepted");
}

/// ASVS: T38
#[tokio::test]
async fn asvs_v2_2_2_messages_too_large_malformed_or_unknown_get_the_right_status() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let channel = stack.channel("identity");
    let call = async |path: &str, body: Vec<u8>, token: Option<&str>| {
        refusal::expect(raw::call(&channel, path, Bytes::from(body), token).await)
    };

    let large = identity::LogInRequest { email: "a".repeat(70_000), password: String::new(), ..Default::default() }
        .encode_to_vec();
    let refused = call("/rolecall.identity.v1.AuthenticationService/LogIn", large, None).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "REQUEST_TOO_LARGE"));
    let large = identity::CreateUserRequest { name: "a".repeat(300_000), ..Default::default() }.encode_to_vec();
    let refused = call(CREATE_USER, large, Some(admin.token())).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::ResourceExhausted, "REQUEST_TOO_LARGE"));

    let refused = call(CREATE_USER, vec![0xff; 10], Some(admin.token())).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "REQUEST_MALFORMED"));
    let refused = call("/rolecall.identity.v1.UserService/NoSuchMethod", Vec::new(), Some(admin.token())).await;
    assert_eq!((refused.code, refused.reason.as_str()), (Code::PermissionDenied, "METHOD_UNKNOWN"));
    let refused = call("/no.such.Service/Method", Vec::new(), None).await;
    assert!([Code::PermissionDenied, Code::Unauthenticated].contains(&refused.code), "{refused:?}");
}

/// ASVS: V8.2.2, V8.4.1
#[tokio::test]
async fn attack_t21_what_belongs_to_another_organization_is_answered_like_what_does_not_exist() {
    let stack = Stack::start(world::ONE_SQLITE).await;
    let admin = world::bootstrap(&stack).await;
    let (lab, lab_owner) = world::organization_with_owner(&stack, &admin, "Lab", "olga@lab.example").await;
    let (_, stranger) = world::organization_with_owner(&stack, &admin, "Clinic", "carl@clinic.example").await;
    let random = "01890a5d-ac96-774b-bcce-b302099a8057";
    let (foreign, unknown) = (lab_owner.id.as_str(), random);
    let get = |id: &str| identity::GetUserRequest { user_id: id.to_owned() };
    same(stranger.users().get_user(get(foreign)).await, stranger.users().get_user(get(unknown)).await, foreign);
    let get = |id: &str| organization::GetMemberRequest { user_id: id.to_owned() };
    same(stranger.members().get_member(get(foreign)).await, stranger.members().get_member(get(unknown)).await, foreign);
    let block = |id: &str| organization::BlockMemberRequest {
        user_id: id.to_owned(),
        reason: "x".to_owned(),
        ..Default::default()
    };
    same(
        stranger.members().block_member(block(foreign)).await,
        stranger.members().block_member(block(unknown)).await,
        foreign,
    );
    let roles = |id: &str| organization::UpdateMemberRolesRequest {
        user_id: id.to_owned(),
        roles: vec!["GUEST".to_owned()],
        ..Default::default()
    };
    let (a, b) = (roles(foreign), roles(unknown));
    same(stranger.members().update_member_roles(a).await, stranger.members().update_member_roles(b).await, foreign);
    let get = |id: &str| organization::GetOrganizationRequest { organization_id: id.to_owned() };
    same(
        stranger.organizations().get_organization(get(&lab)).await,
        stranger.organizations().get_organization(get(random)).await,
        &lab,
    );
    let list = |id: &str| identity::ListUsersRequest { organization_id: id.to_owned(), ..Default::default() };
    same(stranger.users().list_users(list(&lab)).await, stranger.users().list_users(list(random)).await, &lab);
}

/// Expects two refusals that differ in nothing but the id that was asked for.
fn same<T: std::fmt::Debug>(foreign: Result<T, tonic::Status>, unknown: Result<T, tonic::Status>, id: &str) {
    let random = "01890a5d-ac96-774b-bcce-b302099a8057";
    let (foreign, unknown) = (refusal::expect(foreign), refusal::expect(unknown));
    assert_eq!(foreign.code, Code::NotFound);
    assert_eq!(format!("{foreign:?}").replace(id, "ID"), format!("{unknown:?}").replace(random, "ID"));
}
