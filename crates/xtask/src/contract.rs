//! The contract as the tasks read it: methods with their rules, reasons with their codes.

use anyhow::Context as _;
use prost_reflect::{DescriptorPool, DynamicMessage, EnumDescriptor, FileDescriptor, MethodDescriptor, Value};

use crate::files;
use crate::root;

/// Compiles the contract; the bytes keep the custom options, which typed descriptors drop.
pub(crate) fn compile() -> anyhow::Result<protox::Compiler> {
    let proto = root().join("proto");
    let mut files = files::walk(&proto, &|_| true)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    let mut compiler = protox::Compiler::new([proto])?;
    compiler.include_imports(true).include_source_info(true).open_files(files)?;
    Ok(compiler)
}

/// What a method declares about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// Full name of the service.
    pub(crate) service: String,
    /// Name of the method.
    pub(crate) name: String,
    /// Who may call, in one line; nothing when the contract forgot to say.
    pub(crate) rule: Option<String>,
    /// Whether anybody but the suite's own services may call it.
    pub(crate) is_for_clients: bool,
    /// Whether repeating a call does no harm.
    pub(crate) is_repeatable: bool,
}

/// A reason of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reason {
    /// `ErrorInfo.domain`, such as `identity.rolecall`.
    pub(crate) domain: String,
    /// `ErrorInfo.reason`, such as `EMAIL_TAKEN`.
    pub(crate) name: String,
    /// Name of the gRPC status code, such as `ALREADY_EXISTS`.
    pub(crate) code: String,
    /// What it means.
    pub(crate) meaning: String,
}

/// The parsed contract.
#[derive(Debug)]
pub(crate) struct Contract {
    pool: DescriptorPool,
}

impl Contract {
    /// Reads `proto/`.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Ok(Self { pool: DescriptorPool::decode(compile()?.encode_file_descriptor_set().as_slice())? })
    }

    /// Every method, by path.
    pub(crate) fn methods(&self) -> anyhow::Result<Vec<Method>> {
        let mut methods = Vec::new();
        for service in self.pool.services() {
            for method in service.methods() {
                methods.push(self.method(&method)?);
            }
        }
        methods.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
        Ok(methods)
    }

    /// Every reason of every domain, in the order of the contract.
    pub(crate) fn reasons(&self) -> anyhow::Result<Vec<Reason>> {
        let mut reasons = Vec::new();
        for reason_enum in self.pool.all_enums().filter(|each| each.name() == "ErrorReason") {
            self.add_reasons(&reason_enum, &mut reasons)?;
        }
        reasons.sort_by(|a, b| a.domain.cmp(&b.domain));
        Ok(reasons)
    }

    fn method(&self, method: &MethodDescriptor) -> anyhow::Result<Method> {
        let option = self.pool.get_extension_by_name("rolecall.authz.v1.rule").context("the rule option")?;
        let options = method.options();
        let rule = options.has_extension(&option).then(|| options.get_extension(&option).into_owned());
        let rule = rule.as_ref().and_then(Value::as_message).map(Rule::read).transpose()?;
        let level =
            method.method_descriptor_proto().options.as_ref().map(prost_types::MethodOptions::idempotency_level);
        let unknown = prost_types::method_options::IdempotencyLevel::IdempotencyUnknown;
        Ok(Method {
            service: method.parent_service().full_name().to_owned(),
            name: method.name().to_owned(),
            is_for_clients: rule.as_ref().is_some_and(Rule::is_for_clients),
            rule: rule.map(|rule| rule.to_string()),
            is_repeatable: level.is_some_and(|level| level != unknown),
        })
    }

    fn add_reasons(&self, reason_enum: &EnumDescriptor, reasons: &mut Vec<Reason>) -> anyhow::Result<()> {
        let option = self.pool.get_extension_by_name("rolecall.authz.v1.code").context("the code option")?;
        let context = reason_enum.package_name().split('.').nth(1).context("a package of Rolecall")?;
        for value in reason_enum.values().filter(|value| value.number() != 0) {
            let options = value.options();
            let number = options.get_extension(&option).as_enum_number().unwrap_or_default();
            let codes = self.pool.get_enum_by_name("rolecall.authz.v1.StatusCode").context("the status codes")?;
            let code = codes.get_value(number).context("a known status code")?;
            reasons.push(Reason {
                domain: format!("{context}.rolecall"),
                name: value.name().trim_start_matches("ERROR_REASON_").to_owned(),
                code: code.name().trim_start_matches("STATUS_CODE_").to_owned(),
                meaning: comment(&reason_enum.parent_file(), value.path()),
            });
        }
        Ok(())
    }
}

/// The comment before an element of a file, on one line.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let text = location.and_then(|location| location.leading_comments.as_deref()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Default)]
struct Rule {
    alternatives: Vec<String>,
    flags: Vec<String>,
}

impl Rule {
    fn read(message: &DynamicMessage) -> anyhow::Result<Self> {
        let mut rule = Self::default();
        for (field, value) in message.fields() {
            match (field.name(), value) {
                ("public" | "authenticated" | "internal", Value::Bool(true)) => {
                    rule.alternatives.push(field.name().to_owned());
                }
                ("permissions", Value::List(permissions)) => {
                    let names = permissions.iter().filter_map(Value::as_str);
                    rule.alternatives.extend(names.map(|name| format!("permission {name}")));
                }
                ("max_request_bytes", Value::U32(bytes)) => rule.flags.push(format!("at most {bytes} bytes")),
                ("step_up", Value::Bool(true)) => rule.flags.push("step-up".to_owned()),
                (flag, Value::Bool(true)) => rule.flags.push(flag.replace('_', " ")),
                (other, value) => anyhow::bail!("`cargo xtask policy` cannot read the rule {other} = {value:?}"),
            }
        }
        Ok(rule)
    }

    fn is_for_clients(&self) -> bool {
        self.alternatives.iter().any(|alternative| alternative != "internal")
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.alternatives.join(" or "))?;
        self.flags.iter().try_for_each(|flag| write!(f, ", {flag}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_codes_and_meanings_are_read_from_the_contract() {
        let contract = Contract::read().unwrap();
        let methods = contract.methods().unwrap();
        let find = |name: &str| methods.iter().find(|method| method.name == name).unwrap();
        assert_eq!(find("CreateUser").rule.as_deref(), Some("permission identity.users.create"));
        assert_eq!(
            find("GetAccount").rule.as_deref(),
            Some("authenticated, refuse service accounts, accept personal tokens, accept impersonation")
        );
        assert!(find("CreateUser").is_repeatable && !find("LogIn").is_repeatable);
        assert!(!find("AddMember").is_for_clients && find("WatchAccessChanges").is_for_clients);

        let reasons = contract.reasons().unwrap();
        let taken = reasons.iter().find(|reason| reason.name == "EMAIL_TAKEN" && reason.domain == "identity.rolecall");
        let taken = taken.unwrap();
        assert_eq!(
            (taken.code.as_str(), taken.meaning.as_str()),
            ("ALREADY_EXISTS", "The address belongs to another account.")
        );
    }
}
