//! Lists the personal access tokens of a person.

use rolecall_db::Error as StoreError;
use rolecall_kernel::id::{AccessTokenId, UserId};
use rolecall_kernel::page::{Page, PageSize};

use super::Resources;
use crate::domain::access_token::AccessToken;
use crate::store::access_tokens;

/// Lists the tokens that are good, in order of creation.
pub(crate) async fn list(
    resources: &Resources,
    user_id: UserId,
    after: Option<AccessTokenId>,
    size: PageSize,
) -> Result<Page<AccessToken>, StoreError> {
    access_tokens::list(&resources.db.reader(), user_id, after, size, resources.now()).await
}
