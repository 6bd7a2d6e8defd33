//! What tokens claim.

use rolecall_kernel::id::{SessionId, SubjectId};
use rolecall_kernel::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::SubjectKind;

/// The claims of an access token (RFC 9068). The last four are optional; programs have no `sid`, all others have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: the external URL of the instance, or what the configuration names.
    pub iss: String,
    /// Who it speaks of.
    #[serde(with = "subject")]
    pub sub: SubjectId,
    /// The one backend that it is for.
    pub aud: String,
    /// When it ends; whole seconds on the wire.
    #[serde(with = "seconds")]
    pub exp: Timestamp,
    /// When it was issued; microseconds are kept, so that a revocation hits exactly what came before it.
    #[serde(with = "fractional_seconds")]
    pub iat: Timestamp,
    /// The session that it belongs to; the token of a user or guest always has one.
    #[serde(with = "session", default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Its own identifier.
    pub jti: String,
    /// When the subject last proved who it is; whole seconds on the wire.
    #[serde(with = "seconds")]
    pub auth_time: Timestamp,
    /// How the subject proved it (RFC 8176), such as `pwd` and `otp`; `pat` for a personal access token.
    pub amr: Vec<String>,
    /// What kind of account the subject is.
    pub kind: SubjectKind,
    /// The permissions that the token is narrowed to, separated by spaces on the wire (RFC 8693, section 4.2).
    ///
    /// It grants nothing: of what the subject may do, the token opens no more than this. Without the claim it opens
    /// all; with it the token was exchanged for a personal access token.
    #[serde(with = "scope", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Vec<String>>,
    /// Who acts as the subject (RFC 8693, section 4.1); without it the subject itself does.
    #[serde(deserialize_with = "present", default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// Whether the token only reads.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A person who acts as another one. Nobody acts through somebody who acts: more claims than these are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Who it is.
    #[serde(with = "subject")]
    pub sub: SubjectId,
    /// The session in which it began to act; with it the token ends.
    #[serde(with = "own_session")]
    pub sid: SessionId,
}

/// A `null` is no spelling of ours: read as absent, it would hide who acts.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Actor>, D::Error> {
    Actor::deserialize(from).map(Some)
}

impl AccessClaims {
    /// Tells whether the token was exchanged for a personal access token.
    pub const fn is_personal_token(&self) -> bool {
        self.scope.is_some()
    }

    /// Tells whether the token may be used for the permission, if its subject holds it.
    pub fn covers(&self, permission: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.iter().any(|name| name == permission))
    }
}

/// The claims of a service token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceClaims {
    /// Always [`ISSUER_OF_SERVICES`](crate::ISSUER_OF_SERVICES).
    pub iss: String,
    /// Who calls, `service:<name>`.
    pub sub: String,
    /// Who is called, `service:<name>`.
    pub aud: String,
    /// When it ends; whole seconds on the wire.
    #[serde(with = "seconds")]
    pub exp: Timestamp,
    /// When it was issued; whole seconds on the wire.
    #[serde(with = "seconds")]
    pub iat: Timestamp,
}

impl ServiceClaims {
    /// What stands before the name of a service in `sub` and `aud`.
    pub const PREFIX: &'static str = "service:";

    /// Returns the name of the calling service, such as `identity`.
    pub fn caller(&self) -> Option<&str> {
        name(&self.sub)
    }

    /// Returns the name of the called service.
    pub fn callee(&self) -> Option<&str> {
        name(&self.aud)
    }
}

fn name(text: &str) -> Option<&str> {
    text.strip_prefix(ServiceClaims::PREFIX).filter(|name| !name.is_empty())
}

mod seconds {
    use super::{Deserialize, Timestamp};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(time.as_seconds())
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(from).map(Timestamp::from_seconds)
    }
}

/// RFC 7519 allows fractions. A double, written and read, is exact to the microsecond until 2038 and
/// off by one at most for centuries after.
pub(super) mod fractional_seconds {
    use super::{Deserialize, Timestamp};

    const MICROS: f64 = 1_000_000.0;
    /// Beyond it a double no longer tells microseconds apart; 285 years of them fit.
    const MAX: f64 = 9_007_199_254_740_992.0;

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 microseconds, beyond which decoding refuses")]
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        if time.subsec_nanos() == 0 {
            to.serialize_i64(time.as_seconds())
        } else {
            to.serialize_f64(time.as_micros() as f64 / MICROS)
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the range was checked, and the value is whole")]
    pub(in crate::token) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let micros = (f64::deserialize(from)? * MICROS).round();
        if micros.is_finite() && (0.0..MAX).contains(&micros) {
            return Ok(Timestamp::from_micros(micros as i64));
        }
        Err(serde::de::Error::custom("not a time"))
    }
}

mod subject {
    use super::{Deserialize, SubjectId};

    pub(super) fn serialize<S: serde::Serializer>(id: &SubjectId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SubjectId, D::Error> {
        SubjectId::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

mod own_session {
    use super::{Deserialize, SessionId};

    pub(super) fn serialize<S: serde::Serializer>(id: &SessionId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<SessionId, D::Error> {
        SessionId::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

mod session {
    use super::{Deserialize, SessionId};

    #[expect(clippy::ref_option, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: serde::Serializer>(id: &Option<SessionId>, to: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => to.collect_str(id),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SessionId>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| SessionId::parse(&text).map_err(serde::de::Error::custom)).transpose()
    }
}

mod scope {
    use super::Deserialize;

    #[expect(clippy::ref_option, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: serde::Serializer>(scope: &Option<Vec<String>>, to: S) -> Result<S::Ok, S::Error> {
        match scope {
            Some(names) => to.serialize_str(&names.join(" ")),
            None => to.serialize_none(),
        }
    }

    /// A `null` is no spelling of ours: read as absent, it would open everything.
    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
        let text = String::deserialize(from)?;
        Ok(Some(text.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn claims() -> AccessClaims {
        AccessClaims {
            iss: "https://rolecall.example".to_owned(),
            sub: SubjectId::from_uuid(Uuid::from_u128(1)),
            aud: "rolecall".to_owned(),
            exp: Timestamp::from_seconds(1_763_773_982),
            iat: Timestamp::from_micros(1_763_773_682_123_457),
            sid: Some(SessionId::from_uuid(Uuid::from_u128(2))),
            jti: "one".to_owned(),
            auth_time: Timestamp::from_seconds(1_763_773_682),
            amr: vec!["pwd".to_owned()],
            kind: SubjectKind::User,
            scope: None,
            act: None,
            read_only: false,
        }
    }

    #[test]
    fn asvs_v9_2_1_every_mandatory_claim_is_mandatory_and_of_one_form() {
        let whole = serde_json::to_value(claims()).expect("claims are JSON");
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "auth_time", "amr", "kind"] {
            let mut partial = whole.clone();
            partial.as_object_mut().expect("an object").remove(name);
            assert!(serde_json::from_value::<AccessClaims>(partial).is_err(), "{name}");
        }
        for (name, wrong) in [
            ("sub", serde_json::json!("00000000-0000-0000-0000-000000000000")),
            ("aud", serde_json::json!(["rolecall", "other"])),
            ("exp", serde_json::json!("1763773982")),
            ("iat", serde_json::json!(-1)),
            ("iat", serde_json::json!(1e300)),
            ("sid", serde_json::json!("x")),
            ("kind", serde_json::json!("service")),
            ("scope", serde_json::json!(null)),
            ("scope", serde_json::json!(["identity.users.get"])),
            ("act", serde_json::json!(null)),
            ("act", serde_json::json!({"sub": claims().sub.to_string()})),
            ("act", serde_json::json!({"sub": claims().sub.to_string(), "sid": claims().sub.to_string(), "act": {}})),
            ("read_only", serde_json::json!(null)),
        ] {
            let mut changed = whole.clone();
            changed[name] = wrong;
            assert!(serde_json::from_value::<AccessClaims>(changed).is_err(), "{name}");
        }
        assert_eq!(serde_json::from_value::<AccessClaims>(whole).expect("whole claims"), claims());
    }

    #[test]
    fn a_scope_is_words_between_spaces_and_an_empty_one_covers_nothing() {
        for (names, text) in
            [(vec![], ""), (vec!["a.b.get"], "a.b.get"), (vec!["a.b.get", "a.b.list"], "a.b.get a.b.list")]
        {
            let scope = Some(names.iter().map(|name| (*name).to_owned()).collect());
            let narrowed = AccessClaims { scope, ..claims() };
            let json = serde_json::to_value(&narrowed).expect("claims are JSON");
            assert_eq!(json["scope"], text);
            assert_eq!(serde_json::from_value::<AccessClaims>(json).expect("whole claims"), narrowed);
            assert!(narrowed.is_personal_token());
            assert_eq!(narrowed.covers("a.b.get"), names.contains(&"a.b.get"));
            assert!(!narrowed.covers("a.b") && !narrowed.covers(""));
        }
        assert!(claims().covers("a.b.get") && !claims().is_personal_token());
        assert!(serde_json::to_value(claims()).expect("claims are JSON").get("scope").is_none());
    }

    #[test]
    fn who_acts_is_an_object_of_its_own_and_absent_otherwise() {
        let sub = SubjectId::from_uuid(Uuid::from_u128(3));
        let act = Actor { sub, sid: SessionId::from_uuid(Uuid::from_u128(4)) };
        let acting = AccessClaims { act: Some(act), read_only: true, ..claims() };
        let json = serde_json::to_value(&acting).expect("claims are JSON");
        assert_eq!(json["act"]["sub"], sub.to_string());
        assert_eq!(serde_json::from_value::<AccessClaims>(json).expect("whole claims"), acting);
        let own = serde_json::to_value(claims()).expect("claims are JSON");
        assert!(own.get("act").is_none() && own.get("read_only").is_none());
    }

    proptest! {
        #[test]
        fn the_time_of_issue_keeps_its_microseconds(micros in 0..i64::from(i32::MAX) * 1_000_000) {
            let claims = AccessClaims { iat: Timestamp::from_micros(micros), ..claims() };
            let json = serde_json::to_vec(&claims).expect("claims are JSON");
            prop_assert_eq!(serde_json::from_slice::<AccessClaims>(&json).expect("whole claims").iat, claims.iat);
        }
    }
}
