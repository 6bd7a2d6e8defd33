//! Maps by identifier, and one that is cheap to copy and to change a little.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// An identifier as a number.
pub(crate) type Key = u128;

/// A map by identifier.
pub(crate) type Map<V> = HashMap<Key, V, BuildHasherDefault<KeyHasher>>;

/// Ids.
pub(crate) type Set = HashSet<Key, BuildHasherDefault<KeyHasher>>;

/// Hashes identifiers. Most of their bits are random, and drawn by this suite: whoever asks for one adds none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0.rotate_left(8) ^ u64::from(*byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = fold(key).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The two halves of a key in one.
const fn fold(key: Key) -> u64 {
    let [low, high] = [key & u64::MAX as u128, key >> 64];
    #[expect(clippy::cast_possible_truncation, reason = "each half has 64 bits")]
    let halves = [low as u64, high as u64];
    halves[0] ^ halves[1]
}

/// So many that a bucket of a large installation stays small.
const BUCKETS: usize = 1_024;

/// A map by identifier whose copies share all but the buckets that are changed.
#[derive(Debug, Clone)]
pub(crate) struct Index<V> {
    buckets: Vec<Arc<Map<V>>>,
    entries: usize,
}

impl<V: Clone> Default for Index<V> {
    fn default() -> Self {
        Self { buckets: vec![Arc::default(); BUCKETS], entries: 0 }
    }
}

impl<V: Clone> Index<V> {
    /// Returns what stands under the key.
    pub(crate) fn get(&self, key: Key) -> Option<&V> {
        self.bucket(key).and_then(|bucket| bucket.get(&key))
    }

    fn bucket(&self, key: Key) -> Option<&Arc<Map<V>>> {
        self.buckets.get(place(key))
    }

    /// Puts a value under the key, in the place of the one that stood there.
    pub(crate) fn insert(&mut self, key: Key, value: V) {
        if let Some(bucket) = self.buckets.get_mut(place(key)) {
            let is_new = Arc::make_mut(bucket).insert(key, value).is_none();
            self.entries += usize::from(is_new);
        }
    }

    /// Removes what stands under the key.
    pub(crate) fn remove(&mut self, key: Key) {
        if let Some(bucket) = self.buckets.get_mut(place(key)).filter(|bucket| bucket.contains_key(&key)) {
            Arc::make_mut(bucket).remove(&key);
            self.entries -= 1;
        }
    }

    /// Returns how many entries there are.
    pub(crate) const fn len(&self) -> usize {
        self.entries
    }
}

const fn place(key: Key) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
    let place = (fold(key) % BUCKETS as u64) as usize;
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_does_not_see_what_the_other_changes() {
        let mut one: Index<u32> = Index::default();
        for key in 0..5_000_u128 {
            one.insert(key << 3, 1);
        }
        let before = one.clone();
        one.insert(8, 2);
        one.remove(16);
        one.remove(17);
        assert_eq!((one.get(8), one.get(16), one.len()), (Some(&2), None, 4_999));
        assert_eq!((before.get(8), before.get(16), before.len()), (Some(&1), Some(&1), 5_000));
    }
}
