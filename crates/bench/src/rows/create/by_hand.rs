//! What `CreateUser` asks of the databases, written down by hand.
//!
//! It follows `create_user` of identity and `add_member` and `confirm_member` of organization: the
//! same statements in the same transactions. Nothing is decoded, checked, sealed or hashed; what
//! is encoded there is here a text of the same length.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use rolecall_db::{Backend, Database, DatabaseConfig, Error, Tx};
use rolecall_identity::Identity;
use rolecall_kernel::entropy::SystemEntropy;
use rolecall_kernel::id::{EventId, InvitationId, OrganizationId, RequestId, UserId};
use rolecall_kernel::time::{Clock as _, SystemClock};
use rolecall_organization::Organization;
use rolecall_testkit::postgres::{self, FreshDatabase};
use rolecall_tests::stack::Store;
use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};
use tempfile::TempDir;
use uuid::Uuid;

pub(super) const GIVEN_NAME: &str = "Grace";
pub(super) const FAMILY_NAME: &str = "Guest";
pub(super) const ROLE: &str = "GUEST";
const NAME: &str = "Grace Guest";

/// The address of one person.
pub(super) fn email(number: u64) -> String {
    format!("person-{number}@guests.example")
}

/// Lengths of what is encoded, in bytes.
mod length {
    pub(super) const ANSWER: usize = 400;
    pub(super) const MAIL: usize = 380;
    pub(super) const USER_INVITED: usize = 240;
    pub(super) const MEMBER_ADDED: usize = 190;
}

/// The databases of identity and organization, without a server before them.
pub(super) struct ByHand {
    identity: Database,
    organization: Database,
    actor: Uuid,
    home: Uuid,
    numbers: AtomicU64,
    /// Where the databases lie; removed with this value.
    _place: Place,
}

enum Place {
    Folder { _folder: TempDir },
    Server { _database: Box<FreshDatabase> },
}

/// Everything that a new user brings.
struct Person {
    user_id: Uuid,
    invitation_id: Uuid,
    request_id: Uuid,
    email: String,
    now: i64,
}

impl Person {
    fn new(number: u64) -> Self {
        let now = SystemClock.now();
        Self {
            user_id: UserId::new(now, &SystemEntropy).as_uuid(),
            invitation_id: InvitationId::new(now, &SystemEntropy).as_uuid(),
            request_id: RequestId::new(now, &SystemEntropy).as_uuid(),
            email: email(number),
            now: now.as_micros(),
        }
    }
}

impl ByHand {
    /// Makes both databases with an organization and its administrator.
    pub(super) async fn open(store: Store) -> anyhow::Result<Self> {
        let (place, urls) = place(store).await?;
        let [identity, organization] = urls.map(DatabaseConfig::new);
        let identity = Database::connect(&identity, Identity::NAME, Identity::constraints()).await?;
        identity.migrate(Identity::migrations()).await?;
        let organization = Database::connect(&organization, Organization::NAME, Organization::constraints()).await?;
        organization.migrate(Organization::migrations()).await?;
        let now = SystemClock.now();
        let actor = UserId::new(now, &SystemEntropy).as_uuid();
        let home = OrganizationId::new(now, &SystemEntropy).as_uuid();
        let made = Self { identity, organization, actor, home, numbers: AtomicU64::new(1), _place: place };
        made.found().await?;
        Ok(made)
    }

    async fn found(&self) -> Result<(), Error> {
        let first = &Person { user_id: self.actor, ..Person::new(0) };
        self.identity.write(|tx| async move { self.insert_user(&tx, first).await }).await?;
        let organization = "INSERT INTO organizations (organization_id, name, name_key, state, home, mfa_policy,
                version, created)
            VALUES ($1, 'Home', 'home', 'ACTIVE', TRUE, 'OPTIONAL', 1, $2)";
        self.organization
            .write(|tx| async move {
                change(&tx, organization, vec![self.home.into(), first.now.into()]).await?;
                self.insert_member(&tx, first).await
            })
            .await
    }

    /// Creates one user.
    pub(super) async fn create_user(&self) -> Result<(), Error> {
        let person = &Person::new(self.numbers.fetch_add(1, Ordering::Relaxed));
        self.look_for_repeats(person).await?;
        self.identity.write(|tx| async move { begin(&tx, person).await }).await?;
        self.organization.write(|tx| async move { self.add_member(&tx, person).await }).await?;
        let name = format!("SELECT {USER_COLUMNS} FROM users WHERE user_id IN ($1)");
        look(&self.identity.reader(), &name, vec![self.actor.into()]).await?;
        self.identity.write(|tx| async move { self.commit(&tx, person).await }).await?;
        self.organization.write(|tx| async move { self.confirm_member(&tx, person).await }).await?;
        let done = "DELETE FROM sagas WHERE saga_id = $1";
        self.identity.write(|tx| async move { change(&tx, done, vec![person.user_id.into()]).await }).await
    }

    /// The earlier answer to the same request, and an earlier account of the same address.
    async fn look_for_repeats(&self, person: &Person) -> Result<(), Error> {
        let reader = self.identity.reader();
        let answer =
            "SELECT fingerprint, answer FROM idempotency_records WHERE caller = $1 AND method = $2 AND request_id = $3";
        look(&reader, answer, vec![self.actor.into(), METHOD.into(), person.request_id.into()]).await?;
        let user = format!("SELECT {USER_COLUMNS} FROM users WHERE email_key = $1 LIMIT $2");
        look(&reader, &user, vec![person.email.as_str().into(), 1_i64.into()]).await?;
        let credential = "SELECT user_id, password_hash, changed FROM credentials WHERE user_id = $1 LIMIT $2";
        look(&reader, credential, vec![Uuid::nil().into(), 1_i64.into()]).await.map(drop)
    }

    async fn add_member(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let actor = format!("SELECT {MEMBER_COLUMNS} FROM members WHERE state <> $1 AND user_id = $2 LIMIT $3");
        look(tx, &actor, vec!["HIDDEN".into(), self.actor.into(), 1_i64.into()]).await?;
        let home = format!("SELECT {ORGANIZATION_COLUMNS} FROM organizations WHERE organization_id = $1 LIMIT $2");
        look(tx, &home, vec![self.home.into(), 1_i64.into()]).await?;
        let hold_off = "INSERT INTO removed_subjects (subject_id, removed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        change(tx, hold_off, vec![person.user_id.into(), person.now.into()]).await?;
        let let_go = "DELETE FROM removed_subjects WHERE subject_id = $1";
        change(tx, let_go, vec![person.user_id.into()]).await?;
        lock_member(tx, person).await?;
        self.insert_member(tx, person).await
    }

    async fn insert_member(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let member = format!(
            "INSERT INTO members ({MEMBER_COLUMNS})
            VALUES ($1, $2, $3, $4, FALSE, FALSE, NULL, NULL, NULL, NULL, $5, 1, $6, $6)"
        );
        let values = vec![
            person.user_id.into(),
            self.home.into(),
            "HIDDEN".into(),
            ROLE.into(),
            self.actor.into(),
            person.now.into(),
        ];
        change(tx, &member, values).await
    }

    /// The transaction that decides: answer, account, invitation, mail, event, progress.
    async fn commit(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let answer = "INSERT INTO idempotency_records (caller, method, request_id, fingerprint, answer, created)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let values = vec![
            self.actor.into(),
            METHOD.into(),
            person.request_id.into(),
            vec![7_u8; 32].into(),
            vec![7_u8; length::ANSWER].into(),
            person.now.into(),
        ];
        change(tx, answer, values).await?;
        self.insert_user(tx, person).await?;
        self.insert_invitation(tx, person).await?;
        self.tell(tx, person, "notification.mail_requested", length::MAIL, "notification").await?;
        self.tell(tx, person, "identity.user_invited", length::USER_INVITED, "organization").await?;
        let progress = "UPDATE sagas SET state = $1 WHERE saga_id = $2 AND state = $3";
        change(tx, progress, vec!["COMMITTED".into(), person.user_id.into(), "STARTED".into()]).await
    }

    async fn insert_user(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let user = format!(
            "INSERT INTO users ({USER_COLUMNS})
            VALUES ($1, $2, $3, $3, FALSE, $4, $5, $6, $7, $8, $9, '', '', '', 'INVITED', 1, $10, $10, NULL, NULL)"
        );
        let values = vec![
            person.user_id.into(),
            self.home.into(),
            person.email.as_str().into(),
            NAME.into(),
            NAME.to_lowercase().into(),
            GIVEN_NAME.into(),
            GIVEN_NAME.to_lowercase().into(),
            FAMILY_NAME.into(),
            FAMILY_NAME.to_lowercase().into(),
            person.now.into(),
        ];
        change(tx, &user, values).await?;
        insert_words(tx, person).await
    }

    async fn insert_invitation(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let invitation = "INSERT INTO invitations (invitation_id, user_id, organization_id, inviter_id, code_hash,
                mailed, state, created, expires, claimed_password_hash, claimed_until)
            VALUES ($1, $2, $3, $4, $5, TRUE, $6, $7, $8, NULL, NULL)";
        // The hash of a code is spread over the index; so are these bytes.
        let code_hash: Vec<u8> = [person.user_id, person.invitation_id].map(Uuid::into_bytes).concat();
        let values = vec![
            person.invitation_id.into(),
            person.user_id.into(),
            self.home.into(),
            self.actor.into(),
            code_hash.into_iter().rev().collect::<Vec<_>>().into(),
            "PENDING".into(),
            person.now.into(),
            (person.now + 604_800_000_000).into(),
        ];
        change(tx, invitation, values).await
    }

    async fn confirm_member(&self, tx: &Tx, person: &Person) -> Result<(), Error> {
        let head = "UPDATE access_head SET revision = revision + 1 WHERE id = 1 RETURNING revision";
        let revision = integer(look(tx, head, vec![]).await?)?;
        lock_member(tx, person).await?;
        let member =
            "UPDATE members SET state = $1, roles = $2, is_owner = FALSE, is_admin = FALSE, block_reason = NULL,
                blocked_since = NULL, blocked_until = NULL, blocked_by = NULL, version = 2, updated = $3
            WHERE user_id = $4 AND version = 1";
        change(tx, member, vec!["PENDING".into(), ROLE.into(), person.now.into(), person.user_id.into()]).await?;
        let topic = "organization.member_added";
        let access = "INSERT INTO access_changes
                (revision, subject_id, organization_id, what, actor_id, request_id, occurred)
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let values = vec![
            revision.into(),
            person.user_id.into(),
            self.home.into(),
            topic.into(),
            self.actor.into(),
            person.request_id.to_string().into(),
            person.now.into(),
        ];
        change(tx, access, values).await?;
        self.tell(tx, person, topic, length::MEMBER_ADDED, "organization").await
    }

    /// An event for one consumer; PostgreSQL takes both rows in one statement.
    async fn tell(&self, tx: &Tx, person: &Person, topic: &str, bytes: usize, consumer: &str) -> Result<(), Error> {
        const EVENT: &str = "INSERT INTO outbox (event_id, topic, subject, organization_id, occurred, payload, trace,
                secrecy)
            VALUES ($1, $2, $3, $4, $5, $6, NULL, 0) RETURNING position, subject, occurred";
        let mut values: Vec<Value> = vec![
            EventId::new(SystemClock.now(), &SystemEntropy).as_uuid().into(),
            topic.into(),
            person.user_id.to_string().into(),
            self.home.into(),
            person.now.into(),
            vec![7_u8; bytes].into(),
        ];
        if tx.backend() == Backend::Postgres {
            values.push(consumer.into());
            let both = format!(
                "WITH event AS ({EVENT}) INSERT INTO outbox_deliveries (position, consumer, subject, due)
                SELECT position, $7::text, subject, occurred FROM event"
            );
            return change(tx, &both, values).await;
        }
        let position = integer(look(tx, EVENT, values).await?)?;
        let delivery = "INSERT INTO outbox_deliveries (position, consumer, subject, due) VALUES ($1, $2, $3, $4)";
        let subject = person.user_id.to_string();
        change(tx, delivery, vec![position.into(), consumer.into(), subject.into(), person.now.into()]).await
    }
}

const METHOD: &str = "UserService/CreateUser";

const USER_COLUMNS: &str = "user_id, organization_id, email, email_key, email_verified, name, name_key, given_name, \
    given_name_key, family_name, family_name_key, institution, institution_key, website, state, version, created, \
    updated, last_login, deleted";

const ORGANIZATION_COLUMNS: &str = "organization_id, name, name_key, state, home, mfa_policy, version, created";

const MEMBER_COLUMNS: &str = "user_id, organization_id, state, roles, is_owner, is_admin, block_reason, blocked_since, \
    blocked_until, blocked_by, added_by, version, created, updated";

async fn place(store: Store) -> anyhow::Result<(Place, [String; 2])> {
    match store {
        Store::Sqlite => {
            let folder = tempfile::tempdir()?;
            let url = |name: &str| format!("sqlite://{}/{name}.db", folder.path().display());
            let urls = [url(Identity::NAME), url(Organization::NAME)];
            Ok((Place::Folder { _folder: folder }, urls))
        }
        Store::Postgres => {
            let database = postgres::fresh_url().await;
            let urls = [database.url().to_owned(), database.url().to_owned()];
            Ok((Place::Server { _database: Box::new(database) }, urls))
        }
    }
}

/// The progress of the work, stored before anything else.
async fn begin(tx: &Tx, person: &Person) -> Result<(), Error> {
    let saga = "INSERT INTO sagas (saga_id, kind, state, lease_until, actor_id) VALUES ($1, $2, $3, $4, $1)";
    let lease = person.now + 10_000_000;
    change(tx, saga, vec![person.user_id.into(), "CREATE_USER".into(), "STARTED".into(), lease.into()]).await
}

/// The words that the account is searched by: those of its name and address.
async fn insert_words(tx: &Tx, person: &Person) -> Result<(), Error> {
    let delete = "DELETE FROM user_words WHERE user_id = $1";
    change(tx, delete, vec![person.user_id.into()]).await?;
    let key = format!("{NAME} {}", person.email).to_lowercase();
    let words: BTreeSet<&str> = key.split(|c: char| !c.is_alphanumeric()).collect();
    let places: Vec<String> = (0..words.len()).map(|index| format!("(${}, $1)", index + 2)).collect();
    let insert = format!("INSERT INTO user_words (word, user_id) VALUES {}", places.join(", "));
    let values = std::iter::once(Value::from(person.user_id)).chain(words.into_iter().map(Value::from));
    change(tx, &insert, values.collect()).await
}

async fn lock_member(tx: &Tx, person: &Person) -> Result<(), Error> {
    let lock = if tx.backend() == Backend::Postgres { " FOR UPDATE" } else { "" };
    let member = format!("SELECT {MEMBER_COLUMNS} FROM members WHERE user_id = $1 LIMIT $2{lock}");
    look(tx, &member, vec![person.user_id.into(), 1_i64.into()]).await.map(drop)
}

async fn change(tx: &Tx, text: &str, values: Vec<Value>) -> Result<(), Error> {
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
    Ok(())
}

async fn look<C: ConnectionTrait>(
    connection: &C,
    text: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, Error> {
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), text, values);
    Ok(connection.query_one_raw(statement).await?)
}

fn integer(row: Option<QueryResult>) -> Result<i64, Error> {
    let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound("a row that is always there".to_owned()))?;
    Ok(row.try_get_by_index(0)?)
}
