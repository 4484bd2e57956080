//! PUT, GET, HEAD and DELETE of objects.

use super::*;
use crate::Crc64;

#[test]
fn a_put_is_read_back_with_its_digests() {
    let mut client = Client::new();
    let put = client.put("/dir/a%20b+c", b"hello");
    assert_eq!(put.status, 200);
    assert_eq!(put.header("etag"), format!("\"{}\"", hex::encode(Md5::digest(b"hello"))));
    assert_eq!(put.header("x-cos-hash-crc64ecma"), Crc64::of(b"hello").to_string());
    let got = client.get("/dir%2Fa%20b%2Bc");
    assert_eq!(got.text(), "hello");
    for header in ["etag", "x-cos-hash-crc64ecma"] {
        assert_eq!(got.header(header), put.header(header));
    }
    assert_eq!(got.header("last-modified"), "Fri, 20 Nov 2026 00:00:00 GMT");
    assert_eq!(got.header("accept-ranges"), "bytes");
    assert_eq!(got.header("content-type"), "application/octet-stream");
    assert_eq!(got.header("x-cos-storage-class"), "");
    let head = client.send("HEAD", "/dir/a%20b%2Bc", &[], b"");
    assert_eq!((head.status, head.header("content-length")), (200, "5"));
    for header in ["etag", "x-cos-hash-crc64ecma", "last-modified"] {
        assert_eq!(head.header(header), got.header(header));
    }
}

#[test]
fn keys_are_decoded_once_and_never_normalised() {
    let mut client = Client::new();
    for (target, key) in [
        ("/a/./b", "a/./b"),
        ("/a/../b", "a/../b"),
        ("/a/.%2Fc", "a/./c"),
        ("/a//b", "a//b"),
        ("//lead", "/lead"),
        ("/%2Flead2", "/lead2"),
        ("/a%2525", "a%25"),
        ("/+", "+"),
        ("/%E7%85%A7%E7%89%87", "照片"),
        ("/folder/", "folder/"),
        ("/ctl%09%01", "ctl\t\u{1}"),
    ] {
        assert_eq!(client.put(target, key.as_bytes()).status, 200, "{target}");
        assert_eq!(client.get(target).text(), key);
        assert!(client.emulator.keys(BUCKET).contains(&key.to_owned()), "{key}");
    }
}

#[test]
fn keys_outside_the_rules_are_refused() {
    let mut client = Client::new();
    let long = "k".repeat(850);
    assert_eq!(client.put(&format!("/{long}"), b"").status, 200);
    let euros = "%E2%82%AC".repeat(284);
    for (target, outcome) in [
        (format!("/{long}k"), "400 KeyTooLong"),
        (format!("/{euros}"), "400 KeyTooLong"),
        ("/a%18b".to_owned(), "400 InvalidObjectName"),
        ("/a%1Bb".to_owned(), "400 InvalidObjectName"),
        ("/%zz".to_owned(), "400 InvalidURI"),
        ("/%".to_owned(), "400 InvalidURI"),
        ("/%ff".to_owned(), "400 InvalidURI"),
        ("/k?a=%f".to_owned(), "400 InvalidURI"),
    ] {
        assert_eq!(client.put(&target, b"").outcome(), outcome, "{target}");
    }
}

#[test]
fn a_missing_object_is_404_and_deleting_it_204() {
    let mut client = Client::new();
    assert_eq!(client.get("/no").outcome(), "404 NoSuchKey");
    let head = client.send("HEAD", "/no", &[], b"");
    assert_eq!((head.status, head.header("content-length")), (404, "0"));
    assert_eq!(head.header("content-type"), "");
    assert!(head.headers.contains_key("x-cos-trace-id"));
    assert_eq!(client.send("DELETE", "/no", &[], b"").status, 204);
    client.put("/yes", b"x");
    assert_eq!(client.send("DELETE", "/yes", &[], b"").status, 204);
    assert_eq!(client.get("/yes").status, 404);
}

#[test]
fn ranges_keep_the_whole_objects_tags() {
    let mut client = Client::new();
    let put = client.put("/k", b"0123456789");
    for (range, status, content_range, body) in [
        ("bytes=0-3", 206, "bytes 0-3/10", "0123"),
        ("bytes=4-", 206, "bytes 4-9/10", "456789"),
        ("bytes=-2", 206, "bytes 8-9/10", "89"),
        ("bytes=8-100", 206, "bytes 8-9/10", "89"),
        ("bytes=0-1,4-5", 200, "", "0123456789"),
        ("nonsense", 200, "", "0123456789"),
    ] {
        let got = client.send("GET", "/k", &[("range", range)], b"");
        assert_eq!((got.status, got.header("content-range")), (status, content_range), "{range}");
        assert_eq!(got.text(), body, "{range}");
        assert_eq!(got.header("etag"), put.header("etag"));
        assert_eq!(got.header("x-cos-hash-crc64ecma"), put.header("x-cos-hash-crc64ecma"));
    }
    let beyond = client.send("GET", "/k", &[("range", "bytes=10-")], b"");
    assert_eq!(beyond.outcome(), "416 InvalidRange");
    assert_eq!(beyond.header("content-range"), "bytes */10");
    client.put("/empty", b"");
    assert_eq!(client.send("GET", "/empty", &[("range", "bytes=0-")], b"").status, 416);
}

#[test]
fn conditions_give_304_and_412() {
    let mut client = Client::new();
    let etag = client.put("/k", b"x").header("etag").to_owned();
    let bare = etag.trim_matches('"').to_owned();
    let (before, at, after) = (
        "Thu, 19 Nov 2026 00:00:00 GMT",
        "Fri, 20 Nov 2026 00:00:00 GMT",
        "Sat, 21 Nov 2026 00:00:00 GMT",
    );
    for (headers, status) in [
        (vec![("if-match", etag.as_str())], 200),
        (vec![("if-match", bare.as_str())], 200),
        (vec![("if-match", "*")], 200),
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", bare.as_str())], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-modified-since", at)], 304),
        (vec![("if-modified-since", after)], 304),
        (vec![("if-unmodified-since", before)], 412),
        (vec![("if-unmodified-since", at)], 200),
        (vec![("if-unmodified-since", "not a date")], 200),
        // A tag makes the date beside it not count.
        (vec![("if-match", etag.as_str()), ("if-unmodified-since", before)], 200),
        (vec![("if-none-match", "\"other\""), ("if-modified-since", after)], 200),
    ] {
        let got = client.send("GET", "/k", &headers, b"");
        assert_eq!(got.status, status, "{headers:?}");
        assert_eq!(client.send("HEAD", "/k", &headers, b"").status, status, "{headers:?}");
        match status {
            304 => {
                assert!(got.body.is_empty());
                assert_eq!(got.header("etag"), etag);
                assert!(!got.header("x-cos-hash-crc64ecma").is_empty());
            }
            412 => assert_eq!(got.element("Code"), "PreconditionFailed"),
            _ => {}
        }
    }
}

#[test]
fn answers_can_be_overridden_by_who_signs() {
    let mut client = Client::new();
    client.send("PUT", "/k", &[("content-type", "text/plain"), ("x-cos-acl", "public-read")], b"x");
    let target = "/k?response-content-type=a%2Fb&response-content-language=de\
                  &response-expires=x&response-cache-control=no-store\
                  &response-content-disposition=attachment%3B+filename%3D%22a+b%22\
                  &response-content-encoding=gzip";
    let got = client.get(target);
    for (header, value) in [
        ("content-type", "a/b"),
        ("content-language", "de"),
        ("expires", "x"),
        ("cache-control", "no-store"),
        ("content-disposition", "attachment; filename=\"a b\""),
        ("content-encoding", "gzip"),
    ] {
        assert_eq!(got.header(header), value);
    }
    assert_eq!(client.unsigned("GET", "/k").header("content-type"), "text/plain");
    assert_eq!(client.unsigned("GET", target).outcome(), "400 InvalidRequest");
}

#[test]
fn new_buckets_force_downloads_by_their_default_domain() {
    let mut client = Client::with(Settings { downloads: Downloads::Forced, ..Settings::default() });
    client.send("PUT", "/k", &[("content-disposition", "inline")], b"x");
    let got = client.get("/k?response-content-disposition=inline");
    assert_eq!(got.header("content-disposition"), "attachment");
    assert_eq!(got.header("x-cos-force-download"), "true");
    let head = client.send("HEAD", "/k", &[], b"");
    assert_eq!(head.header("content-disposition"), "inline");
    client.host = "127.0.0.1:9000".to_owned();
    assert_eq!(client.get("/k").header("content-disposition"), "inline");
}

#[test]
fn lengths_and_digests_are_checked() {
    let mut client = Client::new();
    let md5 = md5_base64(b"hello");
    let other = md5_base64(b"other");
    for (headers, outcome) in [
        (vec![("content-md5", md5.as_str())], "200"),
        (vec![("content-md5", other.as_str())], "400 BadDigest"),
        (vec![("content-md5", "aGVsbG8=")], "400 InvalidDigest"),
        (vec![("content-md5", "***")], "400 InvalidDigest"),
        (vec![("content-length", "6")], "400 IncompleteBody"),
        (vec![("content-length", "5368709121")], "400 EntityTooLarge"),
        (vec![("content-length", "x")], "400 InvalidArgument"),
        (vec![("transfer-encoding", "chunked")], "200"),
    ] {
        assert_eq!(client.send("PUT", "/k", &headers, b"hello").outcome(), outcome, "{headers:?}");
    }
    let mut head = client.head("PUT", "/k2", &[], b"hello");
    head.headers.remove("content-length");
    let authorization = client.sign(&head);
    head.headers.insert("authorization", authorization.parse().unwrap());
    assert_eq!(client.deliver(&head, b"hello").outcome(), "411 MissingContentLength");
    assert_eq!(client.emulator.keys(BUCKET), ["k"]);
}

#[test]
fn overwriting_can_be_forbidden() {
    let mut client = Client::new();
    let forbid = [("x-cos-forbid-overwrite", "true")];
    assert_eq!(client.send("PUT", "/k", &forbid, b"1").outcome(), "200");
    assert_eq!(client.send("PUT", "/k", &forbid, b"2").outcome(), "409 FileAlreadyExists");
    assert_eq!(client.get("/k").text(), "1");
    let allow = [("x-cos-forbid-overwrite", "false")];
    assert_eq!(client.send("PUT", "/k", &allow, b"3").outcome(), "200");
    let odd = [("x-cos-forbid-overwrite", "maybe")];
    assert_eq!(client.send("PUT", "/k", &odd, b"4").outcome(), "400 InvalidArgument");
    assert_eq!(client.get("/k").text(), "3");
}

#[test]
fn a_bucket_without_versioning_knows_only_the_null_version() {
    let mut client = Client::new();
    client.put("/k", b"x");
    for (query, status) in [("versionId=", 200), ("VersionId=null", 200), ("versionId=abc", 404)] {
        assert_eq!(client.get(&format!("/k?{query}")).status, status, "{query}");
    }
    assert_eq!(client.get("/k?versionId=abc").outcome(), "404 NoSuchVersion");
    assert_eq!(client.send("DELETE", "/k?versionId=abc", &[], b"").status, 204);
    assert_eq!(client.get("/k").status, 200);
    assert_eq!(client.send("DELETE", "/k?VersionId=", &[], b"").status, 204);
    assert_eq!(client.get("/k").status, 404);
}

#[test]
fn appending_follows_the_position() {
    let mut client = Client::new();
    for (position, body, outcome) in [
        ("1", "x", "409 AppendPositionErr"),
        ("", "x", "400 InvalidArgument"),
        ("-1", "x", "400 InvalidArgument"),
        ("0", "abc", "200"),
        ("0", "abc", "409 AppendPositionErr"),
        ("3", "de", "200"),
    ] {
        let target = format!("/log?append&position={position}");
        let got = client.send("POST", &target, &[("x-cos-meta-a", "1")], body.as_bytes());
        assert_eq!(got.outcome(), outcome, "{position}");
        if got.status == 200 {
            // Go compares this with the block's MD5.
            let md5 = hex::encode(Md5::digest(body));
            assert_eq!(got.header("x-cos-content-sha1"), md5);
            assert!(!got.header("etag").is_empty());
        }
    }
    let got = client.get("/log");
    assert_eq!(got.text(), "abcde");
    assert_eq!(got.header("x-cos-object-type"), "appendable");
    assert_eq!(got.header("x-cos-hash-crc64ecma"), Crc64::of(b"abcde").to_string());
    assert_eq!(got.header("x-cos-meta-a"), "1");
    client.put("/normal", b"x");
    let normal = client.send("POST", "/normal?append&position=1", &[], b"y");
    assert_eq!(normal.outcome(), "409 ObjectNotAppendable");
    let chunked = [("transfer-encoding", "chunked")];
    let got = client.send("POST", "/log?append&position=5", &chunked, b"y");
    assert_eq!(got.outcome(), "411 MissingContentLength");
    client.put("/log", b"z");
    assert_eq!(client.get("/log").header("x-cos-object-type"), "");
}

#[test]
fn only_archived_objects_can_be_restored_and_must_be() {
    let mut client = Client::new();
    client.put("/k", b"x");
    let body = b"<RestoreRequest><Days>1</Days></RestoreRequest>";
    let got = client.send("POST", "/k?restore", &[], body);
    assert_eq!(got.outcome(), "405 RestoreNonArchiveObject");
    assert_eq!(client.send("POST", "/no?restore", &[], body).outcome(), "404 NoSuchKey");
    client.send("PUT", "/cold", &[("x-cos-storage-class", "ARCHIVE")], b"x");
    assert_eq!(client.get("/cold").outcome(), "403 InvalidObjectState");
    assert_eq!(client.send("HEAD", "/cold", &[], b"").status, 200);
    assert_eq!(client.send("POST", "/cold?restore", &[], body).status, 202);
    assert_eq!(client.get("/cold").text(), "x");
}
