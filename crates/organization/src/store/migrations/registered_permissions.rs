//! Permissions that other backends registered, each under a namespace.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE permission_namespaces (
        namespace text NOT NULL CONSTRAINT permission_namespaces_pkey PRIMARY KEY,
        service_account_id {uuid},
        updated bigint NOT NULL
    )",
    "CREATE TABLE registered_permissions (
        name text NOT NULL CONSTRAINT registered_permissions_pkey PRIMARY KEY,
        namespace text NOT NULL
            CONSTRAINT registered_permissions_namespace_fkey REFERENCES permission_namespaces (namespace),
        description text NOT NULL,
        created bigint NOT NULL
    )",
    "CREATE INDEX registered_permissions_namespace_idx ON registered_permissions (namespace, name)",
];
