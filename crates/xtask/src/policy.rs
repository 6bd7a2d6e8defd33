//! The golden file of who may call what: a changed rule is a changed line in review.

use anyhow::bail;

use crate::contract::{Contract, Method};
use crate::files::Generated;
use crate::root;

const GOLDEN: &str = "tests/golden/policy.txt";

/// Methods of standard services, which carry no option of ours; `crates/authz` rules them by name, and a test of
/// `crates/server` compares these lines with what is served.
const NAMED: &str = "\
/grpc.health.v1.Health/Check  public
/grpc.health.v1.Health/List  public
/grpc.health.v1.Health/Watch  public
/grpc.reflection.v1.ServerReflection/ServerReflectionInfo  public on loopback, else authenticated, at most 65536 bytes, accept personal tokens
/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo  public on loopback, else authenticated, at most 65536 bytes, accept personal tokens
";

/// Writes the golden file, or with `check` fails when it differs.
pub(crate) fn run(check: bool) -> anyhow::Result<()> {
    let mut generated = Generated::default();
    generated.add(GOLDEN, render(&Contract::read()?.methods()?)?);
    generated.settle(&root(), check, "cargo xtask policy")
}

fn render(methods: &[Method]) -> anyhow::Result<String> {
    let without: Vec<String> = methods.iter().filter(|method| method.rule.is_none()).map(path).collect();
    if !without.is_empty() {
        bail!("every method says who may call it (rolecall.authz.v1.rule), but these do not: {}", without.join(", "));
    }
    let line = |method: &Method| format!("{}  {}\n", path(method), method.rule.as_deref().unwrap_or_default());
    Ok(NAMED.to_owned() + &methods.iter().map(line).collect::<String>())
}

fn path(method: &Method) -> String {
    format!("/{}/{}", method.service, method.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_without_a_rule_is_named() {
        let method = |name: &str, rule: Option<&str>| Method {
            service: "s.S".to_owned(),
            name: name.to_owned(),
            rule: rule.map(str::to_owned),
            is_for_clients: true,
            is_repeatable: false,
        };
        assert!(render(&[method("A", Some("public"))]).unwrap().ends_with("\n/s.S/A  public\n"));
        let error = render(&[method("A", Some("public")), method("B", None)]).unwrap_err().to_string();
        assert!(error.contains("/s.S/B") && !error.contains("/s.S/A"), "{error}");
    }
}
