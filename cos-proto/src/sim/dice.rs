//! Every choice of a simulation, from a seed or from the bytes of a fuzzer.

use std::sync::{Arc, Mutex, PoisonError};

use crate::split_mix::SplitMix64;

/// Makes every choice of a simulation. The same seed, or the same bytes, make the same choices.
#[derive(Clone, Debug)]
pub struct Dice {
    /// What a fuzzer has chosen, for all dice of a world in the order of their throws, taken from its
    /// end; then the generator decides.
    chosen: Option<Arc<Mutex<Vec<u8>>>>,
    generator: SplitMix64,
}

impl Dice {
    /// Choices of a generator.
    pub fn new(seed: u64) -> Self {
        Self { chosen: None, generator: SplitMix64::new(seed) }
    }

    /// Choices by a fuzzer's bytes, two a throw, and when they are used up by a generator.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let chosen = bytes.iter().rev().copied().collect();
        Self { chosen: Some(Arc::new(Mutex::new(chosen))), generator: SplitMix64::new(0) }
    }

    /// Other dice, whose generator does not depend on how often these are thrown from now on.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self { chosen: self.chosen.clone(), generator: SplitMix64::new(self.next_u64()) }
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next()
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let drawn = match self.chosen() {
            Some(chosen) => chosen,
            None => self.next_u64(),
        };
        drawn.checked_rem(bound).unwrap_or(0)
    }

    /// The fuzzer's next two bytes.
    fn chosen(&self) -> Option<u64> {
        let mut chosen = self.chosen.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let low = chosen.pop()?;
        Some(u64::from(u16::from_be_bytes([chosen.pop().unwrap_or(0), low])))
    }

    /// A number from `low` to `high`, both possible.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True in so many of a thousand throws.
    pub fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these.
    ///
    /// # Panics
    /// If there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_choices() {
        let throws = |mut dice: Dice| (0..50).map(|_| dice.below(1000)).collect::<Vec<_>>();
        assert_eq!(throws(Dice::new(7)), throws(Dice::new(7)));
        assert_ne!(throws(Dice::new(7)), throws(Dice::new(8)));
        assert_eq!(throws(Dice::of_bytes(b"abcdef")), throws(Dice::of_bytes(b"abcdef")));
        assert_ne!(throws(Dice::of_bytes(b"abcdef")), throws(Dice::of_bytes(b"abcdeg")));
    }

    #[test]
    fn every_choice_is_within_its_bounds() {
        let mut dice = Dice::new(1);
        assert_eq!(dice.below(0), 0);
        assert!((0..1000).all(|_| dice.below(3) < 3));
        assert!((0..1000).all(|_| (5..=6).contains(&dice.between(5, 6))));
        assert!(!dice.happens(0));
        assert!(dice.happens(1000));
    }
}
