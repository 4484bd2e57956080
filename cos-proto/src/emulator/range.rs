//! Byte ranges of requests, and slices of bodies that share their bytes.

use std::ops::Range;

use bytes::Bytes;

use crate::Payload;

/// What a Range header asks of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no range, one that cannot be read, or several.
    Whole,
    /// Bytes from the first to before the last.
    Part(Range<u64>),
    /// Nothing that is there.
    Unsatisfiable,
}

/// Reads a Range header against a body of `size` bytes.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    let number = |text: &str| {
        text.parse::<u64>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Wanted::Whole,
        (Some(first), _) if first >= size && (last.is_empty() || number(last).is_some()) => {
            Wanted::Unsatisfiable
        }
        (Some(first), Some(last)) => Wanted::Part(first..last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => Wanted::Part(first..size),
        (None, Some(0)) if first.is_empty() => Wanted::Unsatisfiable,
        (None, Some(_)) if first.is_empty() && size == 0 => Wanted::Unsatisfiable,
        (None, Some(count)) if first.is_empty() => Wanted::Part(size.saturating_sub(count)..size),
        _ => Wanted::Whole,
    }
}

/// Both ends of `bytes=a-b`, as a part copy needs them.
pub(super) fn both_ends(header: &str) -> Option<(u64, u64)> {
    let (first, last) = header.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// Part of a body; the bytes are shared.
pub(super) fn slice(body: &Payload, range: &Range<u64>) -> Payload {
    let mut start = 0_u64;
    let mut chunks: Vec<Bytes> = Vec::new();
    for chunk in body.chunks() {
        let end = start + chunk.len() as u64;
        if end > range.start && start < range.end {
            let from = range.start.saturating_sub(start) as usize;
            let to = (range.end.min(end) - start) as usize;
            chunks.push(chunk.slice(from..to));
        }
        start = end;
    }
    Payload::from_chunks(chunks)
}

/// Bodies one after the other; the bytes are shared.
pub(super) fn join(bodies: &[&Payload]) -> Payload {
    Payload::from_chunks(bodies.iter().flat_map(|body| body.chunks().iter().cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_clipped_and_bad_ones_ignored() {
        for (header, size, expected) in [
            ("bytes=0-3", 10, Wanted::Part(0..4)),
            ("bytes=2-", 10, Wanted::Part(2..10)),
            ("bytes=-3", 10, Wanted::Part(7..10)),
            ("bytes=-30", 10, Wanted::Part(0..10)),
            ("bytes=8-99", 10, Wanted::Part(8..10)),
            ("bytes=9-9", 10, Wanted::Part(9..10)),
            ("bytes=10-", 10, Wanted::Unsatisfiable),
            ("bytes=10-12", 10, Wanted::Unsatisfiable),
            ("bytes=-0", 10, Wanted::Unsatisfiable),
            ("bytes=0-", 0, Wanted::Unsatisfiable),
            ("bytes=-1", 0, Wanted::Unsatisfiable),
            ("bytes=3-2", 10, Wanted::Whole),
            ("bytes=a-b", 10, Wanted::Whole),
            ("bytes=99-x", 10, Wanted::Whole),
            ("bytes=-", 10, Wanted::Whole),
            ("bytes=0-1,3-4", 10, Wanted::Whole),
            ("bytes=+1-2", 10, Wanted::Whole),
            ("items=0-1", 10, Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(header), size), expected, "{header} of {size}");
        }
        assert_eq!(wanted(None, 10), Wanted::Whole);
    }

    #[test]
    fn slices_cross_chunks_without_copying() {
        let first = Bytes::from_static(b"abc");
        let body = Payload::from_chunks([first.clone(), Bytes::from_static(b"defg")]);
        for (range, expected) in [(0..7, "abcdefg"), (1..5, "bcde"), (3..4, "d"), (2..2, "")] {
            assert_eq!(slice(&body, &range).to_bytes(), expected, "{range:?}");
        }
        assert_eq!(slice(&body, &(0..2)).chunks()[0].as_ptr(), first.as_ptr());
    }
}
