//! Facts of one revision: of all organizations, of some, or just around a few ids.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rolecall_db::{Error, View};
use rolecall_kernel::time::Timestamp;
use rolecall_organization::ground::{self, Role, RoleSet};
use sea_orm::{DbErr, QueryResult};

use super::corrupt;
use super::sql::{Sql, key, number, optional_key};
use crate::domain::facts::{Account, Block, ComposedRole, INSTANCE, Member, Policy, Shard};
use crate::domain::index::Key;
use crate::domain::snapshot::Snapshot;
use crate::domain::token::Epoch;
use crate::domain::vocabulary::Vocabulary;

/// What is read.
#[derive(Debug, Clone, Copy, Default)]
struct Range<'a> {
    /// Of these organizations, or of all.
    organizations: Option<&'a [Key]>,
    /// What these ids alone need, or all.
    ids: Option<&'a [Key]>,
}

impl Range<'_> {
    /// Narrows a statement whose rows belong to organizations, and are about ids where a condition says how.
    fn narrow(&self, sql: Sql, organization: &str, ids: Option<&str>) -> Sql {
        let sql = match self.organizations {
            Some(keys) => sql.and_among(&format!("{organization} IN {{}}"), keys),
            None => sql,
        };
        match (self.ids, ids) {
            (Some(keys), Some(condition)) => sql.and_among(condition, keys),
            (Some(_) | None, _) => sql,
        }
    }
}

/// The head of all access, as a view sees it.
pub(crate) async fn revision(view: &View) -> Result<i64, Error> {
    Ok(ground::head(view).await?.revision)
}

/// Reads everything, unless it would take more memory than that.
pub(crate) async fn all(view: &View, limit: usize) -> Result<Option<Snapshot>, Error> {
    let revision = revision(view).await?;
    if estimate(view).await? > limit {
        return Ok(None);
    }
    let mut world = Snapshot::new(revision, epoch(view).await?, Arc::new(vocabulary(view).await?));
    for (organization, shard) in read(view, Range::default()).await? {
        world.replace(organization, Some(shard));
    }
    Ok(Some(world).filter(|world| world.size() <= limit))
}

/// Reads some organizations; those that are not there, or hidden, are left out.
pub(crate) async fn organizations(view: &View, keys: &[Key]) -> Result<BTreeMap<Key, Shard>, Error> {
    read(view, Range { organizations: Some(keys), ids: None }).await
}

/// Reads what decides about these ids, and nothing else.
pub(crate) async fn around(view: &View, ids: &[Key]) -> Result<Snapshot, Error> {
    let revision = revision(view).await?;
    let vocabulary = Arc::new(vocabulary(view).await?);
    let mut world = Snapshot::new(revision, epoch(view).await?, vocabulary);
    let organizations = places(view, ids).await?;
    for (organization, shard) in read(view, Range { organizations: Some(&organizations), ids: Some(ids) }).await? {
        world.replace(organization, Some(shard));
    }
    Ok(world)
}

/// Returns where ids belong.
pub(crate) async fn places(view: &View, ids: &[Key]) -> Result<Vec<Key>, Error> {
    let mut found = Vec::new();
    for (table, column) in [
        ("organizations", "organization_id"),
        ("members", "user_id"),
        ("service_accounts", "service_account_id"),
        ("guests", "guest_id"),
        ("datasets", "dataset_id"),
        ("models", "model_id"),
        ("asset_policies", "asset_policy_id"),
    ] {
        let sql = Sql::new(&format!("SELECT DISTINCT organization_id FROM {table}"));
        for row in sql.and_among(&format!("{column} IN {{}}"), ids).all(view).await? {
            found.push(optional_key(&row, "organization_id")?.unwrap_or(INSTANCE));
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Names the history that the database holds.
pub(crate) async fn epoch(view: &View) -> Result<Epoch, Error> {
    let rows = Sql::new("SELECT epoch FROM access_epoch").and("id = 1").all(view).await?;
    let row = rows.first().ok_or_else(|| DbErr::RecordNotFound("access_epoch".to_owned()))?;
    Ok(Epoch(row.try_get::<String>("", "epoch")?.into()))
}

async fn vocabulary(view: &View) -> Result<Vocabulary, Error> {
    let rows = Sql::new("SELECT name FROM registered_permissions").all(view).await?;
    let names = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<Vec<String>, _>>()?;
    Ok(Vocabulary::new(names))
}

/// About how many bytes a row of each table takes in memory.
const ROWS: &[(&str, usize)] = &[
    ("organizations", 1_024),
    ("members", 144),
    ("member_roles", 8),
    ("role_permissions", 64),
    ("service_accounts", 1_024),
    ("guests", 96),
    ("datasets", 96),
    ("models", 80),
    ("asset_policies", 192),
    ("asset_policy_datasets", 80),
    ("asset_policy_beneficiaries", 80),
];

/// Estimates how much memory all facts take, in bytes, before they are read.
async fn estimate(view: &View) -> Result<usize, Error> {
    let mut bytes = 0;
    for (table, each) in ROWS {
        let rows = number(view, &format!("SELECT count(*) FROM {table}")).await?;
        bytes += usize::try_from(rows).unwrap_or(usize::MAX).saturating_mul(*each);
    }
    Ok(bytes)
}

/// Organizations in the making: those that are not in operation are not among them, and nobody is found in them.
struct Reading(BTreeMap<Key, Shard>);

impl Reading {
    fn of(&mut self, row: &QueryResult) -> Result<Option<&mut Shard>, DbErr> {
        let organization = optional_key(row, "organization_id")?.unwrap_or(INSTANCE);
        Ok(self.0.get_mut(&organization))
    }
}

async fn read(view: &View, range: Range<'_>) -> Result<BTreeMap<Key, Shard>, Error> {
    let mut reading = Reading(BTreeMap::new());
    read_organizations(view, range, &mut reading).await?;
    let roles = read_roles(view, range, &mut reading).await?;
    read_members(view, range, &mut reading, &roles).await?;
    read_programs_and_guests(view, range, &mut reading).await?;
    read_data(view, range, &mut reading).await?;
    read_policies(view, range, &mut reading).await?;
    for shard in reading.0.values_mut() {
        shard.link();
    }
    Ok(reading.0)
}

async fn read_organizations(view: &View, range: Range<'_>, reading: &mut Reading) -> Result<(), Error> {
    let sql = Sql::new("SELECT organization_id, suspended_since FROM organizations").and("state = 'ACTIVE'");
    for row in range.narrow(sql, "organization_id", None).all(view).await? {
        let suspended = row.try_get::<Option<i64>>("", "suspended_since")?.is_some();
        reading.0.insert(key(&row, "organization_id")?, Shard::empty(suspended));
    }
    if range.organizations.is_none_or(|keys| keys.contains(&INSTANCE)) {
        reading.0.insert(INSTANCE, Shard::default());
    }
    Ok(())
}

/// The name of a composed role, and what it is of.
type Composed = (Box<str>, Vec<Box<str>>);

/// Reads the composed roles; returns the place of each in its organization.
async fn read_roles(view: &View, range: Range<'_>, reading: &mut Reading) -> Result<HashMap<Key, u32>, Error> {
    let sql = "SELECT r.role_id, r.organization_id, r.name, p.permission FROM roles r \
               LEFT JOIN role_permissions p ON p.role_id = r.role_id";
    let mut roles: BTreeMap<(Key, Key), Composed> = BTreeMap::new();
    for row in range.narrow(Sql::new(sql), "r.organization_id", None).all(view).await? {
        let id = (key(&row, "organization_id")?, key(&row, "role_id")?);
        let name = row.try_get::<String>("", "name")?;
        let (_, permissions) = roles.entry(id).or_insert_with(|| (name.into(), Vec::new()));
        permissions.extend(row.try_get::<Option<String>>("", "permission")?.map(String::into_boxed_str));
    }
    let mut places = HashMap::new();
    for ((organization, role), (name, mut permissions)) in roles {
        let Some(shard) = reading.0.get_mut(&organization) else { continue };
        permissions.sort_unstable();
        places.insert(role, u32::try_from(shard.roles.len()).unwrap_or(u32::MAX));
        shard.roles.push(ComposedRole { name, permissions: permissions.into() });
    }
    Ok(places)
}

async fn read_members(
    view: &View,
    range: Range<'_>,
    reading: &mut Reading,
    roles: &HashMap<Key, u32>,
) -> Result<(), Error> {
    let sql = Sql::new("SELECT user_id, organization_id, state, roles, blocked_since, blocked_until FROM members");
    let sql = range.narrow(sql.and("state <> 'HIDDEN'"), "organization_id", Some("user_id IN {}"));
    for row in sql.all(view).await? {
        let member = member(&row)?;
        let user = key(&row, "user_id")?;
        if let Some(shard) = reading.of(&row)? {
            shard.members.insert(user, member);
        }
    }
    let sql = Sql::new(
        "SELECT h.user_id, h.role_id, m.organization_id FROM member_roles h JOIN members m ON m.user_id = h.user_id",
    );
    let mut held: HashMap<Key, Vec<u32>> = HashMap::new();
    for row in range.narrow(sql, "m.organization_id", Some("h.user_id IN {}")).all(view).await? {
        let (user, role) = (key(&row, "user_id")?, key(&row, "role_id")?);
        let place = roles.get(&role).copied();
        if let Some(shard) = reading.of(&row)? {
            let places = held.entry(user).or_default();
            places.extend(place);
            places.sort_by(|one, other| role_name(shard, *one).cmp(role_name(shard, *other)));
            if let Some(member) = shard.members.get_mut(&user) {
                member.custom = places.as_slice().into();
            }
        }
    }
    Ok(())
}

/// Composed roles are told in the order of their names.
fn role_name(shard: &Shard, place: u32) -> &str {
    let role = usize::try_from(place).ok().and_then(|place| shard.roles.get(place));
    role.map(|role| role.name.as_ref()).unwrap_or_default()
}

fn member(row: &QueryResult) -> Result<Member, DbErr> {
    let names = row.try_get::<String>("", "roles")?;
    let roles = names.split(',').filter(|name| !name.is_empty()).map(Role::parse);
    let since = row.try_get::<Option<i64>>("", "blocked_since")?;
    let until = row.try_get::<Option<i64>>("", "blocked_until")?.map(Timestamp::from_micros);
    Ok(Member {
        roles: roles.collect::<Result<RoleSet, _>>().map_err(|_| corrupt("role of a member"))?,
        custom: Box::default(),
        active: row.try_get::<String>("", "state")? == "ACTIVE",
        block: since.map(|_| Block { until }),
    })
}

async fn read_programs_and_guests(view: &View, range: Range<'_>, reading: &mut Reading) -> Result<(), Error> {
    let sql = Sql::new("SELECT service_account_id, organization_id, permissions FROM service_accounts");
    // Programs of the instance belong to no organization.
    let sql = match range.organizations {
        Some(keys) if keys.contains(&INSTANCE) => {
            sql.and_among("(organization_id IN {} OR organization_id IS NULL)", keys)
        }
        Some(keys) => sql.and_among("organization_id IN {}", keys),
        None => sql,
    };
    let sql = Range { organizations: None, ..range }.narrow(sql, "", Some("service_account_id IN {}"));
    for row in sql.all(view).await? {
        let id = key(&row, "service_account_id")?;
        let names = row.try_get::<String>("", "permissions")?;
        let mut permissions: Vec<Box<str>> = names.split(',').filter(|name| !name.is_empty()).map(Box::from).collect();
        permissions.sort_unstable();
        if let Some(shard) = reading.of(&row)? {
            shard.accounts.insert(id, Account { permissions: permissions.into() });
        }
    }
    let sql = Sql::new("SELECT guest_id, organization_id, expires FROM guests");
    for row in range.narrow(sql, "organization_id", Some("guest_id IN {}")).all(view).await? {
        let (id, ends) = (key(&row, "guest_id")?, Timestamp::from_micros(row.try_get("", "expires")?));
        if let Some(shard) = reading.of(&row)? {
            shard.guests.insert(id, ends);
        }
    }
    Ok(())
}

async fn read_data(view: &View, range: Range<'_>, reading: &mut Reading) -> Result<(), Error> {
    let sql = Sql::new("SELECT dataset_id, organization_id, registrant_id FROM datasets");
    for row in range.narrow(sql, "organization_id", Some("dataset_id IN {}")).all(view).await? {
        let (id, registrant) = (key(&row, "dataset_id")?, key(&row, "registrant_id")?);
        if let Some(shard) = reading.of(&row)? {
            shard.datasets.insert(id, registrant);
        }
    }
    let sql = Sql::new("SELECT model_id, organization_id FROM models");
    for row in range.narrow(sql, "organization_id", Some("model_id IN {}")).all(view).await? {
        let id = key(&row, "model_id")?;
        if let Some(shard) = reading.of(&row)? {
            shard.models.insert(id);
        }
    }
    Ok(())
}

/// The policies that are among the ids, or cover a dataset that is.
const ABOUT: &str = "(p.asset_policy_id IN {} OR p.asset_policy_id IN \
                     (SELECT c.asset_policy_id FROM asset_policy_datasets c WHERE c.dataset_id IN {}))";

async fn read_policies(view: &View, range: Range<'_>, reading: &mut Reading) -> Result<(), Error> {
    let (mut datasets, mut named) = (HashMap::new(), HashMap::new());
    let sql = "SELECT d.asset_policy_id, d.dataset_id AS id FROM asset_policy_datasets d \
               JOIN asset_policies p ON p.asset_policy_id = d.asset_policy_id";
    let sql = range.narrow(Sql::new(sql), "p.organization_id", Some("d.dataset_id IN {}"));
    gather(&sql.all(view).await?, &mut datasets)?;
    let sql = "SELECT b.asset_policy_id, b.user_id AS id FROM asset_policy_beneficiaries b \
               JOIN asset_policies p ON p.asset_policy_id = b.asset_policy_id";
    let sql = Sql::new(sql).and("b.user_id IS NOT NULL");
    let sql = range.narrow(sql, "p.organization_id", Some("b.user_id IN {}"));
    gather(&sql.all(view).await?, &mut named)?;
    let sql = Sql::new("SELECT p.asset_policy_id, p.organization_id, p.state, p.starts, p.ends FROM asset_policies p");
    for row in range.narrow(sql, "p.organization_id", Some(ABOUT)).all(view).await? {
        let id = key(&row, "asset_policy_id")?;
        let time = |column: &str| -> Result<Option<Timestamp>, DbErr> {
            Ok(row.try_get::<Option<i64>>("", column)?.map(Timestamp::from_micros))
        };
        let policy = Policy {
            active: row.try_get::<String>("", "state")? == "ACTIVE",
            starts: time("starts")?,
            ends: time("ends")?,
            datasets: datasets.remove(&id).unwrap_or_default().into(),
            beneficiaries: named.remove(&id).unwrap_or_default().into(),
        };
        if let Some(shard) = reading.of(&row)? {
            shard.policies.insert(id, policy);
        }
    }
    Ok(())
}

/// Gathers ids by policy, each once and in order.
fn gather(rows: &[QueryResult], by_policy: &mut HashMap<Key, Vec<Key>>) -> Result<(), DbErr> {
    for row in rows {
        by_policy.entry(key(row, "asset_policy_id")?).or_default().push(key(row, "id")?);
    }
    for ids in by_policy.values_mut() {
        ids.sort_unstable();
        ids.dedup();
    }
    Ok(())
}
