//! CRC-64/XZ, COS's `x-cos-hash-crc64ecma` (product page 436/40334), over streams and joined parts.

use std::fmt;

use crate::Reason;

/// The CRC-64/XZ of some bytes; starts as that of none.
#[derive(Clone, Default)]
pub struct Crc64(crc64fast::Digest);

impl Crc64 {
    /// The CRC of no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The CRC of `data`.
    pub fn of(data: &[u8]) -> u64 {
        let mut crc = Self::new();
        crc.update(data);
        crc.value()
    }

    /// Appends bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.write(data);
    }

    /// The CRC of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.sum64()
    }
}

impl fmt::Debug for Crc64 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Crc64({})", self.value())
    }
}

/// The CRC of `a` followed by `b`, from both CRCs and the length of `b` in bytes.
///
/// Appending `n` bytes multiplies the polynomial of what stands before by x^(8n).
pub fn combine(crc_a: u64, crc_b: u64, len_b: u64) -> u64 {
    let mut shifted = crc_a;
    // x^(8 n) is the product of x^(2^(3 + i)) over the bits i that are set in n.
    let mut rest = len_b;
    for &power in POWERS.iter().skip(3) {
        if rest == 0 {
            break;
        }
        if rest & 1 == 1 {
            shifted = multiply(power, shifted);
        }
        rest >>= 1;
    }
    shifted ^ crc_b
}

/// The reflected polynomial of CRC-64/XZ: bit 63 is x^0.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;

/// x^(2^i) mod P.
const POWERS: [u64; 67] = {
    let mut powers = [1 << 62; 67];
    let mut index = 1;
    while index < powers.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            powers[index] = multiply(powers[index - 1], powers[index - 1]);
            index += 1;
        }
    }
    powers
};

/// The product of two polynomials mod P.
const fn multiply(a: u64, b: u64) -> u64 {
    let (mut product, mut factor, mut term) = (0, a, b);
    while factor != 0 {
        if factor & 1 << 63 != 0 {
            product ^= term;
        }
        factor <<= 1;
        term = if term & 1 == 1 { term >> 1 ^ POLYNOMIAL } else { term >> 1 };
    }
    product
}

/// What a reply says about an object's CRC-64.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth case")]
pub enum Reported {
    /// Nothing: an old object, a copy of one, or an appendable one.
    #[default]
    Absent,
    /// The CRC.
    Value(u64),
    /// The header or element is there but holds no u64: that is a mismatch.
    Invalid(String),
}

/// Whether bytes were compared with a CRC of COS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third case; a mismatch is an error")]
pub enum Verification {
    /// Compared and equal.
    Verified,
    /// COS gave nothing to compare with.
    Unverified,
}

impl Reported {
    /// Reads the value of a header or element.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        match text {
            None => Self::Absent,
            Some(text) => match text.trim().parse() {
                Ok(crc) if !text.contains('+') => Self::Value(crc),
                _ => Self::Invalid(text.chars().take(40).collect()),
            },
        }
    }

    /// Compares with the CRC of the bytes on this side.
    ///
    /// # Errors
    /// [`Reason::Corrupt`] if they differ.
    pub(crate) fn verify(&self, ours: u64) -> Result<Verification, Reason> {
        match self {
            Self::Absent => Ok(Verification::Unverified),
            Self::Value(theirs) if *theirs == ours => Ok(Verification::Verified),
            Self::Value(theirs) => Err(Reason::Corrupt { ours, theirs: theirs.to_string() }),
            Self::Invalid(theirs) => Err(Reason::Corrupt { ours, theirs: theirs.clone() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors() -> serde_json::Value {
        serde_json::from_str(include_str!("../tests/data/sign.json")).expect("vectors")
    }

    #[test]
    fn is_crc_64_xz() {
        let file = vectors();
        let vectors = file["crc64"].as_array().expect("crc64");
        assert_eq!(vectors.len(), 5);
        for vector in vectors {
            let text = vector["text"].as_str().expect("text");
            let crc = Crc64::of(text.as_bytes());
            assert_eq!(crc.to_string(), vector["crc64_decimal"], "{text:?}");
        }
        assert_eq!(Crc64::of(b"123456789"), 0x995D_C9BB_DF19_39FA);
    }

    #[test]
    fn combines_as_the_vector_says() {
        let file = vectors();
        let vectors = file["crc64_combine"].as_array().expect("crc64_combine");
        assert_eq!(vectors.len(), 1);
        for vector in vectors {
            let number = |name: &str| -> u64 {
                vector[name].as_str().and_then(|text| text.parse().ok()).expect("a number")
            };
            let length = vector["len_b"].as_u64().expect("len_b");
            assert_eq!(combine(number("crc_a"), number("crc_b"), length), number("combined"));
        }
    }

    /// Bytes without a pattern, the same on every run.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let step = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        std::iter::repeat_with(step).take(length).collect()
    }

    #[test]
    fn combining_any_two_halves_gives_the_crc_of_the_whole() {
        let data = noise(70_000);
        let whole = Crc64::of(&data);
        let near_powers = (0..17).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for split in (0..600).chain(near_powers).filter(|&split| split <= data.len()) {
            for split in [split, data.len() - split] {
                let (a, b) = data.split_at(split);
                let combined = combine(Crc64::of(a), Crc64::of(b), b.len() as u64);
                assert_eq!(combined, whole, "split at {split}");
            }
        }
    }

    #[test]
    fn combining_many_parts_in_order_gives_the_crc_of_the_whole() {
        let data = noise(100_003);
        for part in [1, 7, 997, 4096, 65_536, 200_000] {
            let combined = data
                .chunks(part)
                .fold(0, |crc, part| combine(crc, Crc64::of(part), part.len() as u64));
            assert_eq!(combined, Crc64::of(&data), "parts of {part}");
        }
    }

    #[test]
    fn combining_is_associative_for_lengths_that_no_memory_holds() {
        let (a, b, c) = (Crc64::of(b"a"), Crc64::of(b"bb"), Crc64::of(b"ccc"));
        for (b_length, c_length) in
            [(5 << 30, 50_000 << 30), (u64::from(u32::MAX), 1), ((1 << 62) + 3, 1 << 62)]
        {
            let left = combine(combine(a, b, b_length), c, c_length);
            let right = combine(a, combine(b, c, c_length), b_length + c_length);
            assert_eq!(left, right, "{b_length} {c_length}");
        }
        assert_eq!(combine(a, 0, 0), a);
        assert_eq!(combine(0, b, 2), b);
    }

    #[test]
    fn updates_in_pieces_equal_one_update() {
        let data = noise(10_000);
        let mut crc = Crc64::new();
        for piece in data.chunks(333) {
            crc.update(piece);
        }
        assert_eq!(crc.value(), Crc64::of(&data));
    }

    #[test]
    fn what_is_there_but_no_u64_never_verifies() {
        assert_eq!(Reported::parse(None).verify(1), Ok(Verification::Unverified));
        assert_eq!(Reported::parse(Some("1")).verify(1), Ok(Verification::Verified));
        assert_eq!(Reported::parse(Some("18446744073709551615")), Reported::Value(u64::MAX));
        for text in ["", "-1", "+1", "0x1", "1.0", "18446744073709551616", "one", "1 1"] {
            let reported = Reported::parse(Some(text));
            assert_eq!(reported, Reported::Invalid(text.to_owned()), "{text:?}");
            let expected = Reason::Corrupt { ours: 1, theirs: text.to_owned() };
            assert_eq!(reported.verify(1), Err(expected), "{text:?}");
        }
        let Reported::Invalid(shown) = Reported::parse(Some(&"x".repeat(1000))) else {
            panic!("a number?")
        };
        assert_eq!(shown.len(), 40);
    }
}
