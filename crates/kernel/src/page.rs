//! Page sizes and sealed page tokens (AIP-158).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::entropy::Entropy;
use crate::key::Sealer;

/// How many entries a page holds: 50 unless asked, 1 000 at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// The size of a page when the caller names none.
    pub const DEFAULT: u16 = 50;
    /// The largest page; a larger wish is coerced to it.
    pub const MAX: u16 = 1_000;

    /// Takes a caller's wish; zero means the default, negative is an error.
    pub fn parse(size: i32) -> Result<Self, PageError> {
        match u32::try_from(size) {
            Err(_) => Err(PageError::NegativeSize),
            Ok(0) => Ok(Self(Self::DEFAULT)),
            Ok(size) => Ok(Self(u16::try_from(size).unwrap_or(Self::MAX).min(Self::MAX))),
        }
    }

    /// Returns the number of entries.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// Why a page cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The page size was below zero.
    #[error("must not be negative; leave it out for pages of 50")]
    NegativeSize,
    /// The token was changed, cut, or belongs to another list or caller.
    #[error("must be the next_page_token of the same list with the same arguments; start again without it")]
    ForeignToken,
}

/// Seals and opens page tokens.
#[derive(Debug, Clone)]
pub struct PageTokens(Sealer);

impl PageTokens {
    /// The longest token accepted, before any work is done on it.
    const MAX_CHARS: usize = 1_024;

    /// Makes the sealer of page tokens.
    pub const fn new(sealer: Sealer) -> Self {
        Self(sealer)
    }

    /// Seals the position after the last entry; `binding` names the list, the caller and the other arguments.
    pub fn seal(&self, binding: &[&str], position: &[u8], entropy: &dyn Entropy) -> String {
        URL_SAFE_NO_PAD.encode(self.0.seal(&canonical(binding), position, entropy))
    }

    /// Opens a token; an empty one is the start.
    pub fn open(&self, binding: &[&str], token: &str) -> Result<Option<Vec<u8>>, PageError> {
        if token.is_empty() {
            return Ok(None);
        }
        if token.len() > Self::MAX_CHARS {
            return Err(PageError::ForeignToken);
        }
        let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| PageError::ForeignToken)?;
        let position = self.0.open(&canonical(binding), &sealed).map_err(|_| PageError::ForeignToken)?;
        Ok(Some(position.to_vec()))
    }
}

/// Length-prefixes each part, so that two bindings never collide.
fn canonical(binding: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in binding {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in order.
    pub items: Vec<T>,
    /// Whether entries follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Makes a page of up to `size` entries from a query that asked for one more.
    pub fn from_overfetch(mut items: Vec<T>, size: PageSize) -> Self {
        let has_more = items.len() > usize::from(size.get());
        items.truncate(usize::from(size.get()));
        Self { items, has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::key::{MasterKey, Purpose};

    /// ASVS: V1.2.4
    #[test]
    fn attack_t36_a_page_token_serves_only_the_list_it_came_from() {
        let tokens = PageTokens::new(MasterKey::new(&SystemEntropy).sealer(Purpose::PageToken));
        let token = tokens.seal(&["users", "org-a"], b"after-7", &SystemEntropy);
        assert_eq!(tokens.open(&["users", "org-a"], &token), Ok(Some(b"after-7".to_vec())));
        assert_eq!(tokens.open(&["users", "org-b"], &token), Err(PageError::ForeignToken));
        assert_eq!(tokens.open(&["usersorg-a"], &token), Err(PageError::ForeignToken));
        assert_eq!(tokens.open(&["users", "org-a"], "nonsense"), Err(PageError::ForeignToken));
        assert_eq!(tokens.open(&["users", "org-a"], ""), Ok(None));
    }

    #[test]
    fn a_page_size_is_coerced_into_its_range() {
        assert_eq!(PageSize::parse(0).map(PageSize::get), Ok(50));
        assert_eq!(PageSize::parse(7).map(PageSize::get), Ok(7));
        assert_eq!(PageSize::parse(i32::MAX).map(PageSize::get), Ok(1_000));
        assert_eq!(PageSize::parse(-1), Err(PageError::NegativeSize));
    }
}
