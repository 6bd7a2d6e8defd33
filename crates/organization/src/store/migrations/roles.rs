//! Roles that organizations compose, and who holds them: a role that is held cannot go.

pub(super) const UP: &[&str] = &[
    "CREATE TABLE roles (
        role_id {uuid} NOT NULL CONSTRAINT roles_pkey PRIMARY KEY,
        organization_id {uuid} NOT NULL CONSTRAINT roles_organization_id_fkey REFERENCES organizations (organization_id),
        name text NOT NULL,
        description text NOT NULL,
        version bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        CONSTRAINT roles_name_key UNIQUE (organization_id, name)
    )",
    "CREATE INDEX roles_name_idx ON roles (name)",
    "CREATE TABLE role_permissions (
        role_id {uuid} NOT NULL CONSTRAINT role_permissions_role_id_fkey REFERENCES roles (role_id) ON DELETE CASCADE,
        permission text NOT NULL,
        CONSTRAINT role_permissions_pkey PRIMARY KEY (role_id, permission)
    )",
    "CREATE INDEX role_permissions_permission_idx ON role_permissions (permission)",
    "CREATE TABLE member_roles (
        user_id {uuid} NOT NULL CONSTRAINT member_roles_user_id_fkey REFERENCES members (user_id) ON DELETE CASCADE,
        role_id {uuid} NOT NULL CONSTRAINT member_roles_role_id_fkey REFERENCES roles (role_id),
        CONSTRAINT member_roles_pkey PRIMARY KEY (user_id, role_id)
    )",
    "CREATE INDEX member_roles_role_idx ON member_roles (role_id, user_id)",
];
