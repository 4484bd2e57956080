//! What is written: every generation of a slot is an endless stream of bytes of its own, and whatever
//! is written of it is a beginning of that stream. So the size says where a writer has to go on, and
//! the generation says how.

use bytes::Bytes;
use cos_proto::{Crc64, sim::Dice};

/// Sizes are told apart by this: that of a generation leaves the generation as remainder.
pub const MARKS: u64 = 64;

/// The smallest size of this generation from `at_least` on.
pub fn aligned(at_least: u64, generation: u64) -> u64 {
    at_least + (generation % MARKS + MARKS - at_least % MARKS) % MARKS
}

/// Whether something of this size can be of this generation.
pub fn is_of(size: u64, generation: u64) -> bool {
    size % MARKS == generation % MARKS
}

/// A stream.
pub struct Content {
    generation: u64,
    block: Vec<u8>,
}

/// A prime, so that no two parts of a stream are alike.
const BLOCK: usize = 65_521;
const PAGE: usize = 4096;

impl Content {
    pub fn new(slot: u64, generation: u64) -> Self {
        let mut dice = Dice::new(slot << 32 | generation);
        let block = std::iter::repeat_with(|| dice.next_u64().to_le_bytes()).flatten();
        Self { generation, block: block.take(BLOCK + PAGE).collect() }
    }

    /// The bytes from one place to another.
    pub fn bytes(&self, from: u64, to: u64) -> Bytes {
        let page = PAGE as u64;
        let mut bytes = Vec::with_capacity(place(to - from) + 2 * PAGE);
        let first = from - from % page;
        let mut at = first;
        while at < to {
            let block = place(at % BLOCK as u64);
            let start = bytes.len();
            bytes.extend_from_slice(&self.block[block..block + PAGE]);
            bytes[start..start + 8].copy_from_slice(&self.generation.to_le_bytes());
            bytes[start + 8..start + 16].copy_from_slice(&at.to_le_bytes());
            at += page;
        }
        Bytes::from(bytes).slice(place(from - first)..place(to - first))
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("contents are small")
}

pub fn crc(bytes: &[u8]) -> u64 {
    let mut crc = Crc64::new();
    crc.update(bytes);
    crc.value()
}

#[test]
fn a_stream_is_the_same_in_whatever_pieces_it_is_made() {
    let content = Content::new(3, 7);
    let whole = content.bytes(0, 200_000);
    for (from, to) in [(0, 1), (1, 4096), (4095, 4097), (65_000, 140_000), (199_999, 200_000)] {
        assert_eq!(content.bytes(from, to), whole.slice(place(from)..place(to)), "{from}..{to}");
    }
    assert_ne!(Content::new(3, 8).bytes(0, 100), whole.slice(..100));
    assert!(is_of(aligned(100, 7), 7) && aligned(aligned(100, 7), 7) == aligned(100, 7));
}
