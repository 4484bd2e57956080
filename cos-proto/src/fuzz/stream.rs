//! What takes bytes in pieces, fed whole and in pieces: the cut must not show.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};

use super::choice::Choice;
use crate::{
    Crc64, Key, Next, Operation, Payload, combine,
    emulator::{BodyHasher, Received},
    op::{Download, DownloadOptions},
};

pub(super) fn stream(data: &[u8]) {
    let mut choice = Choice::of(data);
    if choice.flag() { download(&mut choice) } else { body(&mut choice) }
}

/// The bytes, cut where the fuzzer says.
fn pieces<'a>(choice: &mut Choice<'_>, mut bytes: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() && !choice.is_empty() {
        let (piece, rest) = bytes.split_at(choice.below(bytes.len() + 1));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn body(choice: &mut Choice<'_>) {
    let bytes = choice.bytes(255).to_vec();
    let whole = Received::from(Bytes::from(bytes.clone()));
    let pieces = pieces(choice, &bytes);
    let (mut hasher, mut crc, mut combined) = (BodyHasher::new(), Crc64::new(), 0);
    for piece in &pieces {
        hasher.update(Bytes::copy_from_slice(piece));
        crc.update(piece);
        combined = combine(combined, Crc64::of(piece), piece.len() as u64);
    }
    let cut = hasher.finish();
    assert_eq!((cut.md5, cut.crc64, cut.body.len()), (whole.md5, whole.crc64, whole.body.len()));
    assert_eq!((crc.value(), combined), (whole.crc64, whole.crc64));
    assert_eq!(cut.body.to_bytes(), bytes);
    let payload = Payload::from_chunks(pieces.iter().map(|piece| Bytes::copy_from_slice(piece)));
    assert_eq!(payload.len(), bytes.len() as u64);
    assert!(payload.chunks().iter().all(|chunk| !chunk.is_empty()));
}

fn download(choice: &mut Choice<'_>) {
    let content = choice.bytes(200).to_vec();
    let size = content.len() as u64;
    let mut options = DownloadOptions::new().offset(choice.below(210) as u64);
    if choice.flag() {
        options = options.length(choice.below(210) as u64);
    }
    if choice.flag() {
        let known = content.get(..options.offset as usize);
        options = options.prefix_crc(known.map_or(1, Crc64::of));
    }
    let head = head(choice, &content);
    // What the service sends: its range, and perhaps less or more.
    let range = crate::api::get_object::head(&head).ok().and_then(|head| head.range);
    let sent = range.map_or(&content[..], |range| {
        content.get(range.first as usize..=range.last as usize).unwrap_or_default()
    });
    let mut sent = sent.to_vec();
    match choice.byte() % 4 {
        0 => sent.truncate(choice.below(sent.len() + 1)),
        1 => sent.extend_from_slice(choice.bytes(20)),
        _ => {}
    }
    let pieces = pieces(choice, &sent);
    let (whole, state) = run(&options, &head, &[&sent]);
    let (cut, state_cut) = run(&options, &head, &pieces);
    assert_eq!(whole, cut);
    assert_eq!(state, state_cut);
    let end = options.length.map_or(size, |length| options.offset.saturating_add(length)).min(size);
    let expected = content.get(options.offset.min(end) as usize..end as usize).unwrap_or_default();
    assert!(expected.starts_with(&whole), "{whole:?} delivered of {expected:?}");
}

/// A head of the object, right in most ways.
fn head(choice: &mut Choice<'_>, content: &[u8]) -> Response<()> {
    let mut head = Response::new(());
    let mut set = |name: &'static str, value: String| {
        let value = HeaderValue::from_str(&value).expect("ASCII");
        head.headers_mut().insert(name, value);
    };
    set("etag", "\"e\"".to_owned());
    let size = content.len();
    if choice.flag() && size > 0 {
        let first = choice.below(size);
        let last = first + choice.below(size - first);
        set("content-range", format!("bytes {first}-{last}/{size}"));
        set("content-length", (last - first + 1).to_string());
        *head.status_mut() = StatusCode::PARTIAL_CONTENT;
    } else {
        set("content-length", size.to_string());
    }
    match choice.byte() % 4 {
        0 => {}
        1 => drop(head.headers_mut().insert("x-cos-hash-crc64ecma", HeaderValue::from_static("x"))),
        _ => {
            let crc = HeaderValue::from(Crc64::of(content));
            head.headers_mut().insert("x-cos-hash-crc64ecma", crc);
        }
    }
    head
}

/// What the caller gets, and how the download stands at the end of the body.
fn run(options: &DownloadOptions, head: &Response<()>, pieces: &[&[u8]]) -> (Vec<u8>, String) {
    let mut download = Download::new(Key::new("k").expect("a key"), options.clone());
    assert!(matches!(download.next(), Next::Call(())));
    let accepted = download.on_head((), head);
    let mut got = Vec::new();
    if accepted.is_err() {
        return (got, format!("{accepted:?}"));
    }
    for piece in pieces {
        got.extend_from_slice(&piece[download.on_data((), piece)]);
        assert_eq!(download.offset(), options.offset + got.len() as u64);
    }
    let ended = download.on_end(());
    (got, format!("{ended:?} {:?}", download.next()))
}
