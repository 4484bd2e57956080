//! Random contents and names, each from its own seed, so that bytes of another object or another
//! part never look right.

use bytes::Bytes;

use crate::split_mix::SplitMix64;

/// A small generator: the same seed gives the same content.
#[derive(Clone, Debug)]
pub struct Random(SplitMix64);

impl Random {
    /// From this seed.
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }

    /// So many random bytes: a random page again and again, each with a random stamp of its own, so
    /// that neither another content's page nor another page of this one looks right.
    pub fn bytes(&mut self, length: usize) -> Bytes {
        const PAGE: usize = 4096;
        let page: Vec<u8> =
            (0..PAGE / 8).flat_map(|_| self.next_u64().to_le_bytes()).take(length).collect();
        let mut content = Vec::with_capacity(length + PAGE);
        while content.len() < length {
            content.extend_from_slice(&self.next_u64().to_le_bytes());
            content.extend_from_slice(&page);
        }
        content.truncate(length);
        content.into()
    }

    /// A name of so many letters, digits and inner hyphens, as the source suite makes them.
    pub fn name(&mut self, length: usize) -> String {
        const INNER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789-";
        let mut name = String::with_capacity(length);
        for at in 0..length {
            let outer = at == 0 || at + 1 == length || name.ends_with('-');
            let choice = INNER.len() - usize::from(outer);
            name.push(char::from(INNER[self.below(choice as u64) as usize]));
        }
        name
    }

    /// A path of so many characters.
    pub fn path(&mut self, length: usize) -> String {
        let mut path = String::new();
        while path.len() < length {
            let left = length - path.len();
            let most = left.saturating_sub(1).clamp(1, 12) as u64;
            let name = self.below(most) as usize + 1;
            path.push('/');
            path.push_str(&self.name(name));
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DriverPath;

    #[test]
    fn seeds_decide_everything() {
        assert_eq!(Random::new(1).bytes(100), Random::new(1).bytes(100));
        assert_ne!(Random::new(1).bytes(100), Random::new(2).bytes(100));
        for length in [0, 3, 8, 4097, 100_000] {
            let content = Random::new(1).bytes(length);
            assert_eq!(content.len(), length);
            let mut pages: Vec<&[u8]> = content.chunks(4104).collect();
            pages.sort_unstable();
            assert!(pages.windows(2).all(|pair| pair[0] != pair[1]));
        }
    }

    #[test]
    fn paths_are_in_the_grammar() {
        let mut random = Random::new(7);
        for length in 2..60 {
            let path = random.path(length);
            assert!(DriverPath::new(&path).is_ok(), "{path}");
            assert!(path.len() >= length && !path.contains("--"), "{path}");
        }
    }
}
