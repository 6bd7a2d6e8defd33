//! Who proved which address: told once, when it happens, and to the services of the suite alone.

use prost::Message as _;
use rolecall_api::identity::v1::create_user_request::Credential;
use rolecall_api::identity::v1::domain_event::Event;
use rolecall_api::identity::v1::*;
use rolecall_kernel::key::Purpose;
use rolecall_kernel::text::EmailAddress;
use rolecall_testkit::on_each_database;
use tonic::Code;

use crate::harness::{ADMIN, PASSWORD, World, bearer, create_user};
use crate::password_reset::{mailed_code, reset};
use crate::registrations::{open, registered, typed, verify};

const ADA: &str = "ada@example.org";
const NEW: &str = "seven green lamps whistle";

/// Returns who proved what so far: the keyed hash of the address, and the account.
pub(crate) async fn proofs(world: &World) -> Vec<(String, String)> {
    world.identity.relay().drain().await;
    let known = world.peers.known();
    let proven = known.audit.iter().filter(|event| event.topic == "identity.email_proven");
    let read = |payload: &[u8]| {
        let message = DomainEvent::decode(payload).expect("an event");
        let Some(Event::EmailProven(proven)) = message.event else { panic!("EmailProven") };
        (proven.address_hash, message.target_id)
    };
    proven.map(|event| read(&event.payload)).collect()
}

fn proof(world: &World, email: &str, user_id: &str) -> (String, String) {
    let email = EmailAddress::parse(email).expect("an address");
    (world.master.keyed_hash(Purpose::ProvenAddress).address(&email), user_id.to_owned())
}

async fn resolve(world: &World, emails: &[&str]) -> Vec<(String, String)> {
    let request = ResolveProvenEmailsRequest { emails: emails.iter().map(|email| (*email).to_owned()).collect() };
    let answer = world.directory().resolve_proven_emails(bearer(&world.service_token(), request)).await;
    let proven = answer.expect("told").into_inner().proven;
    proven.into_iter().map(|proven| (proven.email, proven.user_id)).collect()
}

fn with(email: &str, credential: Credential) -> CreateUserRequest {
    CreateUserRequest { credential: Some(credential), ..create_user(email, "GUEST") }
}

on_each_database! {
    async fn a_mailed_invitation_a_mailed_reset_and_a_registration_prove_an_address(database) {
        let (world, admin) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        assert_eq!(proofs(&world).await, [], "nobody mailed the first administrator anything");
        let ada = world.join(&root, ADA, "GUEST").await;
        let mut expected = vec![proof(&world, ADA, &ada.user_id)];
        assert_eq!(proofs(&world).await, expected);
        let code = mailed_code(&world, ADMIN).await;
        reset(&world, &code, NEW).await.expect("reset");
        expected.push(proof(&world, ADMIN, &admin.user_id));
        assert_eq!(proofs(&world).await, expected);
        let code = mailed_code(&world, ADA).await;
        reset(&world, &code, NEW).await.expect("reset");
        assert_eq!(proofs(&world).await, expected, "it is told once");
        open(&world, &admin.organization_id, "");
        let code = registered(&world, "Lady@example.org").await;
        let lady = verify(&world, &code, typed(PASSWORD)).await.expect("verified");
        expected.push(proof(&world, "lady@example.org", &lady.user_id));
        assert_eq!(proofs(&world).await, expected);
        let shown = resolve(&world, &["LADY@example.org", ADA, "nobody@example.org"]).await;
        assert_eq!(shown.len(), 2);
        assert!(shown.contains(&("lady@example.org".to_owned(), lady.user_id)), "{shown:?}");
    }

    async fn a_change_of_address_proves_the_new_one_when_it_is_confirmed(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        let own = world.log_in(ADA).await.access_token;
        let request = ChangeEmailRequest { email: "countess@example.org".to_owned(), ..Default::default() };
        world.accounts().change_email(bearer(&own, request)).await.expect("asked");
        assert_eq!(proofs(&world).await.len(), 1, "asking proves nothing");
        let code = world.code("countess@example.org").await;
        world.accounts().confirm_email_change(ConfirmEmailChangeRequest { code }).await.expect("confirmed");
        assert_eq!(proofs(&world).await.last(), Some(&proof(&world, "countess@example.org", &ada.user_id)));
        assert_eq!(resolve(&world, &[ADA, "countess@example.org"]).await, [("countess@example.org".to_owned(), ada.user_id)]);
    }

    async fn what_others_say_of_a_person_proves_nothing(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let initial = InitialPassword { password: PASSWORD.to_owned(), ..Default::default() };
        let request = with("initial@example.org", Credential::InitialPassword(initial));
        world.users().create_user(bearer(&root, request)).await.expect("created");
        let delivery = Some(CodeDelivery { delivery: Some(code_delivery::Delivery::Return(ReturnCode {})) });
        let returned = InvitationCredential { delivery };
        let request = with("returned@example.org", Credential::Invitation(returned));
        let invited = world.users().create_user(bearer(&root, request)).await.expect("invited").into_inner();
        world.accept(&invited.invitation_code).await.expect("accepted");
        assert_eq!(proofs(&world).await, []);
        assert_eq!(resolve(&world, &["initial@example.org", "returned@example.org", ADMIN]).await, []);
        let ada = world.join(&root, ADA, "GUEST").await;
        let moved = User { user_id: ada.user_id, email: "moved@example.org".to_owned(), ..Default::default() };
        let request = UpdateUserRequest { user: Some(moved), ..Default::default() };
        world.users().update_user(bearer(&root, request)).await.expect("an administrator moves it");
        assert_eq!(proofs(&world).await.len(), 1, "only the invitation");
        assert_eq!(resolve(&world, &[ADA, "moved@example.org"]).await, [], "the new address is unproven, the old given up");
    }

    async fn the_proof_of_a_deleted_account_is_no_longer_told(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let ada = world.join(&root, ADA, "GUEST").await;
        assert_eq!(resolve(&world, &[ADA]).await.len(), 1);
        let request = DeleteUserRequest { user_id: ada.user_id, ..Default::default() };
        world.users().delete_user(bearer(&root, request)).await.expect("deleted");
        assert_eq!(resolve(&world, &[ADA]).await, []);
    }

    async fn nobody_but_the_services_of_the_suite_asks_who_proved_what(database) {
        let (world, _) = World::bootstrapped(&database).await;
        let root = world.log_in(ADMIN).await.access_token;
        let request = ResolveProvenEmailsRequest { emails: vec![ADMIN.to_owned()] };
        let refused = world.directory().resolve_proven_emails(bearer(&root, request)).await.expect_err("internal");
        assert_eq!(refused.code(), Code::PermissionDenied);
        let request = ResolveProvenEmailsRequest { emails: vec!["nobody".to_owned(); 1_001] };
        let refused = world.directory().resolve_proven_emails(bearer(&world.service_token(), request)).await;
        assert_eq!(refused.expect_err("too many, and none").code(), Code::InvalidArgument);
    }
}
