//! From method options to rules.

use std::sync::Arc;

use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::{DescriptorPool, DynamicMessage, ExtensionDescriptor, MethodDescriptor, Value};

use super::{
    Access, DEFAULT_MAX_REQUEST_BYTES, PUBLIC_MAX_REQUEST_BYTES, Permission, PolicyError, Rule, RuleError, RuleProblem,
};

const OPTION: &str = "rolecall.authz.v1.rule";
const PACKAGES: &str = "rolecall.";

/// Reads the rule of every method of ours, or tells all that is wrong.
pub(super) fn rules(bytes: &[u8]) -> Result<Vec<(Box<str>, Rule)>, PolicyError> {
    let pool = DescriptorPool::decode(bytes)?;
    let option = pool.get_extension_by_name(OPTION).ok_or(PolicyError::OptionMissing)?;
    let mut rules = Vec::new();
    let mut errors = Vec::new();
    for service in pool.services().filter(|service| service.package_name().starts_with(PACKAGES)) {
        let context = context_of(service.package_name());
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            match rule(&method, &option, &context, &path) {
                Ok(rule) => rules.push((path.into_boxed_str(), rule)),
                Err(problem) => errors.push(RuleError { path, problem }),
            }
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(PolicyError::Rules(errors)) }
}

/// `rolecall.identity.v1` belongs to `identity`.
fn context_of(package: &str) -> Arc<str> {
    package.split('.').nth(1).unwrap_or_default().into()
}

fn rule(
    method: &MethodDescriptor,
    option: &ExtensionDescriptor,
    context: &Arc<str>,
    path: &str,
) -> Result<Rule, RuleProblem> {
    let options = method.options();
    if !options.has_extension(option) {
        return Err(RuleProblem::Missing);
    }
    let value = options.get_extension(option);
    let message = value.as_message().ok_or(RuleProblem::UnknownCondition)?;
    let declared = Declared::read(message)?;
    Ok(Rule {
        max_request_bytes: declared.max_request_bytes(),
        refuse_service_accounts: declared.refuse_service_accounts,
        step_up: declared.step_up,
        accept_personal_tokens: declared.accept_personal_tokens,
        accept_guests: declared.accept_guests,
        accept_impersonation: declared.accept_impersonation,
        accept_read_only: declared.accept_read_only || changes_nothing(method),
        context: Arc::clone(context),
        path: Arc::from(path),
        access: declared.access()?,
    })
}

/// Tells whether the contract promises that the method has no side effects.
fn changes_nothing(method: &MethodDescriptor) -> bool {
    let options = method.method_descriptor_proto().options.as_ref();
    options.is_some_and(|options| options.idempotency_level() == IdempotencyLevel::NoSideEffects)
}

/// The option as it is written.
#[expect(clippy::struct_excessive_bools, reason = "it mirrors the message")]
#[derive(Default)]
struct Declared {
    public: bool,
    authenticated: bool,
    internal: bool,
    permissions: Vec<Permission>,
    refuse_service_accounts: bool,
    step_up: bool,
    accept_personal_tokens: bool,
    accept_guests: bool,
    accept_impersonation: bool,
    accept_read_only: bool,
    max_request_bytes: u32,
}

impl Declared {
    /// A field that is not known here might narrow the rule, so it must not be passed over.
    fn read(message: &DynamicMessage) -> Result<Self, RuleProblem> {
        let mut declared = Self::default();
        if message.unknown_fields().next().is_some() {
            return Err(RuleProblem::UnknownCondition);
        }
        for (field, value) in message.fields() {
            match (field.name(), value) {
                ("public", Value::Bool(holds)) => declared.public = *holds,
                ("authenticated", Value::Bool(holds)) => declared.authenticated = *holds,
                ("internal", Value::Bool(holds)) => declared.internal = *holds,
                ("refuse_service_accounts", Value::Bool(holds)) => declared.refuse_service_accounts = *holds,
                ("step_up", Value::Bool(holds)) => declared.step_up = *holds,
                ("accept_personal_tokens", Value::Bool(holds)) => declared.accept_personal_tokens = *holds,
                ("accept_guests", Value::Bool(holds)) => declared.accept_guests = *holds,
                ("accept_impersonation", Value::Bool(holds)) => declared.accept_impersonation = *holds,
                ("accept_read_only", Value::Bool(holds)) => declared.accept_read_only = *holds,
                ("max_request_bytes", Value::U32(bytes)) => declared.max_request_bytes = *bytes,
                ("permissions", Value::List(names)) => declared.permissions = permissions(names)?,
                _ => return Err(RuleProblem::UnknownCondition),
            }
        }
        Ok(declared)
    }

    fn max_request_bytes(&self) -> usize {
        match usize::try_from(self.max_request_bytes) {
            Ok(0) if self.public => PUBLIC_MAX_REQUEST_BYTES,
            Ok(0) | Err(_) => DEFAULT_MAX_REQUEST_BYTES,
            Ok(bytes) => bytes,
        }
    }

    fn access(self) -> Result<Access, RuleProblem> {
        let admits_subjects = self.authenticated || !self.permissions.is_empty();
        if self.public {
            let narrowed = self.refuse_service_accounts || self.step_up;
            let accepts =
                self.accept_personal_tokens || self.accept_guests || self.accept_impersonation || self.accept_read_only;
            let further = admits_subjects || self.internal || narrowed || accepts;
            return if further { Err(RuleProblem::PublicWithConditions) } else { Ok(Access::Public) };
        }
        if self.accept_personal_tokens && (!self.authenticated || self.step_up) {
            return Err(RuleProblem::AcceptsInVain);
        }
        if self.accept_guests && (!self.authenticated || self.step_up) {
            return Err(RuleProblem::AcceptsGuestsInVain);
        }
        let impersonates_nobody = self.accept_impersonation && (!admits_subjects || self.step_up);
        if impersonates_nobody || (self.accept_read_only && !self.accept_impersonation) {
            return Err(RuleProblem::ImpersonatesInVain);
        }
        match (admits_subjects, self.internal) {
            (false, false) => Err(RuleProblem::Empty),
            (false, true) if self.refuse_service_accounts => Err(RuleProblem::RefusesNobody),
            (false, true) if self.step_up => Err(RuleProblem::StepsUpNobody),
            _ => Ok(Access::Restricted {
                authenticated: self.authenticated,
                internal: self.internal,
                permissions: self.permissions,
            }),
        }
    }
}

fn permissions(names: &[Value]) -> Result<Vec<Permission>, RuleProblem> {
    let mut permissions: Vec<Permission> = Vec::with_capacity(names.len());
    for name in names {
        let name = name.as_str().unwrap_or_default();
        if !is_permission(name) || permissions.iter().any(|listed| **listed == *name) {
            return Err(RuleProblem::Permission(name.to_owned()));
        }
        permissions.push(Arc::from(name));
    }
    Ok(permissions)
}

/// Tells whether a name has the form `context.collection.verb`, in lower case with underscores.
fn is_permission(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.split('.').count() == 3 && name.split('.').all(is_part)
}
