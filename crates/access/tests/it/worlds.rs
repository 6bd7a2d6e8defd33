//! Random worlds: what is decided from memory, step after step, is what one SQL statement says of the tables, and a
//! list holds a resource if and only if the check allows it.

use std::collections::BTreeSet;

use rolecall_api::organization::v1 as pb;
use rolecall_api::organization::v1::resource::Resource;
use rolecall_db::Backend;
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Clock as _;
use rolecall_organization::ground;
use rolecall_testkit::on_each_database;
use sea_orm::{ConnectionTrait as _, Statement};
use uuid::Uuid;

use crate::stage::{Stage, Who};

/// How often a world changes.
const STEPS: usize = 5;

const ROLES: [&str; 5] = ["ADMIN", "DATA_SCIENTIST", "DATA_STEWARD", "GUEST", "OWNER"];

/// What composed roles are made of.
const GIVEN: [&str; 4] = [
    "organization.datasets.get",
    "organization.datasets.get_granted",
    "organization.datasets.get_registered",
    "organization.models.get",
];

/// Ids that may be there or not, of one organization.
struct Pool {
    organization: Uuid,
    users: Vec<Uuid>,
    datasets: Vec<Uuid>,
    models: Vec<Uuid>,
    policies: Vec<Uuid>,
    roles: Vec<Uuid>,
}

/// Makes and changes the tables.
struct Worlds<'a> {
    stage: &'a Stage,
    pools: Vec<Pool>,
}

impl Worlds<'_> {
    fn chance(&self, percent: u64) -> bool {
        self.stage.entropy.below(100) < percent
    }

    fn pick<'b, T>(&self, all: &'b [T]) -> &'b T {
        let place = self.stage.entropy.below(u64::try_from(all.len()).expect("few"));
        &all[usize::try_from(place).expect("few")]
    }

    fn id(&self, id: &Uuid) -> String {
        match self.stage.database.backend() {
            Backend::Postgres => format!("'{id}'::uuid"),
            Backend::Sqlite => format!("x'{}'", id.simple()),
        }
    }

    /// None, some time ago, or some time on.
    fn time(&self) -> String {
        let now = self.stage.clock.now().as_micros();
        (*self.pick(&["NULL".to_owned(), (now - 1_000_000).to_string(), (now + 1_000_000).to_string()])).clone()
    }

    /// The statements that make all of an organization anew.
    fn anew(&self, pool: &Pool) -> Vec<String> {
        let organization = self.id(&pool.organization);
        let mut all: Vec<String> = [
            "DELETE FROM asset_policies WHERE organization_id = ",
            "DELETE FROM datasets WHERE organization_id = ",
            "DELETE FROM models WHERE organization_id = ",
            "DELETE FROM members WHERE organization_id = ",
            "DELETE FROM roles WHERE organization_id = ",
        ]
        .iter()
        .map(|text| format!("{text}{organization}"))
        .collect();
        let suspended = if self.chance(20) { "1" } else { "NULL" };
        all.push(format!(
            "UPDATE organizations SET suspended_since = {suspended} WHERE organization_id = {organization}"
        ));
        for (place, role) in pool.roles.iter().enumerate() {
            let (id, permission) = (self.id(role), self.pick(&GIVEN));
            all.push(format!("INSERT INTO roles VALUES ({id}, {organization}, 'ROLE_{place}', '', 1, 0, 0)"));
            all.push(format!("INSERT INTO role_permissions VALUES ({id}, '{permission}')"));
        }
        self.people(pool, &mut all);
        self.data(pool, &mut all);
        all
    }

    fn people(&self, pool: &Pool, all: &mut Vec<String>) {
        let organization = self.id(&pool.organization);
        for user in pool.users.iter().filter(|_| self.chance(85)) {
            let roles: Vec<&str> = ROLES.into_iter().filter(|_| self.chance(25)).collect();
            let (owner, admin) = (roles.contains(&"OWNER"), roles.contains(&"ADMIN"));
            let state = if self.chance(85) { "ACTIVE" } else { "PENDING" };
            let (id, roles) = (self.id(user), roles.join(","));
            let block = if self.chance(20) {
                format!("'x', 0, {}, {id}", self.time())
            } else {
                "NULL, NULL, NULL, NULL".to_owned()
            };
            all.push(format!(
                "INSERT INTO members (user_id, organization_id, state, roles, is_owner, is_admin, block_reason, \
                 blocked_since, blocked_until, blocked_by, version, created, updated) \
                 VALUES ({id}, {organization}, '{state}', '{roles}', {owner}, {admin}, {block}, 1, 0, 0)"
            ));
            for role in pool.roles.iter().filter(|_| self.chance(25)) {
                all.push(format!("INSERT INTO member_roles VALUES ({id}, {})", self.id(role)));
            }
        }
    }

    fn data(&self, pool: &Pool, all: &mut Vec<String>) {
        let organization = self.id(&pool.organization);
        let everybody: Vec<Uuid> = self.pools.iter().flat_map(|pool| pool.users.iter().copied()).collect();
        for dataset in pool.datasets.iter().filter(|_| self.chance(85)) {
            let (id, registrant) = (self.id(dataset), self.id(self.pick(&everybody)));
            all.push(format!(
                "INSERT INTO datasets VALUES ({id}, {organization}, 'x', '{dataset}', '', {registrant}, '', '', 1, 0, 0)"
            ));
        }
        for model in pool.models.iter().filter(|_| self.chance(85)) {
            let id = self.id(model);
            all.push(format!("INSERT INTO models VALUES ({id}, {organization}, 'x', '{model}', '', 1, 0, 0)"));
        }
        for policy in pool.policies.iter().filter(|_| self.chance(85)) {
            let (id, starts, ends) = (self.id(policy), self.time(), self.time());
            let state = self.pick(&["ACTIVE", "ACTIVE", "ACTIVE", "DRAFT", "REVOKED"]);
            all.push(format!(
                "INSERT INTO asset_policies (asset_policy_id, organization_id, name, model_id, model_version, \
                 parameter_bounds, output_review, obligations, starts, ends, state, version, created, updated) \
                 VALUES ({id}, {organization}, 'x', {id}, '1', '{{}}', false, '', {starts}, {ends}, '{state}', 1, 0, 0)"
            ));
            for dataset in pool.datasets.iter().filter(|_| self.chance(50)) {
                all.push(format!("INSERT INTO asset_policy_datasets VALUES ({id}, {})", self.id(dataset)));
            }
            for (place, user) in everybody.iter().enumerate().filter(|_| self.chance(30)) {
                let user = if self.chance(90) { self.id(user) } else { "NULL".to_owned() };
                all.push(format!(
                    "INSERT INTO asset_policy_beneficiaries VALUES ({id}, '{place}@x', 'a@example.org', 'h', {user}, 0)"
                ));
            }
        }
    }

    /// Changes one organization, under a revision that says so.
    async fn change(&self, pool: &Pool) {
        let (statements, id) = (self.anew(pool), OrganizationId::from_uuid(pool.organization));
        let statements = &statements;
        let now = self.stage.clock.now();
        let written = self.stage.database.write(|tx| async move {
            let revision = ground::advance(&tx).await?;
            for statement in statements {
                tx.execute_unprepared(statement).await?;
            }
            ground::record_organization(&tx, revision, id, "test", now, &ground::Origin::default()).await
        });
        written.await.expect("writes");
    }

    /// Asks the tables, in words of their own.
    async fn oracle(&self, subject: &Uuid, wish: &Wish, resource: &Uuid) -> bool {
        let reader = self.stage.database.reader();
        let now = self.stage.clock.now().as_micros();
        let (kind, text) = (wish.table, wish.allows.replace("{now}", &now.to_string()));
        let text = format!(
            "SELECT count(*) FROM members m JOIN organizations o ON o.organization_id = m.organization_id \
             CROSS JOIN {kind} t JOIN organizations p ON p.organization_id = t.organization_id \
             WHERE m.user_id = {} AND t.{} = {} AND m.state = 'ACTIVE' AND o.suspended_since IS NULL \
             AND (m.block_reason IS NULL OR m.blocked_until <= {now}) AND ({text})",
            self.id(subject),
            wish.key,
            self.id(resource)
        );
        let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), text)).await;
        row.expect("reads").expect("a row").try_get_by_index::<i64>(0).expect("a number") > 0
    }
}

/// A permission on a kind of resource, and who has it, in SQL: `m` is the member, `t` the resource, `p` its organization.
struct Wish {
    permission: &'static str,
    kind: pb::ResourceType,
    table: &'static str,
    key: &'static str,
    allows: String,
}

fn role(name: &str) -> String {
    format!("m.roles LIKE '%{name}%'")
}

fn composed(permission: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM member_roles h JOIN role_permissions q ON q.role_id = h.role_id \
         WHERE h.user_id = m.user_id AND q.permission = '{permission}')"
    )
}

fn wishes() -> Vec<Wish> {
    let (owner, steward, scientist) = (role("OWNER"), role("DATA_STEWARD"), role("DATA_SCIENTIST"));
    let home = "m.organization_id = t.organization_id";
    let all = format!("{home} AND ({owner} OR {})", composed("organization.datasets.get"));
    let registered = format!(
        "{home} AND t.registrant_id = m.user_id AND ({owner} OR {steward} OR {})",
        composed("organization.datasets.get_registered")
    );
    let granted = format!(
        "p.suspended_since IS NULL AND ({owner} OR {steward} OR {scientist} OR {}) AND EXISTS (SELECT 1 \
         FROM asset_policies a JOIN asset_policy_datasets d ON d.asset_policy_id = a.asset_policy_id \
         JOIN asset_policy_beneficiaries b ON b.asset_policy_id = a.asset_policy_id \
         WHERE d.dataset_id = t.dataset_id AND b.user_id = m.user_id AND a.state = 'ACTIVE' \
         AND (a.starts IS NULL OR a.starts <= {{now}}) AND (a.ends IS NULL OR a.ends > {{now}}))",
        composed("organization.datasets.get_granted")
    );
    let granted = granted.replace("{{now}}", "{now}");
    let dataset = |permission, allows| Wish {
        permission,
        kind: pb::ResourceType::Dataset,
        table: "datasets",
        key: "dataset_id",
        allows,
    };
    let update = format!("{home} AND ({owner} OR ({steward} AND t.registrant_id = m.user_id))");
    let models = format!("{home} AND ({owner} OR {steward} OR {scientist} OR {})", composed("organization.models.get"));
    let people = format!("{} OR ({home} AND {owner})", role("ADMIN"));
    let person = format!(
        "{people} OR (m.user_id = t.user_id AND (m.roles <> '' OR EXISTS (SELECT 1 FROM member_roles h WHERE h.user_id = m.user_id)))"
    );
    let person =
        person.replace("m.roles <> ''", &[role("DATA_STEWARD"), role("DATA_SCIENTIST"), role("GUEST")].join(" OR "));
    vec![
        dataset("organization.datasets.get", format!("({all}) OR ({registered}) OR ({granted})")),
        dataset("organization.datasets.get_registered", registered),
        dataset("organization.datasets.get_granted", granted),
        dataset("organization.datasets.update", update),
        Wish {
            permission: "organization.models.get",
            kind: pb::ResourceType::Model,
            table: "models",
            key: "model_id",
            allows: models,
        },
        Wish {
            permission: "organization.members.list",
            kind: pb::ResourceType::Organization,
            table: "organizations",
            key: "organization_id",
            allows: people,
        },
        Wish {
            permission: "identity.users.get",
            kind: pb::ResourceType::User,
            table: "members",
            key: "user_id",
            allows: person,
        },
    ]
}

fn resource(kind: pb::ResourceType, id: &Uuid) -> Resource {
    match kind {
        pb::ResourceType::Dataset => Resource::DatasetId(id.to_string()),
        pb::ResourceType::Model => Resource::ModelId(id.to_string()),
        pb::ResourceType::User => Resource::UserId(id.to_string()),
        pb::ResourceType::Organization | pb::ResourceType::AssetPolicy | pb::ResourceType::Unspecified => {
            Resource::OrganizationId(id.to_string())
        }
    }
}

async fn batch(stage: &Stage, checks: Vec<pb::CheckAccessRequest>) -> Vec<bool> {
    let request = pb::BatchCheckAccessRequest { checks, consistency: None };
    let answer = stage.access_as(Who::User(stage.admin)).batch_check_access(request).await.expect("decides");
    answer.into_inner().decisions.iter().map(|decision| decision.allowed).collect()
}

/// Compares all that one subject may with what the tables say, and the list with both.
async fn compare(worlds: &Worlds<'_>, subject: &Uuid, wish: &Wish, lists: bool) {
    let (stage, of_kind) = (worlds.stage, |pool: &Pool| match wish.kind {
        pb::ResourceType::Dataset => pool.datasets.clone(),
        pb::ResourceType::Model => pool.models.clone(),
        pb::ResourceType::User => pool.users.clone(),
        pb::ResourceType::Organization | pb::ResourceType::AssetPolicy | pb::ResourceType::Unspecified => {
            vec![pool.organization]
        }
    });
    let resources: Vec<Uuid> = worlds.pools.iter().flat_map(of_kind).collect();
    let checks = resources.iter().map(|id| pb::CheckAccessRequest {
        subject_id: subject.to_string(),
        permission: wish.permission.to_owned(),
        resource: Some(pb::Resource { resource: Some(resource(wish.kind, id)) }),
        consistency: None,
    });
    let decided = batch(stage, checks.collect()).await;
    let mut allowed = BTreeSet::new();
    for (id, decided) in resources.iter().zip(decided) {
        let expected = worlds.oracle(subject, wish, id).await;
        assert_eq!(decided, expected, "{} of {subject} on {id}", wish.permission);
        allowed.extend(expected.then(|| id.to_string()));
    }
    if lists {
        let request = pb::ListAccessibleResourcesRequest {
            subject_id: subject.to_string(),
            permission: wish.permission.to_owned(),
            resource_type: wish.kind.into(),
            page_size: 1_000,
            ..Default::default()
        };
        let listed = stage.access_as(Who::User(stage.admin)).list_accessible_resources(request).await.expect("lists");
        let ours: BTreeSet<String> = resources.iter().map(Uuid::to_string).collect();
        let listed = listed.into_inner().resource_ids.into_iter();
        // The home organization and its administrator are no part of the random world.
        let listed: BTreeSet<String> = listed.filter(|id| ours.contains(id)).collect();
        assert_eq!(listed, allowed, "{} of {subject}", wish.permission);
    }
}

on_each_database! {
    /// ASVS: T21
    async fn asvs_v8_2_2_memory_the_database_and_lists_decide_alike_in_every_world(database) {
        let stage = Stage::open(&database).await;
        let fresh = |count: usize| -> Vec<Uuid> { (0..count).map(|_| stage.new_user().as_uuid()).collect() };
        let mut pools = Vec::new();
        for name in ["One", "Two", "Three"] {
            let (organization, _) = stage.found(name).await;
            let (users, datasets, models, policies, roles) = (fresh(4), fresh(3), fresh(1), fresh(3), fresh(2));
            pools.push(Pool { organization: organization.as_uuid(), users, datasets, models, policies, roles });
        }
        let (worlds, wishes) = (Worlds { stage: &stage, pools }, wishes());
        for pool in &worlds.pools {
            worlds.change(pool).await;
        }
        let subjects: Vec<Uuid> = worlds.pools.iter().flat_map(|pool| pool.users.iter().copied()).collect();
        for subject in &subjects {
            for wish in &wishes {
                compare(&worlds, subject, wish, false).await;
            }
        }
        for _ in 0..STEPS {
            stage.access.follow().await.expect("follows");
            worlds.change(worlds.pick(&worlds.pools)).await;
            stage.access.follow().await.expect("follows");
            for subject in &subjects {
                let wish = worlds.pick(&wishes);
                compare(&worlds, subject, wish, true).await;
            }
        }
    }
}
