//! The rule of every method, read from the descriptor set.

mod read;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The name of a permission, such as `identity.users.get`.
pub type Permission = Arc<str>;

/// The largest request of a public method unless its rule says otherwise: 64 KiB.
pub const PUBLIC_MAX_REQUEST_BYTES: usize = 64 * 1024;

/// The largest request of any other method unless its rule says otherwise: 256 KiB.
pub const DEFAULT_MAX_REQUEST_BYTES: usize = 256 * 1024;

/// How long ago the caller of a method with step-up may have proved who it is (RFC 9470, `max_age`).
pub const STEP_UP_MAX_AGE: Duration = Duration::from_mins(5);

/// Methods that are not ours and so carry no option: these lines are their rules.
const NAMED: &[(&str, &str, Named)] = &[
    ("/grpc.health.v1.Health/Check", "health", Named::Public),
    ("/grpc.health.v1.Health/List", "health", Named::Public),
    ("/grpc.health.v1.Health/Watch", "health", Named::Public),
    ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "reflection", Named::Reflection),
    ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "reflection", Named::Reflection),
];

#[derive(Debug, Clone, Copy)]
enum Named {
    Public,
    Reflection,
}

/// Who may read the descriptors by reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReflectionAccess {
    /// Anyone; for servers that listen on loopback only.
    Public,
    /// Any signed-in caller.
    #[default]
    Authenticated,
}

/// Who may call a method, and how large its request may be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a condition of its own, as in the contract")]
pub struct Rule {
    /// Who may call.
    pub access: Access,
    /// The largest request message in bytes, defaults resolved.
    pub max_request_bytes: usize,
    /// Whether service accounts are refused: the method is about a person.
    pub refuse_service_accounts: bool,
    /// Whether the caller must have proved who it is within [`STEP_UP_MAX_AGE`].
    pub step_up: bool,
    /// Whether tokens that were exchanged for a personal access token count as those of any signed-in caller.
    pub accept_personal_tokens: bool,
    /// Whether anonymous guests count as any signed-in caller.
    pub accept_guests: bool,
    /// Whether somebody who acts as the subject may call.
    pub accept_impersonation: bool,
    /// Whether tokens that only read may call: the method changes nothing, or nothing that they protect.
    pub accept_read_only: bool,
    /// The context that serves the method, such as `identity`.
    pub context: Arc<str>,
    /// The path of the method, `/package.Service/Method`.
    pub path: Arc<str>,
}

/// Who may call a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone, with or without credentials.
    Public,
    /// Only those whom one of these alternatives admits.
    Restricted {
        /// Admits any signed-in caller.
        authenticated: bool,
        /// Admits the other services of the suite.
        internal: bool,
        /// Admits callers that hold one of these in any scope.
        permissions: Vec<Permission>,
    },
}

impl Rule {
    /// Tells whether anyone may call.
    pub const fn is_public(&self) -> bool {
        matches!(self.access, Access::Public)
    }

    /// Tells whether the other services of the suite may call.
    pub const fn is_internal(&self) -> bool {
        matches!(self.access, Access::Restricted { internal: true, .. })
    }

    /// Returns the permissions of which one suffices; empty when none is asked for.
    pub fn permissions(&self) -> &[Permission] {
        match &self.access {
            Access::Public => &[],
            Access::Restricted { permissions, .. } => permissions,
        }
    }
}

impl fmt::Display for Rule {
    /// Writes the rule as one line of the golden file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.access {
            Access::Public => f.write_str("public")?,
            Access::Restricted { authenticated, internal, permissions } => {
                let fixed = [(*authenticated, "authenticated"), (*internal, "internal")];
                let fixed = fixed.into_iter().filter_map(|(holds, name)| holds.then_some(name));
                let names: Vec<&str> = fixed.chain(permissions.iter().map(|name| &**name)).collect();
                f.write_str(&names.join(" or "))?;
            }
        }
        if self.refuse_service_accounts {
            f.write_str(", people only")?;
        }
        if self.step_up {
            f.write_str(", step-up")?;
        }
        if self.accept_personal_tokens {
            f.write_str(", personal tokens too")?;
        }
        if self.accept_guests {
            f.write_str(", guests too")?;
        }
        if self.accept_impersonation {
            f.write_str(if self.accept_read_only {
                ", impersonation too"
            } else {
                ", impersonation that changes too"
            })?;
        }
        write!(f, ", {} KiB", self.max_request_bytes.div_ceil(1024))
    }
}

/// The rules of all methods that a server knows; what has none is denied.
#[derive(Debug, Clone)]
pub struct Policy {
    rules: HashMap<Box<str>, Arc<Rule>>,
}

impl Policy {
    /// Reads the rules from an encoded `FileDescriptorSet` whose options were kept.
    ///
    /// Every method of a service in a package below `rolecall.` must have a rule that makes sense;
    /// the error names each that has not. Health is public, reflection for signed-in callers.
    pub fn from_descriptor(bytes: &[u8]) -> Result<Self, PolicyError> {
        let read = read::rules(bytes)?;
        let mut rules: HashMap<_, _> = read.into_iter().map(|(path, rule)| (path, Arc::new(rule))).collect();
        rules.extend(named_rules(ReflectionAccess::default()));
        Ok(Self { rules })
    }

    /// Decides who may use reflection.
    #[must_use]
    pub fn with_reflection(mut self, access: ReflectionAccess) -> Self {
        self.rules.extend(named_rules(access));
        self
    }

    /// Returns the rule of a method by its path, such as `/rolecall.identity.v1.UserService/GetUser`.
    pub fn rule(&self, path: &str) -> Option<&Rule> {
        self.shared_rule(path).map(|rule| &**rule)
    }

    /// Returns the rule of a method, to be kept.
    pub fn shared_rule(&self, path: &str) -> Option<&Arc<Rule>> {
        self.rules.get(path)
    }

    /// Returns all paths with their rules, in the order of the paths.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Rule)> {
        let mut entries: Vec<_> = self.rules.iter().map(|(path, rule)| (&**path, &**rule)).collect();
        entries.sort_unstable_by_key(|(path, _)| *path);
        entries.into_iter()
    }
}

fn named_rules(reflection: ReflectionAccess) -> impl Iterator<Item = (Box<str>, Arc<Rule>)> {
    NAMED.iter().map(move |(path, context, named)| {
        let public = match named {
            Named::Public => true,
            Named::Reflection => reflection == ReflectionAccess::Public,
        };
        let signed_in = Access::Restricted { authenticated: true, internal: false, permissions: Vec::new() };
        let rule = Rule {
            access: if public { Access::Public } else { signed_in },
            max_request_bytes: PUBLIC_MAX_REQUEST_BYTES,
            refuse_service_accounts: false,
            step_up: false,
            accept_personal_tokens: !public,
            accept_guests: false,
            accept_impersonation: false,
            accept_read_only: false,
            context: Arc::from(*context),
            path: Arc::from(*path),
        };
        (Box::from(*path), Arc::new(rule))
    })
}

/// The descriptor does not tell who may call every method.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The bytes are not a `FileDescriptorSet`.
    #[error("the descriptor set cannot be read: {0}")]
    Descriptor(#[from] prost_reflect::DescriptorError),
    /// The option itself is not declared, so no method can carry it.
    #[error(
        "the descriptor set does not declare the option `rolecall.authz.v1.rule`; include rolecall/authz/v1/options.proto"
    )]
    OptionMissing,
    /// Methods without a rule, or with one that makes no sense.
    #[error("methods cannot be served because of their rules: {}", join(.0))]
    Rules(Vec<RuleError>),
}

fn join(errors: &[RuleError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What is wrong with the rule of a method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct RuleError {
    /// The method.
    pub path: String,
    /// What is wrong.
    pub problem: RuleProblem,
}

/// The ways in which a rule can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// The method carries no rule.
    #[error("has no rule")]
    Missing,
    /// The rule admits nobody.
    #[error("the rule admits nobody")]
    Empty,
    /// The rule is public and restricts at the same time.
    #[error("a public method cannot have further conditions")]
    PublicWithConditions,
    /// The rule refuses service accounts where only services of the suite may call.
    #[error("an internal method has no service accounts to refuse")]
    RefusesNobody,
    /// The rule asks for a step-up where only services of the suite may call.
    #[error("an internal method has nobody to ask for a step-up")]
    StepsUpNobody,
    /// The rule accepts personal access tokens where they are open to nobody, or need no acceptance.
    #[error(
        "personal access tokens are accepted where any signed-in caller may call without a step-up, and only there"
    )]
    AcceptsInVain,
    /// The rule accepts guests where no account is asked for, or where they could never prove who they are.
    #[error("guests are accepted where any signed-in caller may call without a step-up, and only there")]
    AcceptsGuestsInVain,
    /// The rule accepts somebody who acts as another where nobody could be meant, or only the subject itself.
    #[error("impersonation is accepted where subjects may call without a step-up, and only there")]
    ImpersonatesInVain,
    /// A permission is not of the form `context.collection.verb`, or is listed twice.
    #[error("`{0}` is not a permission of the form context.collection.verb, or is listed twice")]
    Permission(String),
    /// The rule has a field that this server does not know, so it cannot be obeyed.
    #[error("the rule has a condition that this server does not know")]
    UnknownCondition,
}
