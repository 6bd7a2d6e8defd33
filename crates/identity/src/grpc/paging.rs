//! Page tokens: the identifier of the last entry, sealed, bound to the list, its caller and its arguments.

use rolecall_kernel::page::Page;
use uuid::Uuid;

use super::Grpc;
use super::convert::Fields;

impl Grpc {
    /// Reads after which entry the page begins; notes a token that belongs elsewhere.
    pub(super) fn position<T>(
        &self,
        fields: &mut Fields,
        binding: &[&str],
        token: &str,
        id: fn(Uuid) -> T,
    ) -> Option<T> {
        let position = match self.pages.open(binding, token) {
            Ok(position) => position?,
            Err(error) => {
                fields.violate("page_token", "PAGE_TOKEN_FOREIGN", &error.to_string());
                return None;
            }
        };
        Uuid::from_slice(&position).ok().map(id)
    }

    /// Makes the token of the page after this one; empty on the last.
    pub(super) fn next_page<T>(&self, binding: &[&str], page: &Page<T>, id: impl Fn(&T) -> Uuid) -> String {
        match page.items.last() {
            Some(last) if page.has_more => {
                self.pages.seal(binding, id(last).as_bytes(), self.resources.entropy.as_ref())
            }
            Some(_) | None => String::new(),
        }
    }
}
