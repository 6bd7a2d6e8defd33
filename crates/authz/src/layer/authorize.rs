//! The decision about one call.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderMap, header};
use rolecall_kernel::id::{OrganizationId, SubjectId};

use crate::access::cache::{AccessCache, AccessRefusal};
use crate::access::{SubjectAccess, SubjectKind};
use crate::caller::{Caller, CallerKind};
use crate::policy::{Access, Policy, Rule, STEP_UP_MAX_AGE};
use crate::refusal::Refusal;
use crate::revocation::{RevocationRefusal, Revocations};
use crate::token::claims::{AccessClaims, ServiceClaims};
use crate::token::verifier::{TokenError, Verified, Verifier};

/// The metadata key by which a caller demands an answer at a revision of the access changes or newer.
pub const MIN_REVISION: &str = "rolecall-min-revision";

/// Decides whether a call may be made.
#[derive(Debug)]
pub struct Authorizer {
    policy: Arc<Policy>,
    verifier: Arc<Verifier>,
    revocations: Revocations,
    access: AccessCache,
    local_services: BTreeSet<String>,
}

/// What is known about a call without waiting.
pub(super) enum Decision {
    /// Anyone may call.
    Open,
    /// This caller may.
    Admitted(Arc<Caller>),
    /// It may not be made.
    Refused(Refusal),
    /// Somebody must be asked first.
    Ask(Question),
}

/// What must be found out by waiting.
pub(super) struct Question {
    token: String,
    at_least: Option<i64>,
}

impl Authorizer {
    /// Puts the parts together. `local_services` names the contexts that this process hosts, such as
    /// `identity`: a service token for another one is refused.
    pub fn new<N: Into<String>>(
        policy: Arc<Policy>,
        verifier: Arc<Verifier>,
        revocations: Revocations,
        access: AccessCache,
        local_services: impl IntoIterator<Item = N>,
    ) -> Self {
        let local_services = local_services.into_iter().map(Into::into).collect();
        Self { policy, verifier, revocations, access, local_services }
    }

    pub(super) fn rule(&self, path: &str) -> Option<Arc<Rule>> {
        self.policy.shared_rule(path).cloned()
    }

    /// Decides with what is at hand, which nearly always suffices.
    pub(super) fn decide(&self, rule: &Rule, headers: &HeaderMap) -> Decision {
        if rule.is_public() {
            return Decision::Open;
        }
        let (token, at_least) = match (bearer(headers), min_revision(headers)) {
            (Ok(token), Ok(at_least)) => (token, at_least),
            (Err(refusal), _) | (_, Err(refusal)) => return Decision::Refused(refusal),
        };
        match self.try_now(rule, token, at_least) {
            Some(Ok(caller)) => Decision::Admitted(Arc::new(caller)),
            Some(Err(refusal)) => Decision::Refused(refusal),
            None => Decision::Ask(Question { token: token.to_owned(), at_least }),
        }
    }

    /// `None` when the keys, the revocations or the access of the subject must be asked for.
    fn try_now(&self, rule: &Rule, token: &str, at_least: Option<i64>) -> Option<Result<Caller, Refusal>> {
        let claims = match self.verifier.verify(token) {
            Err(TokenError::UnknownKey) => return None,
            Err(error) => return Some(Err(bad_token(&error))),
            Ok(Verified::Service(claims)) => return Some(self.service(rule, claims)),
            Ok(Verified::Access(claims)) => claims,
        };
        if let Err(refusal) = check_kind(rule, &claims) {
            return Some(Err(refusal));
        }
        if let Err(error) = self.revocations.peek(&claims)? {
            return Some(Err(revoked(&error)));
        }
        let access = self.access.peek(claims.sub, at_least)?;
        let actor = match &claims.act {
            Some(actor) => Some(self.access.peek(actor.sub, at_least)?),
            None => None,
        };
        Some(self.admit(rule, claims, access, actor))
    }

    /// Names who sent a call that is refused, as far as a good token says it.
    pub(super) fn caller_of(&self, headers: &HeaderMap) -> Option<(SubjectId, Option<OrganizationId>)> {
        let Ok(Verified::Access(claims)) = self.verifier.verify(bearer(headers).ok()?) else { return None };
        // Whoever acts as somebody else is named itself.
        let subject = claims.act.map_or(claims.sub, |actor| actor.sub);
        let organization = self.access.peek(subject, None).and_then(|access| access.organization_id);
        Some((subject, organization))
    }

    /// Decides after asking whoever must be asked.
    pub(super) async fn ask(&self, rule: &Rule, question: Question) -> Result<Arc<Caller>, Refusal> {
        let verified = self.verifier.verify_or_refresh(&question.token).await;
        let claims = match verified.map_err(|error| bad_token(&error))? {
            Verified::Service(claims) => return self.service(rule, claims).map(Arc::new),
            Verified::Access(claims) => claims,
        };
        check_kind(rule, &claims)?;
        self.confirm(rule, claims, question.at_least).await
    }

    /// Decides anew about a caller that was admitted earlier, as if it called now with the same token.
    pub(crate) async fn reconsider(&self, rule: &Rule, claims: Arc<AccessClaims>) -> Result<Arc<Caller>, Refusal> {
        if self.verifier.has_expired(&claims) {
            return Err(Refusal::TokenInvalid);
        }
        self.confirm(rule, claims, None).await
    }

    /// Decides by what a good token claims.
    async fn confirm(
        &self,
        rule: &Rule,
        claims: Arc<AccessClaims>,
        at_least: Option<i64>,
    ) -> Result<Arc<Caller>, Refusal> {
        let (access, actor) = self.rights(&claims, at_least).await?;
        self.admit(rule, claims, access, actor).map(Arc::new)
    }

    /// Returns the rights of whom the claims of a good token speak of, if a call with it would find somebody there.
    pub(crate) async fn examine(
        &self,
        claims: &AccessClaims,
        at_least: Option<i64>,
    ) -> Result<Arc<SubjectAccess>, Refusal> {
        let (access, actor) = self.rights(claims, at_least).await?;
        check_standing(claims, &access, actor.as_deref())?;
        Ok(access)
    }

    /// Returns the rights of the subject of claims that have not ended, and of who acts as it.
    async fn rights(
        &self,
        claims: &AccessClaims,
        at_least: Option<i64>,
    ) -> Result<(Arc<SubjectAccess>, Option<Arc<SubjectAccess>>), Refusal> {
        self.revocations.check(claims).await.map_err(|error| revoked(&error))?;
        let access = self.access(claims.sub, at_least).await?;
        let actor = match &claims.act {
            Some(actor) => Some(self.access(actor.sub, at_least).await?),
            None => None,
        };
        // The session may have ended while the access was asked for.
        if self.revocations.is_revoked(claims) { Err(Refusal::SessionEnded) } else { Ok((access, actor)) }
    }

    fn admit(
        &self,
        rule: &Rule,
        claims: Arc<AccessClaims>,
        access: Arc<SubjectAccess>,
        actor: Option<Arc<SubjectAccess>>,
    ) -> Result<Caller, Refusal> {
        // Last, so that nobody proves who it is for a method that stays closed to it.
        let stale = rule.step_up && self.verifier.is_older(claims.auth_time, STEP_UP_MAX_AGE);
        let caller = admit(rule, claims, access, actor)?;
        if stale { Err(Refusal::StepUpRequired) } else { Ok(caller) }
    }

    /// Returns the rights of a subject.
    pub(crate) async fn access(
        &self,
        subject: SubjectId,
        at_least: Option<i64>,
    ) -> Result<Arc<SubjectAccess>, Refusal> {
        self.access.get(subject, at_least).await.map_err(|error| match error {
            AccessRefusal::Unknown => Refusal::SubjectInactive,
            AccessRefusal::Unconfirmed(source) => {
                let source = source.as_ref().map(tracing::field::display);
                tracing::warn!(%subject, at_least, source, "the access of a caller cannot be confirmed");
                Refusal::AccessUnconfirmed
            }
        })
    }

    /// A service token opens the internal methods of the one service that it is for, in the process that hosts it.
    fn service(&self, rule: &Rule, claims: Arc<ServiceClaims>) -> Result<Caller, Refusal> {
        if !rule.is_internal() {
            return Err(Refusal::CallerKindRefused("users and service accounts"));
        }
        let callee = claims.callee().unwrap_or_default();
        if callee != &*rule.context || !self.local_services.contains(callee) {
            return Err(Refusal::TokenInvalid);
        }
        Ok(Caller::of_service(claims))
    }
}

/// Whom a method is open to that is closed to personal access tokens.
const LOGGED_IN: Refusal = Refusal::CallerKindRefused("users that logged in");

/// Whom a method is open to that is closed to anonymous guests.
const WITH_ACCOUNT: Refusal = Refusal::CallerKindRefused("users with an account");

/// Refuses kinds of callers whom nothing could admit, before anything is asked for.
fn check_kind(rule: &Rule, claims: &AccessClaims) -> Result<(), Refusal> {
    if (rule.refuse_service_accounts || rule.step_up) && claims.kind == SubjectKind::ServiceAccount {
        return Err(Refusal::CallerKindRefused("users"));
    }
    if rule.step_up && claims.kind == SubjectKind::Guest {
        return Err(WITH_ACCOUNT);
    }
    if claims.act.is_some() && !rule.accept_impersonation {
        return Err(Refusal::ImpersonationRefused);
    }
    if claims.read_only && !rule.accept_read_only {
        return Err(Refusal::ReadOnly);
    }
    // However young it is, such a token does not show that its person is there.
    if rule.step_up && claims.is_personal_token() {
        return Err(LOGGED_IN);
    }
    match &rule.access {
        Access::Restricted { authenticated: false, permissions, .. } if permissions.is_empty() => {
            Err(Refusal::CallerKindRefused("the services of the suite"))
        }
        Access::Public | Access::Restricted { .. } => Ok(()),
    }
}

/// Refuses claims of which the subject, or who acts as it, is no longer what it was.
fn check_standing(claims: &AccessClaims, access: &SubjectAccess, actor: Option<&SubjectAccess>) -> Result<(), Refusal> {
    // A token says what it took the subject for; who has become something else must log in anew.
    if !access.is_active() || access.kind != claims.kind {
        return Err(Refusal::SubjectInactive);
    }
    // Blocked, demoted, or its target promoted: what it began is over.
    let is_over = actor.is_some_and(|actor| !actor.may_impersonate(access));
    if is_over { Err(Refusal::SessionEnded) } else { Ok(()) }
}

fn admit(
    rule: &Rule,
    claims: Arc<AccessClaims>,
    access: Arc<SubjectAccess>,
    actor: Option<Arc<SubjectAccess>>,
) -> Result<Caller, Refusal> {
    check_standing(&claims, &access, actor.as_deref())?;
    let caller = match actor {
        None => Caller::new(claims, access),
        Some(actor) => Caller::acting(claims, access, actor),
    };
    let is_guest = caller.kind() == CallerKind::Guest;
    let (lent, visits) = (caller.is_personal_token() && !rule.accept_personal_tokens, is_guest && !rule.accept_guests);
    match &rule.access {
        Access::Public => Ok(caller),
        Access::Restricted { authenticated: true, .. } if !lent && !visits => Ok(caller),
        Access::Restricted { permissions, .. } if permissions.is_empty() => {
            Err(if visits { WITH_ACCOUNT } else { LOGGED_IN })
        }
        Access::Restricted { permissions, .. } => {
            if permissions.iter().any(|permission| caller.holds(permission)) {
                Ok(caller)
            } else {
                Err(Refusal::PermissionMissing(permissions.clone()))
            }
        }
    }
}

fn bad_token(error: &TokenError) -> Refusal {
    if let TokenError::Unconfirmed(source) = error {
        let source = source.as_ref().map(tracing::field::display);
        tracing::warn!(source, "the signing keys cannot be confirmed");
        return Refusal::AccessUnconfirmed;
    }
    tracing::debug!(%error, "a token was refused");
    Refusal::TokenInvalid
}

fn revoked(error: &RevocationRefusal) -> Refusal {
    match error {
        RevocationRefusal::Ended => Refusal::SessionEnded,
        RevocationRefusal::Unconfirmed(source) => {
            let source = source.as_ref().map(tracing::field::display);
            tracing::warn!(source, "whether a session goes on cannot be confirmed");
            Refusal::AccessUnconfirmed
        }
    }
}

/// Returns the token of `authorization: Bearer <token>` (RFC 6750); two headers are none.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Refusal::CredentialsMissing)?;
    if values.next().is_some() {
        return Err(Refusal::MetadataInvalid { key: "authorization", expected: "sent once" });
    }
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(Refusal::TokenInvalid) }
}

/// Returns the revision that the caller demands; the largest if it names several.
pub(crate) fn min_revision(headers: &HeaderMap) -> Result<Option<i64>, Refusal> {
    let invalid = Refusal::MetadataInvalid { key: MIN_REVISION, expected: "a revision in decimal digits" };
    let parse = |text: &str| -> Option<i64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let values = headers.get_all(MIN_REVISION).iter();
    let revisions: Option<Vec<i64>> = values.map(|value| value.to_str().ok().and_then(parse)).collect();
    revisions.map(|revisions| revisions.into_iter().max()).ok_or(invalid)
}
