//! Which organizations changed after a revision.

use rolecall_db::{Error, View};
use sea_orm::{ConnectionTrait as _, Statement};

use super::load::places;
use super::sql::{Sql, key, optional_key};
use crate::domain::facts::INSTANCE;
use crate::domain::index::Key;

/// Whatever has more changes than this is read anew as a whole.
const MANY: usize = 1_000;

/// An account was bound wherever its address waited, in policies of any organization.
const BOUND: &str = "organization.asset_policy_beneficiary_bound";

/// What is to be read anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Touched {
    /// These organizations.
    Organizations(Vec<Key>),
    /// Everything.
    All,
}

/// Tells what changed after a revision, up to the one that the view sees.
///
/// What changes without a line here is not seen by any decision: drafts that find out whom they name, roles that nobody
/// holds, guests whose time is over. It is read with the next change that makes it matter.
pub(crate) async fn after(view: &View, revision: i64, up_to: i64) -> Result<Touched, Error> {
    let text = "SELECT subject_id, organization_id, what FROM access_changes \
                WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT $3";
    let limit = i64::try_from(MANY + 1).unwrap_or(i64::MAX);
    let values: [sea_orm::Value; 3] = [revision.into(), up_to.into(), limit.into()];
    let rows = view.query_all_raw(Statement::from_sql_and_values(view.get_database_backend(), text, values)).await?;
    if rows.len() > MANY {
        return Ok(Touched::All);
    }
    let (mut touched, mut homeless, mut bound) = (Vec::new(), Vec::new(), Vec::new());
    for row in &rows {
        let subject = key(row, "subject_id")?;
        match optional_key(row, "organization_id")? {
            // Written for everybody, such as registered permissions.
            Some(0) => return Ok(Touched::All),
            Some(organization) => touched.push(organization),
            None => homeless.push(subject),
        }
        if row.try_get::<String>("", "what")? == BOUND {
            bound.push(subject);
        }
    }
    if !homeless.is_empty() {
        touched.push(INSTANCE);
        touched.extend(places(view, &homeless).await?);
    }
    if !bound.is_empty() {
        let text = "SELECT DISTINCT p.organization_id FROM asset_policy_beneficiaries b \
                    JOIN asset_policies p ON p.asset_policy_id = b.asset_policy_id";
        for row in Sql::new(text).and_among("b.user_id IN {}", &bound).all(view).await? {
            touched.push(key(&row, "organization_id")?);
        }
    }
    touched.sort_unstable();
    touched.dedup();
    Ok(Touched::Organizations(touched))
}
