//! Mails that strangers caused to one address.

use rolecall_db::{Error, LockRows as _, Tx};
use rolecall_kernel::time::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::corrupt;
use super::entity::mail_budget::{ActiveModel, Column, Entity};
use crate::domain::mail_budget::MailBudget;

/// Reads a budget as it is now.
pub(crate) async fn find<C: ConnectionTrait>(connection: &C, address: &[u8; 32]) -> Result<MailBudget, Error> {
    let row = Entity::find_by_id(address.to_vec()).one(connection).await?;
    row.map_or(Ok(MailBudget::default()), |row| decode(&row.sent))
}

/// Reads the budget of an address and keeps it until the transaction ends, so that mails are counted one by one.
pub(crate) async fn lock_or_insert(tx: &Tx, address: &[u8; 32], now: Timestamp) -> Result<MailBudget, Error> {
    let row = ActiveModel { address: Set(address.to_vec()), sent: Set(Vec::new()), updated: Set(now.as_micros()) };
    let nothing = OnConflict::column(Column::Address).do_nothing().to_owned();
    Entity::insert(row).on_conflict(nothing).exec_without_returning(tx).await?;
    let row = Entity::find_by_id(address.to_vec()).lock_for_update().one(tx).await?;
    row.map_or(Ok(MailBudget::default()), |row| decode(&row.sent))
}

/// Stores the budget of an address.
pub(crate) async fn update(tx: &Tx, address: &[u8; 32], budget: &MailBudget, now: Timestamp) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Sent, Expr::value(encode(budget)))
        .col_expr(Column::Updated, Expr::value(now.as_micros()))
        .filter(Column::Address.eq(address.to_vec()))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes budgets that nothing was taken from for long.
pub(crate) async fn sweep(tx: &Tx, updated_before: Timestamp) -> Result<u64, Error> {
    let done = Entity::delete_many().filter(Column::Updated.lt(updated_before.as_micros())).exec(tx).await?;
    Ok(done.rows_affected)
}

fn encode(budget: &MailBudget) -> Vec<u8> {
    budget.sent().iter().flat_map(|time| time.as_micros().to_be_bytes()).collect()
}

fn decode(bytes: &[u8]) -> Result<MailBudget, Error> {
    let (times, []) = bytes.as_chunks::<8>() else {
        return Err(corrupt("mail budget"));
    };
    let time = |bytes: &[u8; 8]| Timestamp::from_micros(i64::from_be_bytes(*bytes));
    Ok(MailBudget::new(times.iter().map(time).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_as_it_was_written() {
        let budget = MailBudget::new([1, 2, i64::MAX].map(Timestamp::from_micros).to_vec());
        assert_eq!(decode(&encode(&budget)).expect("readable"), budget);
        assert_eq!(decode(&[]).expect("readable"), MailBudget::default());
        assert!(decode(&[0; 7]).is_err());
    }
}
