use super::*;
use crate::op::testing::{Steps, failed, header, key, lost, query, refused, service};
use crate::{ErrorKind, Failure, FailureKind, error::Cause, op::testing};

const TEXT: &[u8] = b"123456789";
/// CRC-64/XZ of `TEXT`.
const CHECK: &str = "11051210869376104954";

fn started(options: DownloadOptions) -> Download {
    let mut download = Download::new(key("a"), options);
    download.starts();
    assert!(download.is_pending() && download.meta().is_none());
    download
}

fn from(offset: u64) -> DownloadOptions {
    DownloadOptions::new().offset(offset)
}

/// A 200 with `TEXT` as the object.
fn whole() -> Response<()> {
    head(200, &[])
}

/// A 206 of `TEXT`.
fn part(range: &str) -> Response<()> {
    head(206, &[("content-range", &format!("bytes {range}/9"))])
}

/// The usual head, in which `fields` replace or (with an empty value) remove others.
fn head(status: u16, fields: &[(&str, &str)]) -> Response<()> {
    let usual = [("content-length", "9"), ("etag", "\"e\""), ("x-cos-hash-crc64ecma", CHECK)];
    let kept = usual.iter().filter(|(name, _)| fields.iter().all(|(other, _)| other != name));
    let all: Vec<_> = kept.chain(fields).copied().filter(|(_, value)| !value.is_empty()).collect();
    testing::head(status, &all)
}

impl Download {
    /// Feeds data and gives what the caller gets of it.
    fn feed<'a>(&mut self, data: &'a [u8]) -> &'a [u8] {
        &data[self.on_data((), data)]
    }

    /// The connection drops: the machine asks whether all is there, then calls again.
    fn drops(&mut self) -> Call {
        let refused = self.on_end(());
        assert!(matches!(refused, Err(Rejected::Retry(Reason::Short { .. }))), "{refused:?}");
        self.call(())
    }

    fn kind(&mut self) -> ErrorKind {
        let error = self.ends().expect_err("an error");
        assert_eq!(error.path(), Some("a"));
        error.kind().clone()
    }
}

#[test]
fn the_whole_object_is_asked_for_without_a_range_and_verified() {
    let mut download = started(from(0));
    let call = download.call(());
    assert_eq!((header(&call, "range"), header(&call, "if-match")), (None, None));
    assert_eq!(header(&call, "accept-encoding"), None, "bytes as they are stored");
    download.on_head((), &whole()).expect("accepted");
    let meta = download.meta().expect("head");
    assert_eq!((meta.size, meta.etag.as_str()), (9, "e"));
    assert_eq!(download.feed(b"1234"), b"1234");
    assert_eq!((download.offset(), download.verification()), (4, None));
    assert_eq!(download.feed(b"56789"), b"56789");
    assert!(download.is_pending(), "the end is still to come");
    download.on_end(()).expect("complete");
    let outcome = download.ends().expect("done");
    assert_eq!((outcome.size, outcome.delivered), (Some(9), 9));
    assert_eq!(outcome.verification, Verification::Verified);
    assert_eq!(download.verification(), Some(Verification::Verified));
}

#[test]
fn an_empty_object_is_an_empty_stream_and_verified() {
    let mut download = started(from(0));
    let empty = head(200, &[("content-length", "0"), ("x-cos-hash-crc64ecma", "0")]);
    download.on_head((), &empty).expect("accepted");
    let outcome = download.ends().expect("done");
    assert_eq!((outcome.size, outcome.delivered), (Some(0), 0));
    assert_eq!(outcome.verification, Verification::Verified);
    download.on_end(()).expect("harmless");
}

#[test]
fn a_dropped_connection_is_resumed_from_the_next_byte_at_every_place() {
    for cut in 0..TEXT.len() {
        let mut download = started(from(0).version_id("v"));
        download.on_head((), &whole()).expect("accepted");
        assert_eq!(download.feed(&TEXT[..cut]), &TEXT[..cut]);
        let call = download.drops();
        let range = (cut > 0).then(|| format!("bytes={cut}-"));
        assert_eq!(header(&call, "range"), range.as_deref());
        assert_eq!(header(&call, "if-match"), Some("\"e\""));
        assert_eq!(query(&call, "versionId"), Some("v"));
        let again = if cut == 0 { whole() } else { part(&format!("{cut}-8")) };
        download.on_head((), &again).expect("accepted");
        assert_eq!(download.feed(&TEXT[cut..]), &TEXT[cut..]);
        download.on_end(()).expect("complete");
        let outcome = download.ends().expect("done");
        assert_eq!(outcome.verification, Verification::Verified, "cut at {cut}");
    }
}

#[test]
fn bytes_are_verified_over_any_number_of_requests() {
    let mut download = started(from(0));
    download.on_head((), &whole()).expect("accepted");
    for at in 0..TEXT.len() {
        assert_eq!(download.feed(&TEXT[at..=at]), &TEXT[at..=at]);
        if at + 1 < TEXT.len() {
            download.drops();
            download.on_head((), &part(&format!("{}-8", at + 1))).expect("accepted");
        }
    }
    download.on_end(()).expect("complete");
    assert_eq!(download.ends().expect("done").verification, Verification::Verified);
}

#[test]
fn all_bytes_there_and_only_the_end_lost_is_complete() {
    let mut download = started(from(0));
    download.on_head((), &whole()).expect("accepted");
    download.feed(TEXT);
    // The machine asks this after a reset as well: no request ever begins at the size.
    download.on_end(()).expect("complete");
    download.ends().expect("done");
}

#[test]
fn other_bytes_are_an_error_in_place_of_the_end() {
    for crc64 in ["1", "-1", "crc"] {
        let mut download = started(from(0));
        download.on_head((), &head(200, &[("x-cos-hash-crc64ecma", crc64)])).expect("accepted");
        download.feed(TEXT);
        let refused = download.on_end(());
        let Err(Rejected::Final(reason @ Reason::Corrupt { .. })) = refused else {
            panic!("{refused:?}");
        };
        assert!(download.is_pending(), "not done without the error");
        download.on_error((), failed(Cause::Rejected(reason)));
        assert_eq!(download.kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn without_a_crc_that_counts_the_bytes_are_unverified() {
    for fields in [
        &[("x-cos-hash-crc64ecma", "")][..],
        &[("x-cos-object-type", "appendable")],
        &[("x-cos-object-type", "appendable"), ("x-cos-hash-crc64ecma", "1")],
    ] {
        let mut download = started(from(0));
        download.on_head((), &head(200, fields)).expect("accepted");
        download.feed(TEXT);
        download.on_end(()).expect("complete");
        let outcome = download.ends().expect("done");
        assert_eq!(outcome.verification, Verification::Unverified, "{fields:?}");
    }
    let normal = head(200, &[("x-cos-object-type", "normal"), ("x-cos-hash-crc64ecma", "1")]);
    let mut download = started(from(0));
    download.on_head((), &normal).expect("accepted");
    download.feed(TEXT);
    assert!(download.on_end(()).is_err());
}

#[test]
fn a_head_without_crc_does_not_hide_that_of_another() {
    let bare = head(200, &[("x-cos-hash-crc64ecma", "")]);
    let bare_part = head(206, &[("x-cos-hash-crc64ecma", ""), ("content-range", "bytes 4-8/9")]);
    for (first, second) in [(bare, part("4-8")), (whole(), bare_part)] {
        let mut download = started(from(0));
        download.on_head((), &first).expect("accepted");
        download.feed(&TEXT[..4]);
        download.drops();
        download.on_head((), &second).expect("accepted");
        download.feed(&TEXT[4..]);
        download.on_end(()).expect("complete");
        assert_eq!(download.ends().expect("done").verification, Verification::Verified);
    }
}

#[test]
fn heads_that_disagree_end_the_download() {
    let changed = &Reason::Changed;
    let corrupt = Reason::Corrupt { ours: CHECK.parse().expect("u64"), theirs: "1".to_owned() };
    let range = ("content-range", "bytes 4-8/9");
    for (second, reason) in [
        (head(206, &[range, ("etag", "\"other\"")]), changed),
        (head(206, &[("content-range", "bytes 4-9/10")]), changed),
        (head(200, &[("etag", "\"other\"")]), changed),
        (head(200, &[("content-length", "10")]), changed),
        (head(206, &[range, ("x-cos-hash-crc64ecma", "1")]), &corrupt),
    ] {
        let mut download = started(from(0));
        download.on_head((), &whole()).expect("accepted");
        download.feed(&TEXT[..4]);
        download.drops();
        match download.on_head((), &second) {
            Err(Rejected::Final(own)) => assert_eq!(&own, reason),
            other => panic!("{other:?}"),
        }
        download.on_error((), failed(Cause::Rejected(reason.clone())));
        let kind = if reason == changed { ErrorKind::Changed } else { ErrorKind::Corrupt };
        assert_eq!(download.kind(), kind);
    }
}

#[test]
fn a_failed_precondition_or_a_416_of_a_resumed_request_means_changed() {
    for error in [refused(412, "PreconditionFailed"), refused(416, "InvalidRange")] {
        let mut download = started(from(0));
        download.on_head((), &whole()).expect("accepted");
        download.feed(&TEXT[..4]);
        download.drops();
        download.on_error((), error);
        assert_eq!(download.kind(), ErrorKind::Changed);
    }
}

#[test]
fn a_200_to_a_range_is_skipped_up_to_the_next_byte() {
    let mut download = started(from(4));
    assert_eq!(header(&download.call(()), "range"), Some("bytes=4-"));
    download.on_head((), &whole()).expect("accepted");
    assert_eq!(download.feed(b"12"), b"");
    assert_eq!(download.feed(b"3456"), b"56");
    download.drops();
    download.on_head((), &whole()).expect("accepted");
    assert_eq!(download.feed(TEXT), b"789");
    download.on_end(()).expect("complete");
    assert_eq!(download.ends().expect("done").delivered, 5);
}

#[test]
fn a_206_may_begin_early_but_not_late() {
    let mut download = started(from(4));
    download.on_head((), &part("2-8")).expect("a superset");
    assert_eq!(download.feed(b"3456789"), b"56789");
    download.on_end(()).expect("complete");
    for range in ["5-8", "0-3"] {
        let refused = started(from(4)).on_head((), &part(range));
        assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{range}");
    }
    for wrong in
        ["", "bytes 4-8", "bytes 4-8/*", "bytes 8-4/9", "bytes 4-9/9", "4-8/9", "bytes */9"]
    {
        let answer = head(206, &[("content-range", wrong)]);
        let refused = started(from(4)).on_head((), &answer);
        assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))), "{wrong:?}");
    }
}

#[test]
fn a_206_that_ends_early_is_continued() {
    let mut download = started(from(2));
    download.on_head((), &part("2-4")).expect("accepted");
    assert_eq!(download.feed(b"345"), b"345");
    let call = download.drops();
    assert_eq!(header(&call, "range"), Some("bytes=5-"));
}

#[test]
fn more_bytes_than_announced_are_never_delivered() {
    let mut download = started(from(0));
    download.on_head((), &whole()).expect("accepted");
    assert_eq!(download.feed(b"123456789more"), TEXT);
    assert_eq!(download.feed(b"more"), b"");
    download.on_end(()).expect("complete");
    assert_eq!(download.ends().expect("done").verification, Verification::Verified);

    let mut download = started(from(2));
    download.on_head((), &part("2-4")).expect("accepted");
    assert_eq!(download.feed(b"345678"), b"345", "the range's end counts, not the object's");
}

#[test]
fn a_length_that_is_absent_or_wrong_does_not_go_unnoticed() {
    let answer = head(200, &[("content-length", "")]);
    let refused = started(from(0)).on_head((), &answer);
    assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))));
    // A 206 tells its length by its range.
    let lengths = [("content-range", "bytes 4-8/9"), ("content-length", "2")];
    for fields in [&lengths[..], &[lengths[0], ("content-length", "")]] {
        let mut download = started(from(4));
        download.on_head((), &head(206, fields)).expect("accepted");
        assert_eq!(download.feed(b"56"), b"56");
        assert_eq!(header(&download.drops(), "range"), Some("bytes=6-"));
    }
}

#[test]
fn an_offset_at_or_beyond_the_end_is_an_empty_stream() {
    for (told, size) in [(Some(9), Some(9)), (None, None)] {
        let mut download = started(from(9));
        let mut answer = service(416, "InvalidRange");
        answer.object_size = told;
        download.on_error((), failed(Cause::Service(answer)));
        let outcome = download.ends().expect("empty");
        assert_eq!((outcome.size, outcome.delivered), (size, 0));
        assert_eq!(outcome.verification, Verification::Unverified);
    }
    // A server that ignores the range answers with everything.
    for offset in [9, 10, u64::MAX] {
        let mut download = started(from(offset));
        download.on_head((), &whole()).expect("accepted");
        assert_eq!(download.ends().expect("empty").delivered, 0);
        assert_eq!(download.feed(TEXT), b"");
    }
}

#[test]
fn a_range_of_an_empty_object_is_an_empty_stream() {
    let mut download = started(from(0).length(5));
    assert_eq!(header(&download.call(()), "range"), Some("bytes=0-4"));
    download.on_error((), refused(416, "InvalidRange"));
    assert_eq!(download.ends().expect("empty").size, Some(0));
}

#[test]
fn a_missing_object_is_path_not_found_at_any_offset() {
    for offset in [0, 64] {
        let mut download = started(from(offset));
        download.on_error((), refused(404, "NoSuchKey"));
        assert_eq!(download.kind(), ErrorKind::PathNotFound);
    }
}

#[test]
fn other_errors_are_passed_on() {
    for (error, kind) in [
        (refused(403, "AccessDenied"), ErrorKind::Denied),
        (lost(), ErrorKind::Transport),
        (failed(Cause::Transport(Failure::new(FailureKind::Tls, "no"))), ErrorKind::Transport),
        (failed(Cause::Rejected(Reason::Short { got: 1, expected: 9 })), ErrorKind::Transport),
    ] {
        let mut download = started(from(0));
        download.on_error((), error);
        assert_eq!(download.kind(), kind);
    }
}

#[test]
fn a_length_bounds_what_is_asked_for_and_delivered() {
    let mut download = started(from(2).length(3));
    assert_eq!(header(&download.call(()), "range"), Some("bytes=2-4"));
    download.on_head((), &part("2-4")).expect("accepted");
    assert_eq!(download.feed(b"3"), b"3");
    assert_eq!(header(&download.drops(), "range"), Some("bytes=3-4"));
    download.on_head((), &whole()).expect("the range is ignored");
    assert_eq!(download.feed(b"123456"), b"45");
    let outcome = download.ends().expect("the rest is not waited for");
    assert_eq!((outcome.size, outcome.delivered), (Some(9), 3));
    assert_eq!(outcome.verification, Verification::Unverified);
    download.on_end(()).expect("harmless");

    let mut download = started(from(7).length(100));
    assert_eq!(header(&download.call(()), "range"), Some("bytes=7-106"));
    download.on_head((), &part("7-8")).expect("clipped");
    assert_eq!(download.feed(b"8"), b"8");
    assert_eq!(header(&download.drops(), "range"), Some("bytes=8-8"));
    download.on_head((), &part("8-8")).expect("accepted");
    download.feed(b"9");
    download.on_end(()).expect("complete");
    assert_eq!(download.ends().expect("done").delivered, 2);
}

#[test]
fn a_length_that_covers_the_object_is_verified() {
    let mut download = started(from(0).length(9));
    download.on_head((), &part("0-8")).expect("accepted");
    download.feed(TEXT);
    download.on_end(()).expect("complete");
    assert_eq!(download.ends().expect("done").verification, Verification::Verified);
}

#[test]
fn no_bytes_at_all_still_tell_whether_the_object_is_there() {
    let mut download = started(from(3).length(0));
    assert_eq!(header(&download.call(()), "range"), Some("bytes=3-3"));
    download.on_head((), &part("3-3")).expect("accepted");
    assert_eq!(download.ends().expect("done").delivered, 0);
    assert_eq!(download.feed(b"4"), b"");
    let mut download = started(from(3).length(0));
    download.on_error((), refused(404, "NoSuchKey"));
    assert_eq!(download.kind(), ErrorKind::PathNotFound);
}

#[test]
fn a_tail_is_verified_with_the_crc_of_what_is_before_it() {
    for (prefix, verified) in
        [(Some(Crc64::of(b"1234")), Some(true)), (None, Some(false)), (Some(7), None)]
    {
        let mut options = from(4);
        options.prefix_crc = prefix;
        let mut download = started(options);
        download.on_head((), &part("4-8")).expect("accepted");
        download.feed(b"56");
        download.drops();
        download.on_head((), &part("6-8")).expect("accepted");
        download.feed(b"789");
        match (download.on_end(()), verified) {
            (Ok(()), Some(verified)) => {
                let outcome = download.ends().expect("done");
                assert_eq!(outcome.verification == Verification::Verified, verified);
            }
            (Err(Rejected::Final(Reason::Corrupt { .. })), None) => {}
            other => panic!("{prefix:?}: {other:?}"),
        }
    }
}

#[test]
fn conditions_are_those_of_the_first_request_only() {
    let conditions = Conditions::new().if_none_match(crate::ETag::new("mine"));
    let mut download = started(from(0).conditions(conditions));
    assert_eq!(header(&download.call(()), "if-none-match"), Some("\"mine\""));
    download.on_head((), &whole()).expect("accepted");
    download.feed(b"1");
    let call = download.drops();
    assert_eq!((header(&call, "if-none-match"), header(&call, "if-match")), (None, Some("\"e\"")));
}

#[test]
fn a_stored_encoding_is_passed_through() {
    let mut download = started(from(0));
    download.on_head((), &head(200, &[("content-encoding", "gzip")])).expect("accepted");
    let headers = &download.meta().expect("head").content_headers;
    assert_eq!(headers.get("content-encoding").map(String::as_str), Some("gzip"));
    assert_eq!(download.feed(TEXT), TEXT);
}

#[test]
fn a_collected_reply_is_asked_for_again() {
    let refused = started(from(0)).on_reply((), testing::reply(200, &[], "123456789"));
    assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))));
}

#[test]
fn a_body_beyond_its_length_is_over_when_all_is_there() {
    let mut download = started(from(0));
    download.on_head((), &whole()).expect("accepted");
    assert_eq!(download.feed(b"1234"), b"1234");
    assert_eq!(download.feed(b"56789and so on"), b"56789");
    assert_eq!(download.feed(b" for ever"), b"");
    let outcome = download.ends().expect("all is there");
    assert_eq!((outcome.delivered, outcome.verification), (9, Verification::Verified));

    let mut download = started(from(0));
    download.on_head((), &whole()).expect("accepted");
    assert_eq!(download.feed(b"987654321and so on"), b"987654321");
    assert_eq!(download.kind(), ErrorKind::Corrupt);

    let mut download = started(from(2));
    download.on_head((), &part("2-4")).expect("a part of what was asked for");
    assert_eq!(download.feed(b"345and so on"), b"345");
    assert_eq!(download.kind(), ErrorKind::Malformed);
}
