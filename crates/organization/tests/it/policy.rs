//! The catalogue and the rules of the methods speak of the same permissions.

use std::collections::HashSet;

use rolecall_authz::Policy;
use rolecall_organization::Organization;

#[test]
fn every_permission_that_a_rule_names_is_in_the_catalogue() {
    let known: HashSet<&str> = Organization::permissions().collect();
    let policy = Policy::from_descriptor(rolecall_api::DESCRIPTOR_SET).expect("our rules");
    let mut named = 0;
    for (path, rule) in policy.entries() {
        for permission in rule.permissions() {
            assert!(known.contains(&**permission), "{path} needs {permission}, which nobody holds");
            named += 1;
        }
    }
    assert!(named > 20, "the rules were read");
}
