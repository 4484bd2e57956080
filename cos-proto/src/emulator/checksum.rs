//! The CRC of joined parts, by zlib's matrix method: another way than the client's, on purpose.

/// x -> x·t as a matrix over GF(2): column i is where bit i goes.
type Matrix = [u64; 64];

/// The CRC-64/XZ of `a` followed by `b`, from both CRCs and the length of `b`.
pub(super) fn joined(crc_a: u64, crc_b: u64, len_b: u64) -> u64 {
    let appended = ZERO_BYTES.iter().enumerate().filter(|(bit, _)| len_b >> bit & 1 == 1);
    appended.fold(crc_a, |crc, (_, matrix)| apply(matrix, crc)) ^ crc_b
}

/// What 2^i appended bytes of zero do to a CRC.
static ZERO_BYTES: [Matrix; 64] = {
    const REFLECTED: u64 = 0xC96C_5795_D787_0F42;
    // One zero bit appended: shift right, and the polynomial for a bit that falls out.
    let mut matrix: Matrix = [0; 64];
    matrix[0] = REFLECTED;
    let mut bit = 1;
    while bit < 64 {
        matrix[bit] = 1 << (bit - 1);
        bit += 1;
    }
    // Three squarings: one zero byte.
    matrix = square(&square(&square(&matrix)));
    let mut matrices = [matrix; 64];
    let mut power = 1;
    while power < 64 {
        matrices[power] = square(&matrices[power - 1]);
        power += 1;
    }
    matrices
};

const fn apply(matrix: &Matrix, mut vector: u64) -> u64 {
    let mut sum = 0;
    while vector != 0 {
        sum ^= matrix[vector.trailing_zeros() as usize];
        vector &= vector - 1;
    }
    sum
}

const fn square(matrix: &Matrix) -> Matrix {
    let mut squared = [0; 64];
    let mut column = 0;
    while column < 64 {
        squared[column] = apply(matrix, matrix[column]);
        column += 1;
    }
    squared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Crc64;

    #[test]
    fn joins_at_every_split() {
        let text: Vec<u8> = (0..300_u16).map(|n| (n * 7 % 256) as u8).collect();
        for split in 0..=text.len() {
            let (a, b) = text.split_at(split);
            let crc = joined(Crc64::of(a), Crc64::of(b), b.len() as u64);
            assert_eq!(crc, Crc64::of(&text), "split at {split}");
        }
        assert_eq!(
            joined(6_748_440_630_437_108_969, 10_278_880_121_275_185_425, 4),
            11_051_210_869_376_104_954
        );
    }
}
