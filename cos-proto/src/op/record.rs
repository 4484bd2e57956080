//! The resume record: what an unfinished upload needs to go on in any process.
//!
//! A storage driver keeps one per upload at the key [`RECORD_SUFFIX`] after the object's; `~` is
//! outside the path grammar, so the record is never a path. A tool may keep the same bytes as its
//! checkpoint.
//!
//! | field | bytes, big-endian |
//! |---|---|
//! | magic, version | 8, 2 |
//! | session | 8 |
//! | upload id | 2 + n; empty: none |
//! | base ETag | 1 (0: none), then 2 + n |
//! | parts | 4, then each: number 2, size 8, ETag 2 + n, CRC-64 8 |
//! | tail | 4 + n |
//! | CRC-64 of all before | 8 |

use std::fmt;

use bytes::{Buf as _, BufMut as _, Bytes};

use crate::{
    Crc64, ETag, Error, ErrorKind, Key, PartNumber, Rejected, Reply, UploadId, api,
    crc64::combine,
    object::{ETAG_BYTES_MAX, UPLOAD_ID_BYTES_MAX},
};

/// What follows the object's key in the key of its resume record.
pub const RECORD_SUFFIX: &str = "~upload";

/// The least size of a part that is not the last (436/7750), so a tail is always shorter.
pub const PART_BYTES_MIN: u64 = 1024 * 1024;

/// The most that is read of a record: 10 000 parts with long ETags and a tail stay below it.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"COS~RSUM";
const VERSION: u16 = 1;

/// One uploaded part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartRecord {
    /// Its size in bytes.
    pub size: u64,
    /// The ETag that Complete must name.
    pub etag: ETag,
    /// The CRC-64/XZ of its bytes.
    pub crc64: u64,
}

impl PartRecord {
    pub(crate) fn new(size: u64, etag: ETag, crc64: u64) -> Self {
        Self { size, etag, crc64 }
    }
}

/// Everything that resuming an upload needs. Parts are numbered from 1 without gaps.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadState {
    /// Counts the writers that have worked on the upload.
    pub session: u64,
    /// The multipart upload, once one was opened.
    pub upload: Option<UploadId>,
    /// The ETag of the object at the key when the upload began.
    pub base: Option<ETag>,
    /// The uploaded parts in order.
    pub parts: Vec<PartRecord>,
    /// The bytes after the last part, fewer than a part may have.
    pub tail: Bytes,
}

impl fmt::Debug for UploadState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UploadState")
            .field("session", &self.session)
            .field("upload", &self.upload)
            .field("base", &self.base)
            .field("parts", &self.parts.len())
            .field("tail", &self.tail.len())
            .finish()
    }
}

/// Why bytes are not a record that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotARecord {
    /// Without the magic, or of another version: not ours to overwrite or delete.
    Foreign,
    /// Ours, but cut or changed.
    Damaged,
}

impl fmt::Display for NotARecord {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Foreign => "an object that is no resume record of this version",
            Self::Damaged => "a damaged resume record",
        })
    }
}

impl std::error::Error for NotARecord {}

/// The key of the record of `key`'s upload.
///
/// # Errors
/// [`ErrorKind::InvalidPath`] if that is longer than a key may be.
pub fn record_key(key: &Key) -> Result<Key, Error> {
    key.with_suffix(RECORD_SUFFIX).map_err(|_| {
        Error::new(
            ErrorKind::InvalidPath,
            "the key of its resume record (7 bytes more) would be longer than 850 bytes",
        )
        .at(key.as_str())
    })
}

impl UploadState {
    /// The bytes that the upload has: those of its parts and the tail.
    pub fn size(&self) -> u64 {
        let tail = u64::try_from(self.tail.len()).unwrap_or(u64::MAX);
        self.parts.iter().fold(tail, |sum, part| sum.saturating_add(part.size))
    }

    /// The CRC-64/XZ of all parts together.
    pub fn parts_crc64(&self) -> u64 {
        self.parts.iter().fold(0, |crc, part| combine(crc, part.crc64, part.size))
    }

    /// Writes the record.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Vec::with_capacity(128_usize.saturating_add(self.tail.len()));
        out.put_slice(MAGIC);
        out.put_u16(VERSION);
        out.put_u64(self.session);
        put_text(&mut out, self.upload.as_ref().map_or("", UploadId::as_str));
        match &self.base {
            None => out.put_u8(0),
            Some(base) => {
                out.put_u8(1);
                put_text(&mut out, base.as_str());
            }
        }
        out.put_u32(u32::try_from(self.parts.len()).unwrap_or(u32::MAX));
        for (number, part) in (1_u16..).zip(&self.parts) {
            out.put_u16(number);
            out.put_u64(part.size);
            put_text(&mut out, part.etag.as_str());
            out.put_u64(part.crc64);
        }
        out.put_u32(u32::try_from(self.tail.len()).unwrap_or(u32::MAX));
        out.put_slice(&self.tail);
        let crc = Crc64::of(&out);
        out.put_u64(crc);
        out.into()
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`NotARecord`], never a panic: the bytes came from the network.
    pub fn parse(bytes: &Bytes) -> Result<Self, NotARecord> {
        Self::parse_with(bytes, PART_BYTES_MIN)
    }

    /// Reads the answer to a GET of a record.
    ///
    /// # Errors
    /// To be asked for again if it was damaged on its way: what is stored may be all that names an
    /// upload, or what a Close has acknowledged, and who takes it for damaged deletes it.
    pub(crate) fn decode(
        reply: &Reply,
        part_bytes_min: u64,
    ) -> Result<Result<Self, NotARecord>, Rejected> {
        let stored = api::object_meta::crc64(reply.headers());
        stored.verify(Crc64::of(reply.body())).map_err(Rejected::Retry)?;
        Ok(Self::parse_with(reply.body(), part_bytes_min))
    }

    /// Reads a record of a service whose parts have at least so many bytes.
    pub(crate) fn parse_with(bytes: &Bytes, part_bytes_min: u64) -> Result<Self, NotARecord> {
        if !bytes.starts_with(MAGIC) {
            return Err(NotARecord::Foreign);
        }
        let mut rest = bytes.clone();
        rest.advance(MAGIC.len());
        match rest.try_get_u16() {
            Ok(VERSION) => {}
            Ok(_) => return Err(NotARecord::Foreign),
            Err(_) => return Err(NotARecord::Damaged),
        }
        let covered = bytes.len().checked_sub(8).ok_or(NotARecord::Damaged)?;
        let (data, crc) = bytes.split_at_checked(covered).ok_or(NotARecord::Damaged)?;
        if bytes.len() > RECORD_BYTES_MAX || crc != Crc64::of(data).to_be_bytes() {
            return Err(NotARecord::Damaged);
        }
        parse_fields(rest, part_bytes_min).ok_or(NotARecord::Damaged)
    }
}

fn parse_fields(mut rest: Bytes, part_bytes_min: u64) -> Option<UploadState> {
    let session = rest.try_get_u64().ok()?;
    let upload = match &*take_text(&mut rest, UPLOAD_ID_BYTES_MAX)? {
        "" => None,
        id => Some(UploadId::new(id).ok()?),
    };
    let base = match rest.try_get_u8().ok()? {
        0 => None,
        1 => Some(ETag::verbatim(&take_text(&mut rest, ETAG_BYTES_MAX)?)),
        _ => return None,
    };
    let count = u16::try_from(rest.try_get_u32().ok()?).ok()?;
    if count > PartNumber::MAX || (count > 0 && upload.is_none()) {
        return None;
    }
    let mut parts = Vec::with_capacity(count.into());
    for number in 1..=count {
        if rest.try_get_u16().ok()? != number {
            return None;
        }
        let size = rest.try_get_u64().ok()?;
        let etag = ETag::verbatim(&take_text(&mut rest, ETAG_BYTES_MAX)?);
        let crc64 = rest.try_get_u64().ok()?;
        if size < part_bytes_min {
            return None;
        }
        parts.push(PartRecord { size, etag, crc64 });
    }
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    if u64::try_from(length).ok()? >= part_bytes_min || rest.len() != length.checked_add(8)? {
        return None;
    }
    // No number is left that the tail could be uploaded under.
    if count == PartNumber::MAX && length > 0 {
        return None;
    }
    let tail = rest.split_to(length);
    Some(UploadState { session, upload, base, parts, tail })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.put_u16(length);
    out.extend(text.bytes().take(length.into()));
}

fn take_text(rest: &mut Bytes, bytes_max: usize) -> Option<String> {
    let length = usize::from(rest.try_get_u16().ok()?);
    if length > bytes_max || length > rest.len() {
        return None;
    }
    String::from_utf8(rest.split_to(length).to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> UploadState {
        UploadState {
            session: 3,
            upload: Some(UploadId::new("1763609850cbb7").expect("id")),
            base: Some(ETag::new("\"abc\"")),
            parts: vec![
                PartRecord::new(PART_BYTES_MIN, ETag::new("e1"), 1),
                PartRecord::new(PART_BYTES_MIN + 7, ETag::new("e2"), u64::MAX),
            ],
            tail: Bytes::from_static(b"the tail"),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for state in [
            sample(),
            UploadState::default(),
            UploadState { base: None, ..sample() },
            // What an odd service may say; stripped of quotes and spaces once, not twice.
            UploadState { base: Some(ETag::new("\"\"quoted\"\"")), ..sample() },
            UploadState { base: Some(ETag::new("\" spaced \"")), ..sample() },
            UploadState { upload: None, parts: Vec::new(), ..sample() },
            UploadState { tail: vec![7; (PART_BYTES_MIN - 1) as usize].into(), ..sample() },
        ] {
            let bytes = state.to_bytes();
            assert_eq!(UploadState::parse(&bytes), Ok(state));
        }
        assert_eq!(sample().size(), 2 * PART_BYTES_MIN + 15);
    }

    #[test]
    fn the_longest_record_is_within_the_bound() {
        let part = PartRecord::new(PART_BYTES_MIN, ETag::new(&"e".repeat(ETAG_BYTES_MAX)), 1);
        let state = UploadState {
            upload: Some(UploadId::new(&"u".repeat(UPLOAD_ID_BYTES_MAX)).expect("id")),
            parts: vec![part; usize::from(PartNumber::MAX) - 1],
            tail: vec![0; (PART_BYTES_MIN - 1) as usize].into(),
            ..sample()
        };
        let bytes = state.to_bytes();
        assert!(bytes.len() <= RECORD_BYTES_MAX, "{}", bytes.len());
        assert_eq!(UploadState::parse(&bytes), Ok(state));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let bytes = sample().to_bytes();
        for length in 0..bytes.len() {
            assert!(UploadState::parse(&bytes.slice(..length)).is_err(), "{length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            let expected = if at < 10 { NotARecord::Foreign } else { NotARecord::Damaged };
            assert_eq!(UploadState::parse(&changed.into()), Err(expected), "{at}");
        }
    }

    #[test]
    fn an_object_of_somebody_else_is_foreign() {
        for bytes in [&b""[..], b"hello", b"COS~RSU"] {
            assert_eq!(UploadState::parse(&Bytes::from_static(bytes)), Err(NotARecord::Foreign));
        }
    }

    #[test]
    fn fields_that_contradict_each_other_are_damage() {
        for state in [
            UploadState { upload: None, ..sample() },
            UploadState { parts: vec![PartRecord::new(1, ETag::new("e"), 0)], ..sample() },
            UploadState { tail: vec![0; PART_BYTES_MIN as usize].into(), ..sample() },
            UploadState { parts: vec![sample().parts[0].clone(); 10_000], ..sample() },
        ] {
            assert_eq!(
                UploadState::parse(&state.to_bytes()),
                Err(NotARecord::Damaged),
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_key_too_long_for_its_record_is_refused() {
        assert!(record_key(&Key::new("k".repeat(843)).expect("key")).is_ok());
        let error = record_key(&Key::new("k".repeat(844)).expect("key")).expect_err("too long");
        assert!(error.to_string().contains("resume record"), "{error}");
    }
}
