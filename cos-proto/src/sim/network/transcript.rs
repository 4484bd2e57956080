//! A running hash of all that happens, so that the same seed can be seen to do the same.

use std::fmt;

/// FNV-1a over words, and the words as text if somebody wants to read them.
#[derive(Debug)]
pub(super) struct Transcript {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Transcript {
    pub(super) fn new() -> Self {
        Self { hash: 0xCBF2_9CE4_8422_2325, lines: None }
    }

    pub(super) fn word(&mut self, word: u64) {
        // By words, not bytes: eight times less work, and no enemy to withstand.
        self.hash = (self.hash ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// What is written is only made if somebody reads it.
    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(line());
        }
    }

    pub(super) fn keep_lines(&mut self) {
        self.lines.get_or_insert_default();
    }

    pub(super) fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or(&[])
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.hash)
    }
}
