//! The resume record: nothing but what was written is read.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};

use super::choice::Choice;
use crate::{
    Crc64, ETag, UploadId,
    api::object_meta,
    op::{PartRecord, UploadState, record::PART_BYTES_MIN},
};

pub(super) fn record(data: &[u8]) {
    let mut choice = Choice::of(data);
    match choice.byte() % 3 {
        0 => any_bytes(choice.rest()),
        1 => with_right_checksum(choice.rest()),
        _ => written(&mut choice),
    }
}

fn any_bytes(bytes: &[u8]) {
    if let Ok(state) = UploadState::parse(&Bytes::copy_from_slice(bytes)) {
        assert_eq!(state.to_bytes(), bytes, "two records of one state");
    }
}

/// A peer that can compute a CRC: the fields are all that stands between it and us.
fn with_right_checksum(fields: &[u8]) {
    let mut bytes = b"COS~RSUM\0\x01".to_vec();
    bytes.extend_from_slice(fields);
    let crc = Crc64::of(&bytes);
    bytes.extend_from_slice(&crc.to_be_bytes());
    if let Ok(state) = UploadState::parse(&bytes.clone().into()) {
        assert!(state.parts.iter().all(|part| part.size >= PART_BYTES_MIN));
        assert!(state.parts.is_empty() || state.upload.is_some());
        assert!(state.size() >= state.tail.len() as u64);
        let _ = state.parts_crc64();
        assert_eq!(UploadState::parse(&state.to_bytes()), Ok(state));
    }
}

fn written(choice: &mut Choice<'_>) {
    let mut state = UploadState { session: choice.number(), ..UploadState::default() };
    state.upload = UploadId::new(choice.text(255)).ok();
    // As a header brings it.
    state.base = etag(choice);
    if state.upload.is_some() {
        for _ in 0..choice.below(8) {
            let (size, crc64) = (PART_BYTES_MIN.saturating_add(choice.number()), choice.number());
            let Some(etag) = etag(choice) else { break };
            state.parts.push(PartRecord::new(size, etag, crc64));
        }
    }
    state.tail = Bytes::copy_from_slice(choice.bytes(255));
    let bytes = state.to_bytes();
    assert_eq!(UploadState::parse(&bytes), Ok(state.clone()));
    let mut damaged = bytes.to_vec();
    let at = choice.number() as usize % damaged.len();
    damaged[at] ^= 1 << (choice.byte() % 8);
    assert!(UploadState::parse(&damaged.into()).is_err(), "bit flipped in byte {at} of {state:?}");
    let cut = choice.number() as usize % bytes.len();
    assert!(UploadState::parse(&bytes.slice(..cut)).is_err(), "cut at {cut}");
}

/// One that a reply may bring.
fn etag(choice: &mut Choice<'_>) -> Option<ETag> {
    let (text, more) = (choice.text(200), choice.below(100));
    let mut headers = HeaderMap::new();
    let text = format!("{text}{}", "\"".repeat(more));
    headers.insert("etag", HeaderValue::from_str(&text).ok()?);
    object_meta::etag(&headers).ok()
}
