use std::fmt::Write as _;

use super::*;

/// The table as it is reviewed: one line a permission, one column a role.
fn table() -> String {
    let columns = [Role::Admin, Role::Owner, Role::DataSteward, Role::DataScientist, Role::Guest];
    let mut text = String::from(
        "# Who holds which permission, and where. Generated; see crates/organization/src/domain/permission.rs.\n",
    );
    let heading: Vec<String> = columns.iter().map(|role| format!("{role:<26}")).collect();
    let _ = writeln!(text, "{:<46}{}", "permission", heading.concat().trim_end());
    for permission in CATALOGUE {
        let cells: Vec<String> =
            columns.iter().map(|role| format!("{:<26}", cell(permission.held_by(*role)))).collect();
        let _ = writeln!(text, "{:<46}{}", permission.name, cells.concat().trim_end());
    }
    text
}

fn cell(holding: Option<Holding>) -> String {
    match holding {
        None => "-".to_owned(),
        Some(Any) => "any".to_owned(),
        Some(Own) => "own".to_owned(),
        Some(OnSelf) => "self".to_owned(),
        Some(If(condition)) => format!("if {}", condition.name()),
    }
}

/// Compares with a file, or writes it when the environment says so.
fn compare(path: &str, text: &str) {
    #[expect(clippy::disallowed_methods, reason = "the switch that writes golden files is an environment variable")]
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    if update {
        std::fs::write(path, text).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(text, golden, "run UPDATE_GOLDEN=1 cargo test -p rolecall-organization, and review the difference");
}

#[test]
fn the_table_of_permissions_is_the_reviewed_one() {
    compare(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/permissions.txt"), &table());
}

/// The table as people read it.
fn markdown() -> String {
    let columns = [Role::Admin, Role::Owner, Role::DataSteward, Role::DataScientist, Role::Guest];
    let mut text = String::from(
        "# Permissions\n\n\
         Who holds which permission, and where. Generated from `crates/organization/src/domain/permission.rs`; a test keeps it\n\
         true. *any*: in every organization. *own*: in the own organization. *self*: on the own record. *if*: on a condition\n\
         about the resource. A person may hold several roles and has the rights of all of them.\n\n",
    );
    let heading: Vec<String> = columns.iter().map(|role| format!(" {role} |")).collect();
    let _ = writeln!(text, "| Permission |{}", heading.concat());
    let _ = writeln!(text, "| --- |{}", " --- |".repeat(columns.len()));
    for permission in CATALOGUE {
        let cells = columns.iter().map(|role| match permission.held_by(*role) {
            None => " |".to_owned(),
            held => format!(" {} |", cell(held)),
        });
        let _ = writeln!(text, "| `{}` |{}", permission.name, cells.collect::<String>());
    }
    text
}

#[test]
fn the_page_about_permissions_is_true() {
    compare(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md"), &markdown());
}

#[test]
fn permissions_are_sorted_unique_and_well_named() {
    let names: Vec<&str> = CATALOGUE.iter().map(|permission| permission.name).collect();
    assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
    for name in names {
        let parts: Vec<&str> = name.split('.').collect();
        assert_eq!(parts.len(), 3, "{name}");
        assert!(["identity", "organization", "notification"].contains(&parts[0]), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.'), "{name}");
    }
}

#[test]
fn an_owner_has_every_right_of_stewards_scientists_and_guests() {
    for permission in CATALOGUE {
        for role in [Role::DataSteward, Role::DataScientist, Role::Guest] {
            let Some(holding) = permission.held_by(role) else { continue };
            let owner = permission.held_by(Role::Owner);
            assert!(owner.is_some_and(|owner| owner >= holding), "{}: {role}", permission.name);
        }
    }
}

#[test]
fn an_administrator_reads_no_organization_data() {
    for permission in CATALOGUE {
        let data = ["datasets", "asset_policies", "compute_specs", "models"];
        if data.iter().any(|data| permission.name.contains(data)) {
            assert_eq!(permission.held_by(Role::Admin), None, "{}", permission.name);
        }
    }
}

#[test]
fn no_role_but_admin_holds_anything_everywhere() {
    for permission in CATALOGUE {
        for role in [Role::Owner, Role::DataSteward, Role::DataScientist, Role::Guest] {
            assert_ne!(permission.held_by(role), Some(Any), "{}: {role}", permission.name);
        }
    }
}

#[test]
fn every_permission_says_what_it_allows() {
    for permission in CATALOGUE {
        assert!(!describe(permission.name).is_empty(), "{}: add a line to permission/descriptions.rs", permission.name);
    }
}

#[test]
fn what_belongs_to_administrators_or_leads_to_the_rights_of_others_is_not_composed() {
    for permission in CATALOGUE {
        let is_given = permission.held_by(Role::Owner).is_some() && !LEADS_TO_OTHERS.contains(&permission.name);
        assert_eq!(permission.composed().is_some(), is_given, "{}", permission.name);
        assert_ne!(permission.composed(), Some(Any), "{}", permission.name);
    }
    for name in LEADS_TO_OTHERS {
        assert!(Permission::find(name).is_some(), "{name}");
    }
    let is_composed = |name| Permission::find(name).is_some_and(|permission| permission.composed().is_some());
    let kept = ["identity.users.set_password", "identity.users.impersonate", "identity.service_accounts.create"];
    assert!(!kept.into_iter().any(is_composed) && is_composed("identity.users.create"));
    assert!(Permission::named("identity.users.knight").is_none() && Permission::named("rolecall.a.b").is_none());
    assert_eq!(Permission::named("pipelines.runs.start").and_then(|named| named.composed()), Some(Own));
}
