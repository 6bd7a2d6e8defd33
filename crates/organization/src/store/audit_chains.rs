//! The heads of the chains of the audit log, and the checkpoints that were signed.

use rolecall_db::{Error, Tx};
use rolecall_kernel::audit::{Checkpoint, GENESIS};
use rolecall_kernel::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Set, Statement,
};
use uuid::Uuid;

use super::audit::digest;
use super::entity::audit_chain::{Column, Entity, Model};
use super::entity::{audit_checkpoint, audit_event};
use crate::domain::audit::{Head, SignedCheckpoint};

fn head(row: &Model) -> Head {
    Head { sequence: row.head, hash: digest(&row.hash) }
}

/// Returns the end of a chain, a new one included, and keeps it from growing elsewhere until the transaction ends.
pub(crate) async fn lock(tx: &Tx, chain: Uuid, now: Timestamp) -> Result<Head, Error> {
    let text = "INSERT INTO audit_chains (chain_id, head, hash, signed, signed_at) VALUES ($1, 0, $2, 0, $3)
        ON CONFLICT (chain_id) DO UPDATE SET head = audit_chains.head RETURNING head, hash";
    let values = vec![chain.into(), GENESIS.to_vec().into(), now.as_micros().into()];
    let row = tx.query_one_raw(Statement::from_sql_and_values(tx.get_database_backend(), text, values)).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("audit_chains".to_owned()))?;
    Ok(Head { sequence: row.try_get("", "head")?, hash: digest(&row.try_get::<Vec<u8>>("", "hash")?) })
}

/// Moves the end of a chain that is locked.
pub(crate) async fn advance(tx: &Tx, chain: Uuid, to: &Head) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Head, Expr::value(to.sequence))
        .col_expr(Column::Hash, Expr::value(to.hash.to_vec()))
        .filter(Column::ChainId.eq(chain))
        .exec(tx)
        .await?;
    Ok(())
}

/// Returns the end of a chain; none when it has not begun.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, chain: Uuid) -> Result<Option<Head>, Error> {
    Ok(Entity::find_by_id(chain).one(connection).await?.map(|row| head(&row)))
}

/// Returns the chain after this one, in the order of their ids, of which anything is left.
pub(crate) async fn next<C: ConnectionTrait>(connection: &C, after: Option<Uuid>) -> Result<Option<Uuid>, Error> {
    use {audit_checkpoint as checkpoint, audit_event as event};
    let (mut chains, mut checkpoints) = (Entity::find(), checkpoint::Entity::find());
    let mut events = event::Entity::find().filter(event::Column::ChainId.is_not_null());
    if let Some(after) = after {
        chains = chains.filter(Column::ChainId.gt(after));
        checkpoints = checkpoints.filter(checkpoint::Column::ChainId.gt(after));
        events = events.filter(event::Column::ChainId.gt(after));
    }
    let chain = chains.order_by_asc(Column::ChainId).one(connection).await?;
    let checkpoint = checkpoints.order_by_asc(checkpoint::Column::ChainId).one(connection).await?;
    let events = events.order_by_asc(event::Column::ChainId).order_by_asc(event::Column::Sequence);
    let event = events.one(connection).await?;
    let found = [chain.map(|row| row.chain_id), checkpoint.map(|row| row.chain_id), event.and_then(|row| row.chain_id)];
    Ok(found.into_iter().flatten().min())
}

/// Returns chains that have grown since they were signed: those signed before `due`, and those that grew by `many`.
pub(crate) async fn list_unsigned<C: ConnectionTrait>(
    connection: &C,
    due: Timestamp,
    many: i64,
    limit: u64,
) -> Result<Vec<Uuid>, Error> {
    let grown = Expr::col(Column::Head).gt(Expr::col(Column::Signed));
    let by_many = Expr::col(Column::Head).sub(Expr::col(Column::Signed)).gte(many);
    let is_due = Condition::any().add(Column::SignedAt.lte(due.as_micros())).add(by_many);
    let query = Entity::find().filter(grown).filter(is_due).order_by_asc(Column::SignedAt).limit(limit);
    Ok(query.all(connection).await?.into_iter().map(|row| row.chain_id).collect())
}

/// Adds a checkpoint of the end of a chain that is locked.
pub(crate) async fn insert_checkpoint(tx: &Tx, signed: &SignedCheckpoint) -> Result<(), Error> {
    use audit_checkpoint as table;
    let Checkpoint { chain, sequence, hash, signed: at } = signed.checkpoint;
    let row = table::ActiveModel {
        chain_id: Set(chain),
        sequence: Set(sequence),
        hash: Set(hash.to_vec()),
        signed_at: Set(at.as_micros()),
        public_key: Set(signed.public_key.clone()),
        signature: Set(signed.signature.clone()),
    };
    let known = OnConflict::columns([table::Column::ChainId, table::Column::Sequence]).do_nothing().to_owned();
    table::Entity::insert(row).on_conflict(known).exec_without_returning(tx).await?;
    Entity::update_many()
        .col_expr(Column::Signed, Expr::value(sequence))
        .col_expr(Column::SignedAt, Expr::value(at.as_micros()))
        .filter(Column::ChainId.eq(chain))
        .exec(tx)
        .await?;
    Ok(())
}

/// Returns checkpoints of a chain after a number, in order.
pub(crate) async fn list_checkpoints<C: ConnectionTrait>(
    connection: &C,
    chain: Uuid,
    after: i64,
    until: i64,
    limit: u64,
) -> Result<Vec<SignedCheckpoint>, Error> {
    use audit_checkpoint::Column as C;
    let query = audit_checkpoint::Entity::find().filter(C::ChainId.eq(chain));
    let query = query.filter(C::Sequence.gt(after)).filter(C::Sequence.lte(until)).order_by_asc(C::Sequence);
    let rows = query.limit(limit).all(connection).await?;
    let signed = |row: audit_checkpoint::Model| SignedCheckpoint {
        checkpoint: Checkpoint {
            chain: row.chain_id,
            sequence: row.sequence,
            hash: digest(&row.hash),
            signed: Timestamp::from_micros(row.signed_at),
        },
        public_key: row.public_key,
        signature: row.signature,
    };
    Ok(rows.into_iter().map(signed).collect())
}
