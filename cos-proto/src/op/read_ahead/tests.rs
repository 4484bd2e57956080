use super::*;
use crate::{
    ErrorKind, ServiceError,
    error::Cause,
    op::testing::{Steps, failed, header, key, lost, refused, reply, service},
};

const TEXT: &[u8] = b"123456789";
/// CRC-64/XZ of `TEXT`.
const CHECK: &str = "11051210869376104954";

/// Ranges of two bytes, three at a time.
fn reader(options: DownloadOptions) -> ReadAhead {
    let ranges = NonZeroUsize::new(3).expect("3");
    let bytes = NonZeroU64::new(2).expect("2");
    ReadAhead::new(key("a"), options, ReadAheadOptions::new(ranges).range_bytes(bytes))
}

fn from(offset: u64) -> DownloadOptions {
    DownloadOptions::new().offset(offset)
}

/// What COS answers to the request for these bytes of `TEXT`.
fn part(range: std::ops::Range<usize>) -> Reply {
    part_of(range, "\"e\"", CHECK)
}

fn part_of(range: std::ops::Range<usize>, etag: &str, crc64: &str) -> Reply {
    let content_range = format!("bytes {}-{}/9", range.start, range.end - 1);
    let fields =
        [("content-range", &*content_range), ("etag", etag), ("x-cos-hash-crc64ecma", crc64)];
    reply(206, &fields, &TEXT[range])
}

fn asked(reader: &ReadAhead, tag: RangeTag) -> String {
    header(&reader.call(tag), "range").expect("a range").to_owned()
}

/// All further calls that are started now.
fn starts(reader: &mut ReadAhead) -> Vec<RangeTag> {
    std::iter::from_fn(|| match reader.next() {
        Next::Call(tag) => Some(tag),
        _ => None,
    })
    .collect()
}

/// A reader whose first range is in.
fn begun(options: DownloadOptions) -> (ReadAhead, Vec<RangeTag>) {
    let offset = usize::try_from(options.offset).expect("small");
    let mut reader = reader(options);
    let first = reader.starts();
    reader.on_reply(first, part(offset..offset + 2)).expect("accepted");
    let tags = starts(&mut reader);
    (reader, tags)
}

#[test]
fn the_first_range_is_asked_for_alone_and_its_etag_pins_the_others() {
    let mut reader = reader(from(0));
    let first = reader.starts();
    assert!(reader.is_pending() && reader.meta().is_none());
    let call = reader.call(first);
    assert_eq!((header(&call, "range"), header(&call, "if-match")), (Some("bytes=0-1"), None));
    assert_eq!(call.lane, Lane::Bulk);
    reader.on_reply(first, part(0..2)).expect("accepted");
    assert_eq!(reader.meta().expect("head").size, 9);
    let tags = starts(&mut reader);
    let ranges: Vec<_> = tags.iter().map(|tag| asked(&reader, *tag)).collect();
    assert_eq!(ranges, ["bytes=2-3", "bytes=4-5"], "three are held or under way");
    assert_eq!(header(&reader.call(tags[0]), "if-match"), Some("\"e\""));
}

#[test]
fn bytes_come_in_order_whatever_the_order_of_the_replies() {
    let (mut reader, tags) = begun(from(0));
    reader.on_reply(tags[1], part(4..6)).expect("accepted");
    assert_eq!(reader.take().as_deref(), Some(&b"12"[..]));
    assert_eq!((reader.take(), reader.has_next(), reader.offset()), (None, false, 2));
    let more = starts(&mut reader);
    assert_eq!(asked(&reader, more[0]), "bytes=6-7");
    reader.on_reply(tags[0], part(2..4)).expect("accepted");
    assert_eq!(reader.take().as_deref(), Some(&b"34"[..]));
    assert_eq!(reader.take().as_deref(), Some(&b"56"[..]));
    let last = starts(&mut reader);
    assert_eq!(last.len(), 1);
    assert_eq!(asked(&reader, last[0]), "bytes=8-8");
    reader.on_reply(last[0], part(8..9)).expect("accepted");
    reader.on_reply(more[0], part(6..8)).expect("accepted");
    assert!(reader.is_idle(), "the caller is to take them");
    assert_eq!(reader.take().as_deref(), Some(&b"78"[..]));
    assert_eq!(reader.take().as_deref(), Some(&b"9"[..]));
    let outcome = reader.ends().expect("done");
    assert_eq!((outcome.size, outcome.delivered), (Some(9), 9));
    assert_eq!(outcome.verification, Verification::Verified);
}

#[test]
fn a_wrong_checksum_is_an_error_in_place_of_the_last_bytes() {
    let mut reader = ReadAhead::new(
        key("a"),
        from(0),
        ReadAheadOptions::new(NonZeroUsize::MIN).range_bytes(NonZeroU64::new(5).expect("5")),
    );
    let first = reader.starts();
    reader.on_reply(first, part_of(0..5, "\"e\"", "1")).expect("accepted");
    assert!(reader.is_idle());
    assert_eq!(reader.take().as_deref(), Some(&b"12345"[..]));
    let last = reader.starts();
    reader.on_reply(last, part_of(5..9, "\"e\"", "1")).expect("accepted");
    assert_eq!(reader.take(), None);
    let error = reader.ends().expect_err("corrupt");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Corrupt, Some("a")));
}

#[test]
fn another_object_is_changed_and_what_is_not_the_range_is_asked_for_again() {
    let (mut reader, tags) = begun(from(0));
    for wrong in [part(4..6), part(2..3), part(1..3), reply(200, &[], "")] {
        let refused = reader.on_reply(tags[0], wrong);
        assert!(matches!(refused, Err(Rejected::Retry(_))), "{refused:?}");
    }
    let short = reply(
        206,
        &[("content-range", "bytes 2-3/9"), ("etag", "\"e\""), ("x-cos-hash-crc64ecma", CHECK)],
        "3",
    );
    assert!(matches!(reader.on_reply(tags[0], short), Err(Rejected::Retry(Reason::Short { .. }))));
    let refused = reader.on_reply(tags[0], part_of(2..4, "\"other\"", CHECK));
    assert!(matches!(refused, Err(Rejected::Final(Reason::Changed))), "{refused:?}");
    let refused = reader.on_reply(tags[0], part_of(2..4, "\"e\"", "7"));
    assert!(matches!(refused, Err(Rejected::Final(Reason::Corrupt { .. }))), "{refused:?}");
}

#[test]
fn an_error_comes_after_the_bytes_before_it_and_ends_the_asking() {
    let (mut reader, tags) = begun(from(0));
    reader.on_error(tags[1], lost());
    assert!(reader.is_pending(), "the range before it is still to come");
    assert_eq!(reader.take().as_deref(), Some(&b"12"[..]));
    assert!(reader.is_pending(), "no further range is asked for");
    reader.on_reply(tags[0], part(2..4)).expect("accepted");
    assert_eq!(reader.take().as_deref(), Some(&b"34"[..]));
    assert_eq!(reader.take(), None);
    let error = reader.ends().expect_err("lost");
    assert_eq!((error.kind(), error.path()), (&ErrorKind::Transport, Some("a")));
}

#[test]
fn an_object_that_shrinks_has_changed() {
    let (mut reader, tags) = begun(from(0));
    reader.on_error(tags[0], refused(416, "InvalidRange"));
    assert_eq!(reader.take().as_deref(), Some(&b"12"[..]));
    let error = reader.ends().expect_err("changed");
    assert_eq!(error.kind(), &ErrorKind::Changed);
}

#[test]
fn an_offset_at_or_beyond_the_end_is_an_empty_stream() {
    for (told, size) in [(Some(9), Some(9)), (None, None)] {
        let mut reader = reader(from(9));
        let first = reader.starts();
        let error = ServiceError { object_size: told, ..service(416, "InvalidRange") };
        reader.on_error(first, failed(Cause::Service(error)));
        let outcome = reader.ends().expect("empty");
        assert_eq!((outcome.size, outcome.delivered), (size, 0));
    }
}

#[test]
fn a_part_of_an_object_ends_where_it_ends() {
    let (mut reader, tags) = begun(from(3).length(3));
    assert_eq!(asked(&reader, tags[0]), "bytes=5-5");
    reader.on_reply(tags[0], part(5..6)).expect("accepted");
    assert_eq!(reader.take().as_deref(), Some(&b"45"[..]));
    assert_eq!(reader.take().as_deref(), Some(&b"6"[..]));
    let outcome = reader.ends().expect("done");
    assert_eq!((outcome.delivered, outcome.verification), (3, Verification::Unverified));

    // No bytes at all: one is asked for, as there are no requests for none.
    let mut reader = self::reader(from(3).length(0));
    let first = reader.starts();
    assert_eq!(asked(&reader, first), "bytes=3-3");
    reader.on_reply(first, part(3..4)).expect("accepted");
    assert_eq!(reader.take(), None);
    let outcome = reader.ends().expect("done");
    assert_eq!((outcome.size, outcome.delivered), (Some(9), 0));
}

#[test]
fn the_rest_of_an_object_is_verified_with_what_the_caller_had() {
    let prefix = Crc64::of(b"1234567");
    for (crc64, right) in [(prefix, true), (1, false)] {
        let (mut reader, tags) = begun(from(7).prefix_crc(crc64));
        assert!(tags.is_empty());
        assert_eq!(reader.take().as_deref(), right.then_some(&b"89"[..]));
        assert_eq!(reader.ends().is_ok(), right);
    }
}
