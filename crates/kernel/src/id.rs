//! Typed identifiers: lower-case `UUIDv7` strings on the wire (RFC 9562), sixteen bytes at rest.

use std::fmt;

use uuid::Uuid;

use crate::entropy::Entropy;
use crate::time::Timestamp;

/// The text was not a lower-case, hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a lower-case UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct ParseIdError;

/// Parses the one accepted spelling of an identifier, so that equal ids are equal strings.
fn parse_uuid(text: &str) -> Result<Uuid, ParseIdError> {
    let uuid = Uuid::try_parse(text).map_err(|_| ParseIdError)?;
    let mut buffer = Uuid::encode_buffer();
    if uuid.is_nil() || uuid.hyphenated().encode_lower(&mut buffer) != text {
        return Err(ParseIdError);
    }
    Ok(uuid)
}

/// Makes a `UUIDv7` from the given time and 74 random bits (RFC 9562, section 5.7).
fn new_uuid(now: Timestamp, entropy: &dyn Entropy) -> Uuid {
    let mut random = [0; 10];
    entropy.fill(&mut random);
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new identifier that sorts by its time of creation.
            pub fn new(now: Timestamp, entropy: &dyn Entropy) -> Self {
                Self(new_uuid(now, entropy))
            }

            /// Parses the lower-case hyphenated form.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                parse_uuid(text).map(Self)
            }

            /// Takes a UUID that a table or a token already holds.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID for storage.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// Whoever can act: a user or a service account.
    SubjectId;
    /// An installation as a whole.
    InstanceId;
    /// A person's account.
    UserId;
    /// A program's account.
    ServiceAccountId;
    /// A key that a service account exchanges for a token.
    ApiKeyId;
    /// A personal access token; also the session of what is exchanged for it.
    AccessTokenId;
    /// A second factor of a person.
    FactorId;
    /// An organization.
    OrganizationId;
    /// A login session.
    SessionId;
    /// An invitation.
    InvitationId;
    /// What a person says of itself until it proves its address.
    RegistrationId;
    /// A domain event; also its row in the audit log.
    EventId;
    /// A mail, message or call to be delivered.
    DeliveryId;
    /// A client's name for one intended mutation.
    RequestId;
    /// The progress record of work that spans contexts.
    SagaId;
    /// A signing key.
    KeyId;
    /// The identity provider of an organization.
    IdentityProviderId;
    /// A mail domain that an organization claims.
    DomainId;
    /// What an identity provider knows a person by.
    LinkedIdentityId;
    /// A model that computations run.
    ModelId;
    /// A dataset of an organization.
    DatasetId;
    /// A policy that opens datasets to people.
    AssetPolicyId;
    /// What somebody wants to compute on datasets.
    ComputeSpecId;
    /// A role that an organization composed.
    RoleId;
    /// What somebody is told, to one person or many.
    NotificationId;
    /// A message in somebody's inbox.
    MessageId;
    /// A text that notifications are made from.
    TemplateId;
}

impl From<UserId> for SubjectId {
    fn from(user: UserId) -> Self {
        Self(user.0)
    }
}

impl From<ServiceAccountId> for SubjectId {
    fn from(account: ServiceAccountId) -> Self {
        Self(account.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn asvs_v15_3_5_only_the_lower_case_hyphenated_form_is_an_id() {
        let text = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(UserId::parse(text).map(|id| id.to_string()).as_deref(), Ok(text));
        for wrong in [
            "",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert_eq!(UserId::parse(wrong), Err(ParseIdError), "{wrong}");
        }
    }

    #[test]
    fn a_later_id_sorts_after_an_earlier_one() {
        let earlier = UserId::new(Timestamp::from_micros(1_000_000), &SystemEntropy);
        let later = UserId::new(Timestamp::from_micros(1_001_000), &SystemEntropy);
        assert!(earlier < later);
        assert_eq!(earlier.as_uuid().get_version_num(), 7);
    }
}
