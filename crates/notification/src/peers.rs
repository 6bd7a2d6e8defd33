//! The other contexts, in this context's words.

pub(crate) mod identity;
pub(crate) mod organization;

use std::collections::{HashMap, HashSet};

use rolecall_kernel::id::{OrganizationId, SubjectId};
use rolecall_kernel::text::EmailAddress;
use rolecall_rpc::channel::Channel;
use tonic::Status;

use crate::domain::arrival::Contact;

/// A peer that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{peer} gave no answer: {reason}")]
pub(crate) struct Unreachable {
    peer: &'static str,
    reason: String,
}

impl Unreachable {
    fn new(peer: &'static str, status: &Status) -> Self {
        Self { peer, reason: format!("{:?}, {}", status.code(), status.message()) }
    }
}

/// The ways to the other contexts, each already carrying this context's credential.
#[derive(Debug, Clone)]
pub struct Peers {
    /// To identity, for names and addresses.
    pub identity: Channel,
    /// To organization, for names, and for the audit log.
    pub organization: Channel,
}

impl Peers {
    /// Asks how to reach people; unknown ones, and programs, are left out.
    pub(crate) async fn contacts(
        &self,
        subjects: HashSet<SubjectId>,
    ) -> Result<HashMap<SubjectId, Contact>, Unreachable> {
        identity::contacts(self.identity.clone(), subjects).await
    }

    /// Asks whose addresses these are: of living accounts that proved them, by the key of the address.
    pub(crate) async fn owners(&self, addresses: Vec<EmailAddress>) -> Result<HashMap<String, SubjectId>, Unreachable> {
        identity::owners(self.identity.clone(), addresses).await
    }

    /// Asks what the installation is called.
    pub(crate) async fn instance_name(&self) -> Result<String, Unreachable> {
        identity::instance_name(self.identity.clone()).await
    }

    /// Asks for the names of organizations; unknown ones are left out.
    pub(crate) async fn names(
        &self,
        organizations: HashSet<OrganizationId>,
    ) -> Result<HashMap<OrganizationId, String>, Unreachable> {
        organization::names(self.organization.clone(), organizations).await
    }

    /// Asks which organizations people are members of and can act in; who is none is left out.
    pub(crate) async fn members(
        &self,
        subjects: HashSet<SubjectId>,
    ) -> Result<HashMap<SubjectId, OrganizationId>, Unreachable> {
        organization::members(self.organization.clone(), subjects).await
    }

    /// Asks who holds a role in an organization and can act; and whether there are more than are told.
    pub(crate) async fn holders(
        &self,
        organization: OrganizationId,
        role: &str,
    ) -> Result<(Vec<SubjectId>, bool), Unreachable> {
        organization::holders(self.organization.clone(), organization, role).await
    }
}
