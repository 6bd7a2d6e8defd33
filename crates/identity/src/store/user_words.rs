//! The words of names, addresses and institutions, kept in step with the accounts.

use rolecall_db::{Error, Tx};
use rolecall_kernel::text::{Institution, PersonName};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::user_word::{ActiveModel, Column, Entity};
use crate::domain::fold;
use crate::domain::user::User;

/// Replaces the words of an account, in the transaction that inserts or changes it.
pub(super) async fn replace(tx: &Tx, user: &User) -> Result<(), Error> {
    let user_id = user.user_id.as_uuid();
    Entity::delete_many().filter(Column::UserId.eq(user_id)).exec(tx).await?;
    let profile = &user.profile;
    let names = [Some(&profile.name), profile.given_name.as_ref(), profile.family_name.as_ref()];
    let texts = names.into_iter().flatten().map(PersonName::as_str);
    let texts = texts.chain(profile.institution.as_ref().map(Institution::as_str)).chain([user.email.as_str()]);
    // There always are some: an address has words.
    let rows = fold::words(texts).into_iter().map(|word| ActiveModel { word: Set(word), user_id: Set(user_id) });
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// Selects the accounts that have a word which begins with this one.
pub(super) fn beginning_with(word: &str) -> SelectStatement {
    let mut found = Query::select();
    found.column(Column::UserId).from(Entity).and_where(Expr::col(Column::Word).gte(word));
    if let Some(above) = fold::above_prefix(word) {
        found.and_where(Expr::col(Column::Word).lt(above));
    }
    found
}
