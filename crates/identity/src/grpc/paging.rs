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
        self.place(fields, binding, token, |position| Uuid::from_slice(position).ok().map(id))
    }

    /// Reads after which place of an order the page begins; notes a token that belongs elsewhere.
    pub(super) fn place<T>(
        &self,
        fields: &mut Fields,
        binding: &[&str],
        token: &str,
        decode: impl Fn(&[u8]) -> Option<T>,
    ) -> Option<T> {
        match self.pages.open(binding, token) {
            Ok(position) => decode(&position?),
            Err(error) => {
                fields.violate("page_token", "PAGE_TOKEN_FOREIGN", &error.to_string());
                None
            }
        }
    }

    /// Makes the token of the page after this one; empty on the last.
    pub(super) fn next_page<T>(&self, binding: &[&str], page: &Page<T>, id: impl Fn(&T) -> Uuid) -> String {
        self.next_place(binding, page, |last| id(last).as_bytes().to_vec())
    }

    /// Makes the token of the page after this one, which begins after a place of an order; empty on the last.
    pub(super) fn next_place<T>(&self, binding: &[&str], page: &Page<T>, encode: impl Fn(&T) -> Vec<u8>) -> String {
        match page.items.last() {
            Some(last) if page.has_more => self.pages.seal(binding, &encode(last), self.resources.entropy.as_ref()),
            Some(_) | None => String::new(),
        }
    }
}
