//! The reasons of errors: for Go, for TypeScript, for people.

use std::fmt::Write as _;

use super::clients::HEADER;
use crate::contract::Reason;

/// One Go constant a reason.
pub(super) fn go(reasons: &[Reason]) -> String {
    let mut text = format!(
        "{HEADER}package rolecall\n\n// Reasons of refusals, each with the status code that it carries.\nconst (\n"
    );
    for reason in reasons {
        let Reason { code, meaning, .. } = reason;
        let _ = writeln!(
            text,
            "// {} ({code}): {meaning}\n{} Reason = {:?}",
            go_name(reason),
            go_name(reason),
            key(reason)
        );
    }
    text.push_str(")\n");
    text
}

/// The TypeScript union, and the code of each member.
pub(super) fn typescript(reasons: &[Reason]) -> String {
    let mut text = format!("{HEADER}import {{ Code }} from \"@connectrpc/connect\";\n\n");
    text.push_str("/** The status code that each reason of a refusal carries. */\nexport const REASONS = {\n");
    for reason in reasons {
        let code = pascal(&reason.code);
        let _ = writeln!(text, "  /** {} */\n  {:?}: Code.{code},", reason.meaning, key(reason));
    }
    text.push_str("} as const satisfies Record<string, Code>;\n\n");
    text.push_str("/** Why a call was refused: the domain of the error and the name of the reason. */\n");
    text.push_str("export type Reason = keyof typeof REASONS;\n");
    text
}

/// `docs/errors.md`.
pub(super) fn page(reasons: &[Reason]) -> String {
    let mut text = String::from(PREFACE);
    let mut domain = "";
    for reason in reasons {
        if reason.domain != domain {
            domain = &reason.domain;
            let _ = write!(text, "\n## {domain}\n\n| Reason | Status code | Meaning |\n| --- | --- | --- |\n");
        }
        let _ = writeln!(text, "| `{}` | `{}` | {} |", reason.name, reason.code, reason.meaning);
    }
    text
}

const PREFACE: &str = "<!-- Written by `cargo xtask codegen` from the errors.proto files; change those. -->\n\
# Errors\n\n\
Every refusal carries one `google.rpc.ErrorInfo`: its `domain` says which service refused, its `reason` why, its\n\
`metadata` holds each value that the message mentions. Programs decide by domain and reason, never by the message.\n\
Beside it stand, where they apply: `BadRequest` with every field that breaks a rule, `RetryInfo` when repeating helps,\n\
`ResourceInfo`, `PreconditionFailure`, `QuotaFailure`; and always `RequestInfo` with the name of the call in the logs.\n\n\
The same reasons are constants of the Go client (`rolecall.IdentityEmailTaken`) and members of the `Reason` union of the\n\
TypeScript client (`\"identity.rolecall/EMAIL_TAKEN\"`).\n";

fn key(reason: &Reason) -> String {
    format!("{}/{}", reason.domain, reason.name)
}

fn go_name(reason: &Reason) -> String {
    let context = reason.domain.trim_end_matches(".rolecall");
    let name = format!("{}{}", pascal(context), pascal(&reason.name));
    // Go writes initialisms in capitals.
    ["Id", "Api"].iter().fold(name, |name, word| capitals(&name, word))
}

/// Turns a word of a Pascal-case name into capitals, where it is a word of its own.
fn capitals(name: &str, word: &str) -> String {
    let mut result = String::new();
    let mut rest = name;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let ends = after.chars().next().is_none_or(char::is_uppercase);
        result.push_str(before);
        result.push_str(&if ends { word.to_uppercase() } else { word.to_owned() });
        rest = after;
    }
    result + rest
}

fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..].to_lowercase();
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(domain: &str, name: &str) -> Reason {
        let meaning = "It happened.".to_owned();
        Reason { domain: domain.to_owned(), name: name.to_owned(), code: "NOT_FOUND".to_owned(), meaning }
    }

    #[test]
    fn names_follow_the_customs_of_each_language() {
        let reasons =
            [reason("identity.rolecall", "API_KEY_NOT_FOUND"), reason("identity.rolecall", "REQUEST_ID_REUSED")];
        let go = go(&reasons);
        assert!(go.contains("IdentityAPIKeyNotFound Reason = \"identity.rolecall/API_KEY_NOT_FOUND\""), "{go}");
        assert!(go.contains("IdentityRequestIDReused Reason"), "{go}");
        assert!(typescript(&reasons).contains("\"identity.rolecall/API_KEY_NOT_FOUND\": Code.NotFound,"));
        assert!(page(&reasons).contains("| `REQUEST_ID_REUSED` | `NOT_FOUND` | It happened. |"));
    }
}
