//! What ends with an account. Whoever keeps something more about people adds its end here.

use rolecall_db::{Backend, Error, Tx};
use rolecall_kernel::id::OrganizationId;
use rolecall_kernel::time::Timestamp;
use sea_orm::prelude::Expr;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::entity::{attempt, delivery, notification};
use super::{ended, inbox, notifications, preferences, suppressions, templates};
use crate::domain::arrival::Ended;
use crate::domain::category::Category;
use crate::domain::delivery::Suppression;

/// Ends what is known of the person: preferences, inbox, and mails that wait; with an erasure also what its mails said.
/// The transaction has [closed](ended::close) the way in.
pub(crate) async fn end(tx: &Tx, over: Ended, now: Timestamp) -> Result<(), Error> {
    use delivery::Column;
    let Ended { subject, is_erased } = over;
    ended::insert(tx, over, now).await?;
    preferences::delete(tx, subject).await?;
    inbox::delete_all(tx, subject, is_erased).await?;
    let recipient = subject.as_uuid();
    let mut waiting = notifications::suppress(Suppression::Deleted)
        .filter(notifications::waiting())
        .filter(Column::RecipientId.eq(recipient));
    if !is_erased {
        // What tells of the security of the account is told to its end.
        let mandatory = Category::ALL.into_iter().filter(|category| category.is_mandatory()).map(Category::as_str);
        waiting = waiting.filter(Column::Category.is_not_in(mandatory));
    }
    waiting.exec(tx).await?;
    delivery::Entity::update_many()
        .col_expr(Column::DigestDue, Expr::value(None::<i64>))
        .filter(Expr::cust("digest_due IS NOT NULL"))
        .filter(Column::RecipientId.eq(recipient))
        .exec(tx)
        .await?;
    if !is_erased {
        return Ok(());
    }
    // Before the addresses are taken out of the mails.
    suppressions::erase(tx, subject).await?;
    erase(tx, recipient).await
}

/// Ends what an organization sent with: its templates, and what waits that is not mandatory.
/// The transaction has [closed](ended::close) the way in.
pub(crate) async fn end_organization(tx: &Tx, organization: OrganizationId, now: Timestamp) -> Result<(), Error> {
    templates::delete_all(tx, organization, now).await?;
    let mandatory = Category::ALL.into_iter().filter(|category| category.is_mandatory()).map(Category::as_str);
    notifications::suppress(Suppression::Deleted)
        .filter(notifications::waiting())
        .filter(delivery::Column::OrganizationId.eq(organization.as_uuid()))
        .filter(delivery::Column::Category.is_not_in(mandatory))
        .exec(tx)
        .await?;
    Ok(())
}

/// Takes addresses, names and texts out of what is kept of the person's mails.
async fn erase(tx: &Tx, recipient: sea_orm::prelude::Uuid) -> Result<(), Error> {
    use delivery::Column;
    let of_person = |column| {
        Query::select().column(column).from(delivery::Entity).and_where(Column::RecipientId.eq(recipient)).to_owned()
    };
    attempt::Entity::update_many()
        .col_expr(attempt::Column::Detail, Expr::value(""))
        .filter(attempt::Column::DeliveryId.in_subquery(of_person(Column::DeliveryId)))
        .exec(tx)
        .await?;
    // A title that was written for one person may tell of it.
    notification::Entity::update_many()
        .col_expr(notification::Column::Title, Expr::value(""))
        .col_expr(notification::Column::Data, Expr::value("{}"))
        .filter(notification::Column::RecipientCount.eq(1))
        .filter(notification::Column::NotificationId.in_subquery(of_person(Column::EventId)))
        .exec(tx)
        .await?;
    // Two mails of one event to one person stay apart by their addresses, so each keeps one that says nothing.
    let unique = match tx.backend() {
        Backend::Postgres => "CAST(delivery_id AS text)",
        Backend::Sqlite => "lower(hex(delivery_id))",
    };
    delivery::Entity::update_many()
        .col_expr(Column::Email, Expr::cust(unique))
        .col_expr(Column::Variables, Expr::value("{}"))
        .filter(Column::RecipientId.eq(recipient))
        .exec(tx)
        .await?;
    Ok(())
}
