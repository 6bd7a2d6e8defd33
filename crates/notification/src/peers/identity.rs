//! Asks identity for names and addresses.

use std::collections::{HashMap, HashSet};

use rolecall_api::identity::v1::BatchGetContactsRequest;
use rolecall_api::identity::v1::directory_service_client::DirectoryServiceClient;
use rolecall_kernel::id::SubjectId;
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::channel::Channel;

use super::Unreachable;
use crate::domain::arrival::Contact;

pub(super) async fn contacts(
    channel: Channel,
    subjects: HashSet<SubjectId>,
) -> Result<HashMap<SubjectId, Contact>, Unreachable> {
    let subject_ids = subjects.iter().map(ToString::to_string).collect();
    let request = BatchGetContactsRequest { subject_ids };
    let answer = DirectoryServiceClient::new(channel).batch_get_contacts(request).await;
    let answer = answer.map_err(|status| Unreachable::new("identity", &status))?.into_inner();
    let read = answer.contacts.into_iter().filter_map(|contact| {
        let subject = SubjectId::parse(&contact.subject_id).ok()?;
        let email = EmailAddress::parse(&contact.email).ok()?;
        Some((subject, Contact { email, name: contact.name }))
    });
    Ok(read.collect())
}
