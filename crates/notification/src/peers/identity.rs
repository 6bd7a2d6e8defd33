//! Asks identity for names and addresses, and for the name of the installation.

use std::collections::{HashMap, HashSet};

use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_api::identity::v1::{BatchGetContactsRequest, GetInstanceRequest, ResolveProvenEmailsRequest};
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::channel::Channel;

use super::Unreachable;
use crate::domain::arrival::Contact;

/// The most that are asked for at once.
const MAX_SUBJECTS: usize = 1_000;

pub(super) async fn contacts(
    channel: Channel,
    subjects: HashSet<SubjectId>,
) -> Result<HashMap<SubjectId, Contact>, Unreachable> {
    let subject_ids: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    let mut client = DirectoryServiceClient::new(channel);
    let mut found = HashMap::with_capacity(subject_ids.len());
    for subject_ids in subject_ids.chunks(MAX_SUBJECTS).map(<[String]>::to_vec) {
        let answer = client.batch_get_contacts(BatchGetContactsRequest { subject_ids }).await;
        let answer = answer.map_err(|status| Unreachable::new("identity", &status))?.into_inner();
        found.extend(answer.contacts.into_iter().filter_map(|contact| {
            let subject = SubjectId::parse(&contact.subject_id).ok()?;
            let email = EmailAddress::parse(&contact.email).ok()?;
            Some((subject, Contact { email, name: contact.name }))
        }));
    }
    Ok(found)
}

pub(super) async fn owners(
    channel: Channel,
    addresses: Vec<EmailAddress>,
) -> Result<HashMap<String, SubjectId>, Unreachable> {
    let emails = addresses.iter().map(|address| address.as_str().to_owned()).collect();
    let answer =
        DirectoryServiceClient::new(channel).resolve_proven_emails(ResolveProvenEmailsRequest { emails }).await;
    let answer = answer.map_err(|status| Unreachable::new("identity", &status))?.into_inner();
    let read = answer.proven.into_iter().filter_map(|one| Some((one.email, SubjectId::parse(&one.user_id).ok()?)));
    Ok(read.collect())
}

pub(super) async fn instance_name(channel: Channel) -> Result<String, Unreachable> {
    let answer = DirectoryServiceClient::new(channel).get_instance(GetInstanceRequest {}).await;
    Ok(answer.map_err(|status| Unreachable::new("identity", &status))?.into_inner().name)
}
