//! How an organization wants to be run.

use std::time::Duration;

use rolecall_kernel::id::{OrganizationId, UserId};
use rolecall_kernel::text::{EmailAddress, EmailDomain};
use rolecall_kernel::time::Timestamp;

use super::organization::MfaPolicy;

/// The most domains that people who register may have their addresses in.
pub(crate) const MAX_DOMAINS: usize = 100;

/// How people come into an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationMode {
    /// By invitation alone.
    Manual,
    /// Also by registering.
    SelfService,
}

impl RegistrationMode {
    /// Returns its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Manual => "MANUAL",
            Self::SelfService => "SELF_SERVICE",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Manual, Self::SelfService].into_iter().find(|mode| mode.name() == text)
    }
}

/// How the members of an organization log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginPolicy {
    /// With passwords that are kept here.
    Managed,
    /// At the identity providers of the organization alone, the break-glass owner aside.
    Sso,
}

impl LoginPolicy {
    /// Returns its name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Managed => "MANAGED",
            Self::Sso => "SSO",
        }
    }

    /// Reads the name in a table.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Managed, Self::Sso].into_iter().find(|policy| policy.name() == text)
    }
}

/// What is demanded of passwords beside what is demanded everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PasswordPolicy {
    /// The fewest characters; none means what the policy for second factors asks for.
    pub(crate) min_characters: Option<u16>,
    /// Whether three of four classes of characters must be mixed.
    pub(crate) require_three_classes: bool,
}

impl PasswordPolicy {
    /// The most characters that can be demanded.
    pub(crate) const MOST: u16 = 128;
    /// The fewest that can be demanded of anybody.
    pub(crate) const LEAST: u16 = Self::least(MfaPolicy::Required);

    /// Returns the fewest characters that can be demanded (NIST SP 800-63B-4, section 3.1.1).
    pub(crate) const fn least(mfa: MfaPolicy) -> u16 {
        match mfa {
            MfaPolicy::Required => 8,
            MfaPolicy::Optional => 15,
        }
    }

    /// Returns the fewest characters of new passwords.
    pub(crate) fn fewest(self, mfa: MfaPolicy) -> u16 {
        self.min_characters.unwrap_or(match mfa {
            MfaPolicy::Required => 12,
            MfaPolicy::Optional => 15,
        })
    }
}

/// How long sessions last at the most; none leaves it to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SessionLimits {
    /// Without being used.
    pub(crate) idle: Option<Duration>,
    /// After the login.
    pub(crate) absolute: Option<Duration>,
}

/// How an organization wants to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) registration_mode: RegistrationMode,
    /// Where the addresses of people who register must belong, in order, each once; empty allows all.
    pub(crate) allowed_email_domains: Vec<EmailDomain>,
    pub(crate) mfa_policy: MfaPolicy,
    pub(crate) password: PasswordPolicy,
    /// How long invitations can be accepted; none leaves it to the instance.
    pub(crate) invitation_lifetime: Option<Duration>,
    pub(crate) session: SessionLimits,
    pub(crate) guest_sessions: bool,
    pub(crate) owner_impersonation: bool,
    pub(crate) login_policy: LoginPolicy,
    /// Who goes on with a password where nobody else does.
    pub(crate) break_glass: Option<UserId>,
}

impl Settings {
    /// Returns the only one who has a password; none where everybody may have one.
    pub(crate) fn break_glass_owner(&self) -> Option<UserId> {
        self.break_glass.filter(|_| self.login_policy == LoginPolicy::Sso)
    }

    /// Whether people may register, and so find the organization.
    pub(crate) fn takes_registrations(&self) -> bool {
        self.registration_mode == RegistrationMode::SelfService
    }

    /// Whether somebody with this address may register.
    pub(crate) fn allows_address(&self, address: &EmailAddress) -> bool {
        let domains = &self.allowed_email_domains;
        domains.is_empty() || domains.iter().any(|domain| domain.holds(address))
    }
}

/// The settings of an organization as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredSettings {
    pub(crate) organization_id: OrganizationId,
    pub(crate) settings: Settings,
    pub(crate) version: i64,
    /// When they were last changed; none until they are.
    pub(crate) updated: Option<Timestamp>,
}

impl StoredSettings {
    /// Returns the version as callers give it back.
    pub(crate) fn etag(&self) -> String {
        format!("s{}", self.version)
    }
}

/// What becomes of a setting that may be left to the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Change<T> {
    /// It stays as it is.
    #[default]
    Kept,
    /// It becomes this; none leaves it to the instance.
    To(Option<T>),
}

impl<T: Copy> Change<T> {
    fn of(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Kept => old,
            Self::To(new) => new,
        }
    }
}

/// New values; what is none stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SettingsChange {
    pub(crate) registration_mode: Option<RegistrationMode>,
    pub(crate) allowed_email_domains: Option<Vec<EmailDomain>>,
    pub(crate) mfa_policy: Option<MfaPolicy>,
    pub(crate) min_characters: Change<u16>,
    pub(crate) require_three_classes: Option<bool>,
    pub(crate) invitation_lifetime: Change<Duration>,
    pub(crate) session_idle: Change<Duration>,
    pub(crate) session_absolute: Change<Duration>,
    pub(crate) guest_sessions: Option<bool>,
    pub(crate) owner_impersonation: Option<bool>,
    pub(crate) login_policy: Option<LoginPolicy>,
    pub(crate) break_glass: Change<UserId>,
}

impl SettingsChange {
    /// Returns the settings after the change.
    pub(crate) fn apply(&self, old: &Settings) -> Settings {
        let login_policy = self.login_policy.unwrap_or(old.login_policy);
        // Without single sign-on there is no glass to break.
        let kept = old.break_glass.filter(|_| login_policy == LoginPolicy::Sso);
        Settings {
            login_policy,
            break_glass: self.break_glass.of(kept),
            registration_mode: self.registration_mode.unwrap_or(old.registration_mode),
            allowed_email_domains: self
                .allowed_email_domains
                .clone()
                .unwrap_or_else(|| old.allowed_email_domains.clone()),
            mfa_policy: self.mfa_policy.unwrap_or(old.mfa_policy),
            password: PasswordPolicy {
                min_characters: self.min_characters.of(old.password.min_characters),
                require_three_classes: self.require_three_classes.unwrap_or(old.password.require_three_classes),
            },
            invitation_lifetime: self.invitation_lifetime.of(old.invitation_lifetime),
            session: SessionLimits {
                idle: self.session_idle.of(old.session.idle),
                absolute: self.session_absolute.of(old.session.absolute),
            },
            guest_sessions: self.guest_sessions.unwrap_or(old.guest_sessions),
            owner_impersonation: self.owner_impersonation.unwrap_or(old.owner_impersonation),
        }
    }
}

/// Settings that are good by themselves and not together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Passwords would be shorter than the policy for second factors allows: this is the least.
    PasswordsTooShort(u16),
    /// A session would end unused after its end.
    IdleBeyondAbsolute,
    /// Whoever registers sets a password, and nobody has one.
    RegistrationWithoutPasswords,
    /// Nobody could log in on the day on which no provider answers.
    BreakGlassMissing,
    /// Everybody has a password.
    BreakGlassWithPasswords,
}

impl Settings {
    /// Returns what does not fit together.
    pub(crate) fn misfits(&self) -> Vec<Misfit> {
        let least = PasswordPolicy::least(self.mfa_policy);
        let short = self.password.min_characters.is_some_and(|characters| characters < least);
        let long = self.session.idle.zip(self.session.absolute).is_some_and(|(idle, absolute)| idle > absolute);
        let is_sso = self.login_policy == LoginPolicy::Sso;
        let misfits = [
            (short, Misfit::PasswordsTooShort(least)),
            (long, Misfit::IdleBeyondAbsolute),
            (is_sso && self.takes_registrations(), Misfit::RegistrationWithoutPasswords),
            (is_sso && self.break_glass.is_none(), Misfit::BreakGlassMissing),
            (!is_sso && self.break_glass.is_some(), Misfit::BreakGlassWithPasswords),
        ];
        misfits.into_iter().filter(|(is_so, _)| *is_so).map(|(_, misfit)| misfit).collect()
    }

    /// Returns what differs, as texts `name=value`: how it is here, and how it is there.
    pub(crate) fn differences(&self, new: &Self) -> (Vec<String>, Vec<String>) {
        let differing = self.values().into_iter().zip(new.values()).filter(|(old, new)| old != new);
        let text = |(name, value): (&str, String)| format!("{name}={value}");
        differing.map(|(old, new)| (text(old), text(new))).unzip()
    }

    /// Every setting by its name; a duration in seconds, what is left to the instance as nothing.
    fn values(&self) -> [(&'static str, String); 12] {
        let seconds = |duration: Option<Duration>| duration.map(|duration| format!("{}s", duration.as_secs()));
        let domains: Vec<&str> = self.allowed_email_domains.iter().map(EmailDomain::as_str).collect();
        let characters = self.password.min_characters.map(|characters| characters.to_string());
        [
            ("registration_mode", self.registration_mode.name().to_owned()),
            ("allowed_email_domains", domains.join(" ")),
            ("mfa_policy", self.mfa_policy.name().to_owned()),
            ("password_policy.min_characters", characters.unwrap_or_default()),
            ("password_policy.require_three_classes", self.password.require_three_classes.to_string()),
            ("invitation_lifetime", seconds(self.invitation_lifetime).unwrap_or_default()),
            ("session_limits.idle", seconds(self.session.idle).unwrap_or_default()),
            ("session_limits.absolute", seconds(self.session.absolute).unwrap_or_default()),
            ("guest_sessions", self.guest_sessions.to_string()),
            ("owner_impersonation", self.owner_impersonation.to_string()),
            ("login_policy", self.login_policy.name().to_owned()),
            ("break_glass_user_id", self.break_glass.map(|id| id.to_string()).unwrap_or_default()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use rolecall_kernel::entropy::SystemEntropy;

    use super::*;

    fn settings() -> Settings {
        Settings {
            registration_mode: RegistrationMode::Manual,
            allowed_email_domains: Vec::new(),
            mfa_policy: MfaPolicy::Required,
            password: PasswordPolicy::default(),
            invitation_lifetime: None,
            session: SessionLimits::default(),
            guest_sessions: false,
            owner_impersonation: false,
            login_policy: LoginPolicy::Managed,
            break_glass: None,
        }
    }

    #[test]
    fn single_sign_on_takes_an_owner_with_a_password_and_no_registrations() {
        let owner = UserId::new(Timestamp::from_seconds(1_000), &SystemEntropy);
        let sso = SettingsChange { login_policy: Some(LoginPolicy::Sso), ..SettingsChange::default() };
        assert_eq!(sso.apply(&settings()).misfits(), [Misfit::BreakGlassMissing]);
        let named = SettingsChange { break_glass: Change::To(Some(owner)), ..sso };
        let switched = named.apply(&settings());
        assert!(switched.misfits().is_empty() && switched.break_glass_owner() == Some(owner));
        let open = Settings { registration_mode: RegistrationMode::SelfService, ..switched.clone() };
        assert_eq!(open.misfits(), [Misfit::RegistrationWithoutPasswords]);
        let back = SettingsChange { login_policy: Some(LoginPolicy::Managed), ..SettingsChange::default() };
        assert_eq!(back.apply(&switched), settings(), "the owner is forgotten");
        let early = Settings { break_glass: Some(owner), ..settings() };
        assert_eq!((early.misfits(), early.break_glass_owner()), (vec![Misfit::BreakGlassWithPasswords], None));
    }

    #[test]
    fn a_change_touches_what_it_names_and_nothing_else() {
        let old = Settings { guest_sessions: true, ..settings() };
        let change = SettingsChange { min_characters: Change::To(Some(20)), ..SettingsChange::default() };
        let new = change.apply(&old);
        let password = PasswordPolicy { min_characters: Some(20), require_three_classes: false };
        assert_eq!(new, Settings { password, ..old.clone() });
        let back = SettingsChange { min_characters: Change::To(None), ..SettingsChange::default() };
        assert_eq!(back.apply(&new), old);
        assert_eq!(SettingsChange::default().apply(&old), old);
    }

    #[test]
    fn asvs_v6_2_1_passwords_that_stand_alone_are_never_made_shorter_than_fifteen() {
        let eight = PasswordPolicy { min_characters: Some(8), ..PasswordPolicy::default() };
        let beside = Settings { password: eight, ..settings() };
        assert!(beside.misfits().is_empty());
        let alone = Settings { mfa_policy: MfaPolicy::Optional, ..beside };
        assert_eq!(alone.misfits(), [Misfit::PasswordsTooShort(15)]);
        assert!(Settings { password: PasswordPolicy::default(), ..alone }.misfits().is_empty());
        assert_eq!(PasswordPolicy::default().fewest(MfaPolicy::Required), 12);
        assert_eq!(PasswordPolicy::default().fewest(MfaPolicy::Optional), 15);
    }

    #[test]
    fn asvs_v7_1_1_a_session_does_not_end_unused_after_its_end() {
        let minutes = |minutes| Some(Duration::from_mins(minutes));
        let limits = |idle, absolute| Settings { session: SessionLimits { idle, absolute }, ..settings() };
        assert_eq!(limits(minutes(31), minutes(30)).misfits(), [Misfit::IdleBeyondAbsolute]);
        for (idle, absolute) in [(minutes(30), minutes(30)), (minutes(30), None), (None, minutes(30))] {
            assert!(limits(idle, absolute).misfits().is_empty());
        }
    }

    #[test]
    fn only_what_differs_is_told_with_both_values() {
        let domains = ["a.example", "b.example"].map(|name| EmailDomain::parse(name).expect("a domain"));
        let new = Settings {
            allowed_email_domains: domains.to_vec(),
            session: SessionLimits { idle: Some(Duration::from_mins(30)), absolute: None },
            ..settings()
        };
        let (old, new) = settings().differences(&new);
        assert_eq!(old, ["allowed_email_domains=", "session_limits.idle="]);
        assert_eq!(new, ["allowed_email_domains=a.example b.example", "session_limits.idle=1800s"]);
    }
}
