//! Randomness that can be repeated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rolecall_kernel::entropy::{Entropy, SystemEntropy};

/// Pseudo-random bytes from a seed (`SplitMix64`); clones draw from the same sequence.
///
/// A test that fails shows the seed; `ROLECALL_TEST_SEED` repeats its run.
#[derive(Debug, Clone)]
pub struct SeededEntropy {
    seed: u64,
    state: Arc<AtomicU64>,
}

impl SeededEntropy {
    /// Makes a source from `ROLECALL_TEST_SEED`, or from a seed of its own, and prints the seed.
    pub fn new() -> Self {
        let given =
            crate::setting("ROLECALL_TEST_SEED").map(|seed| seed.parse().expect("ROLECALL_TEST_SEED is a number"));
        let seed = given.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            SystemEntropy.fill(&mut bytes);
            u64::from_le_bytes(bytes)
        });
        println!("ROLECALL_TEST_SEED={seed}");
        Self::from_seed(seed)
    }

    /// Makes a source from a seed.
    pub fn from_seed(seed: u64) -> Self {
        Self { seed, state: Arc::new(AtomicU64::new(seed)) }
    }

    /// Returns the seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Draws a number below `bound`, which must not be zero.
    pub fn below(&self, bound: u64) -> u64 {
        self.draw() % bound
    }

    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Default for SeededEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let bytes = self.draw().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_bytes() {
        let (mut one, mut two) = ([0; 37], [0; 37]);
        SeededEntropy::from_seed(7).fill(&mut one);
        SeededEntropy::from_seed(7).fill(&mut two);
        assert_eq!(one, two);
        SeededEntropy::from_seed(8).fill(&mut two);
        assert_ne!(one, two);
    }
}
