//! Copies of objects and parts.

use super::*;
use crate::Crc64;

fn source(key: &str) -> String {
    format!("{HOST}/{key}")
}

#[test]
fn a_copy_keeps_metadata_and_tags_but_not_class_rights_or_encryption() {
    let mut client = Client::new();
    client.send(
        "PUT",
        "/dir/src%20%2B",
        &[
            ("x-cos-meta-a", "1"),
            ("content-type", "text/plain"),
            ("x-cos-storage-class", "COLD"),
            ("x-cos-acl", "public-read"),
            ("x-cos-tagging", "t=1"),
            ("x-cos-server-side-encryption", "AES256"),
        ],
        b"hello",
    );
    for from in [
        source("dir/src%20%2B"),
        source("dir%2Fsrc%20+"),
        format!("/{BUCKET}/dir/src%20%2B"),
        format!("{BUCKET}.any.suffix:8080/dir/src%20%2B"),
        "127.0.0.1:8080/dir/src%20%2B".to_owned(),
    ] {
        let got = client.send("PUT", "/dst", &[("x-cos-copy-source", &from)], b"");
        assert_eq!(got.outcome(), "200", "{from}");
        assert_eq!(got.delivery, Delivery::Chunked { leading_spaces: 0 });
        assert_eq!(got.element("ETag"), format!("\"{}\"", hex::encode(Md5::digest(b"hello"))));
        assert_eq!(got.element("CRC64"), Crc64::of(b"hello").to_string());
        assert_eq!(got.header("x-cos-hash-crc64ecma"), "");
        assert_eq!(got.element("LastModified"), "2026-11-20T00:00:00.000Z");
        let copy = client.get("/dst");
        assert_eq!(copy.text(), "hello");
        assert_eq!(copy.header("x-cos-meta-a"), "1");
        assert_eq!(copy.header("content-type"), "text/plain");
        assert_eq!(copy.header("x-cos-tagging-count"), "1");
        assert_eq!(copy.header("x-cos-storage-class"), "");
        assert_eq!(copy.header("x-cos-server-side-encryption"), "");
        assert_eq!(client.get("/dst?acl").header("x-cos-acl"), "default");
    }
}

#[test]
fn directives_replace_what_they_name() {
    let mut client = Client::new();
    let old = [("x-cos-meta-a", "1"), ("cache-control", "x"), ("x-cos-tagging", "t=1")];
    client.send("PUT", "/src", &old, b"hello");
    let from = source("src");
    let from = ("x-cos-copy-source", from.as_str());
    let replaced = ("x-cos-metadata-directive", "Replaced");
    client.send("PUT", "/dst", &[from, replaced, ("x-cos-meta-b", "2")], b"");
    let copy = client.get("/dst");
    let of = |name| copy.header(name);
    assert_eq!((of("x-cos-meta-a"), of("x-cos-meta-b"), of("cache-control")), ("", "2", ""));
    assert_eq!(copy.header("x-cos-tagging-count"), "1");
    client.send("PUT", "/dst", &[from, ("x-cos-tagging-directive", "Replaced")], b"");
    let copy = client.get("/dst");
    assert_eq!((copy.header("x-cos-meta-a"), copy.header("x-cos-tagging-count")), ("1", ""));
    for (headers, outcome) in [
        (vec![from, ("x-cos-metadata-directive", "Replace")], "400 InvalidArgument"),
        (vec![from, ("x-cos-tagging-directive", "x")], "400 InvalidArgument"),
        (vec![from, ("x-cos-meta-b", "2")], "400 InvalidArgument"),
        (vec![from, ("x-cos-storage-class", "COLD")], "200"),
    ] {
        assert_eq!(client.send("PUT", "/dst", &headers, b"").outcome(), outcome, "{headers:?}");
    }
    assert_eq!(client.get("/dst").header("x-cos-storage-class"), "COLD");
    // Onto itself only with other metadata.
    let itself = client.send("PUT", "/src", &[from], b"");
    assert_eq!(itself.outcome(), "400 InvalidRequest");
    assert_eq!(client.send("PUT", "/src", &[from, replaced], b"").outcome(), "200");
    assert_eq!(client.get("/src").header("x-cos-meta-a"), "");
}

#[test]
fn sources_that_cannot_be_copied_are_refused() {
    let mut client = Client::new();
    client.put("/src", b"x");
    client.send("POST", "/log?append&position=0", &[], b"x");
    client.send("PUT", "/cold", &[("x-cos-storage-class", "DEEP_ARCHIVE")], b"x");
    for (from, outcome) in [
        (source("no"), "404 NoSuchKey"),
        ("other-1.cos.x/k".to_owned(), "404 NoSuchBucket"),
        ("/other-1/k".to_owned(), "404 NoSuchBucket"),
        (format!("http://{HOST}/src"), "400 InvalidCopySource"),
        ("src".to_owned(), "400 InvalidCopySource"),
        (source("src?versionId=abc"), "404 NoSuchVersion"),
        (source("src?versionId=null"), "200"),
        (source("log"), "400 InvalidRequest"),
        (source("cold"), "403 InvalidObjectState"),
    ] {
        let got = client.send("PUT", "/dst", &[("x-cos-copy-source", &from)], b"");
        assert_eq!(got.outcome(), outcome, "{from}");
    }
    let from = source("src");
    let forbid = [("x-cos-copy-source", from.as_str()), ("x-cos-forbid-overwrite", "true")];
    assert_eq!(client.send("PUT", "/dst", &forbid, b"").outcome(), "409 FileAlreadyExists");
}

#[test]
fn every_failed_condition_of_a_copy_is_412() {
    let mut client = Client::new();
    let etag = client.put("/src", b"x").header("etag").to_owned();
    let from = source("src");
    let (before, after) = ("Thu, 19 Nov 2026 00:00:00 GMT", "Sat, 21 Nov 2026 00:00:00 GMT");
    for (name, value, outcome) in [
        ("x-cos-copy-source-If-Match", etag.as_str(), "200"),
        ("x-cos-copy-source-If-Match", "x", "412 PreconditionFailed"),
        ("x-cos-copy-source-If-None-Match", etag.as_str(), "412 PreconditionFailed"),
        ("x-cos-copy-source-If-None-Match", "x", "200"),
        ("x-cos-copy-source-If-Modified-Since", before, "200"),
        ("x-cos-copy-source-If-Modified-Since", after, "412 PreconditionFailed"),
        ("x-cos-copy-source-If-Unmodified-Since", before, "412 PreconditionFailed"),
        ("x-cos-copy-source-If-Unmodified-Since", after, "200"),
    ] {
        let headers = [("x-cos-copy-source", from.as_str()), (name, value)];
        assert_eq!(client.send("PUT", "/dst", &headers, b"").outcome(), outcome, "{name}");
    }
}

#[test]
fn parts_are_copied_by_range() {
    let mut client = Client::new();
    let bytes: Vec<u8> = (0..MIB + 10).map(|n| (n % 251) as u8).collect();
    client.put("/src", &bytes);
    let id = client.initiate("dst");
    let from = source("src");
    let mut copy = |number: u16, range: Option<&str>| {
        let mut headers = vec![("x-cos-copy-source", from.as_str())];
        headers.extend(range.map(|range| ("x-cos-copy-source-range", range)));
        let target = format!("/dst?partNumber={number}&uploadId={id}");
        client.send("PUT", &target, &headers, b"")
    };
    let one = copy(1, Some("bytes=10-1048585"));
    assert_eq!(one.outcome(), "200");
    assert_eq!(one.delivery, Delivery::Chunked { leading_spaces: 0 });
    assert_eq!(one.element("CRC64"), Crc64::of(&bytes[10..]).to_string());
    let two = copy(2, None);
    assert_eq!(two.element("CRC64"), Crc64::of(&bytes).to_string());
    for (range, outcome) in [
        ("bytes=0-", "400 InvalidArgument"),
        ("bytes=-5", "400 InvalidArgument"),
        ("bytes=5-4", "400 InvalidArgument"),
        ("bytes=0-1048586", "416 InvalidRange"),
        ("bytes=99999999-99999999", "416 InvalidRange"),
    ] {
        assert_eq!(copy(3, Some(range)).outcome(), outcome, "{range}");
    }
    let etags = [one.element("ETag"), two.element("ETag")];
    let etags: Vec<_> = etags.iter().map(|etag| etag.trim_matches('"')).collect();
    assert_ne!(etags[0], etags[1]);
    let done = client.complete("dst", &id, &[(1, etags[0]), (2, etags[1])]);
    let whole = [&bytes[10..], &bytes].concat();
    assert_eq!(done.header("x-cos-hash-crc64ecma"), Crc64::of(&whole).to_string());
    assert_eq!(client.get("/dst").body, whole);
}

#[test]
fn objects_older_than_crcs_have_none_and_neither_have_their_copies() {
    let mut client = Client::new();
    client.put("/src", &vec![1; MIB]);
    assert!(client.emulator.forget_crc(BUCKET, "src"));
    assert!(!client.emulator.forget_crc(BUCKET, "no"));
    assert_eq!(client.get("/src").header("x-cos-hash-crc64ecma"), "");
    let from = source("src");
    let from = [("x-cos-copy-source", from.as_str())];
    assert_eq!(client.send("PUT", "/dst", &from, b"").element("CRC64"), "");
    let id = client.initiate("m");
    let part = client.send("PUT", &format!("/m?partNumber=1&uploadId={id}"), &from, b"");
    assert_eq!(part.element("CRC64"), "");
    let one = part.element("ETag");
    let done = client.complete("m", &id, &[(1, one.trim_matches('"'))]);
    assert_eq!((done.status, done.header("x-cos-hash-crc64ecma")), (200, ""));
}
