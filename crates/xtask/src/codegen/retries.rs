//! Which calls a client may repeat by itself, from the contract's `idempotency_level`.

use serde_json::json;

use super::clients::HEADER;
use crate::contract::Method;

/// The gRPC service configuration of the Go client.
pub(super) fn go(methods: &[Method]) -> String {
    let config = service_config(methods);
    format!(
        "{HEADER}package rolecall\n\n\
         // serviceConfig repeats reads, and changes that bear a request_id, while the\n\
         // server is unavailable; nothing else is ever sent twice.\n\
         const serviceConfig = `{config}`\n"
    )
}

fn service_config(methods: &[Method]) -> String {
    let repeatable = methods.iter().filter(|method| method.is_for_clients && method.is_repeatable);
    let names: Vec<_> = repeatable.map(|method| json!({"service": method.service, "method": method.name})).collect();
    let config = json!({"methodConfig": [{
        "name": names,
        "retryPolicy": {
            "maxAttempts": 4,
            "initialBackoff": "0.1s",
            "maxBackoff": "2s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        },
    }]});
    format!("{config:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_repeatable_calls_of_clients_are_repeated() {
        let method = |name: &str, is_for_clients, is_repeatable| Method {
            service: "rolecall.identity.v1.UserService".to_owned(),
            name: name.to_owned(),
            rule: None,
            is_for_clients,
            is_repeatable,
        };
        let config =
            service_config(&[method("Get", true, true), method("LogIn", true, false), method("Add", false, true)]);
        assert!(config.contains("\"Get\"") && !config.contains("LogIn") && !config.contains("\"Add\""), "{config}");
    }
}
