//! The types of the protocol, with what we need beyond its core.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet,
    IdTokenFields, ProviderMetadata, StandardErrorResponse, StandardTokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a provider says of itself beyond the core.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Beyond {
    /// Whether it names itself in its answers (RFC 9207).
    #[serde(rename = "authorization_response_iss_parameter_supported", default)]
    pub(super) names_itself: bool,
}

impl AdditionalProviderMetadata for Beyond {}

/// All other claims, among them the one that roles are read from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    /// By their names.
    #[serde(flatten)]
    pub(super) all: Map<String, Value>,
}

impl AdditionalClaims for Others {}

/// What a provider says of itself.
pub(super) type Metadata = ProviderMetadata<
    Beyond,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// An ID token as it came.
pub(super) type IdToken =
    openidconnect::IdToken<Others, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// What the token endpoint answers.
type Answer = StandardTokenResponse<
    IdTokenFields<
        Others,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// We, as a provider knows us.
pub(super) type Client = openidconnect::Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Answer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The algorithms that a signature may be by: those of the provider that need a public key. A shared secret never
/// verifies (key confusion), nor does `none`.
pub(super) fn algorithms(metadata: &Metadata) -> Vec<CoreJwsSigningAlgorithm> {
    const TAKEN: [CoreJwsSigningAlgorithm; 9] = [
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
        CoreJwsSigningAlgorithm::RsaSsaPssSha256,
        CoreJwsSigningAlgorithm::RsaSsaPssSha384,
        CoreJwsSigningAlgorithm::RsaSsaPssSha512,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EcdsaP384Sha384,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    let offered = metadata.id_token_signing_alg_values_supported();
    TAKEN.into_iter().filter(|algorithm| offered.contains(algorithm)).collect()
}
