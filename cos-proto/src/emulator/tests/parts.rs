//! Multipart uploads.

use super::*;
use crate::Crc64;

#[test]
fn parts_become_an_object_with_an_opaque_tag() {
    let mut client = Client::new();
    let start = client.send(
        "POST",
        "/big?uploads",
        &[
            ("x-cos-meta-a", "1"),
            ("content-type", "text/plain"),
            ("x-cos-storage-class", "COLD"),
            ("x-cos-tagging", "t=1"),
            ("x-cos-server-side-encryption", "AES256"),
        ],
        b"",
    );
    assert_eq!((start.element("Bucket"), start.element("Key")), (BUCKET.into(), "big".into()));
    assert_eq!(start.header("x-cos-server-side-encryption"), "AES256");
    let id = start.element("UploadId");
    assert!(id.len() >= 70 && id.starts_with(&NOW.to_string()), "{id}");
    let (first, second) = (vec![1; MIB], b"tail".to_vec());
    let one = client.part("big", &id, 1, &first);
    let two = client.part("big", &id, 2, &second);
    assert_eq!(one, hex::encode(Md5::digest(&first)));
    assert_eq!(client.get("/big").status, 404);
    let done = client.complete("big", &id, &[(1, &one), (2, &two)]);
    assert_eq!(done.status, 200);
    assert_eq!(done.delivery, Delivery::Chunked { leading_spaces: 0 });
    let whole = [first, second].concat();
    assert_eq!(done.header("x-cos-hash-crc64ecma"), Crc64::of(&whole).to_string());
    let etag = done.element("ETag");
    let all_md5s = [hex::decode(&one).unwrap(), hex::decode(&two).unwrap()].concat();
    assert!(etag.ends_with("-2\"") && etag.len() == 36, "{etag}");
    assert!(!etag.contains(&hex::encode(Md5::digest(all_md5s))));
    assert_eq!(done.element("Location"), format!("http://{HOST}/big"));
    let got = client.get("/big");
    assert_eq!(got.body, whole);
    assert_eq!(got.header("etag"), etag);
    assert_eq!(got.header("x-cos-meta-a"), "1");
    assert_eq!(got.header("content-type"), "text/plain");
    assert_eq!(got.header("x-cos-storage-class"), "COLD");
    assert_eq!(got.header("x-cos-tagging-count"), "1");
    assert_eq!(got.header("x-cos-server-side-encryption"), "AES256");
    assert_eq!(client.emulator.open_uploads(), []);
}

#[test]
fn the_same_bytes_in_another_upload_have_another_tag() {
    let mut client = Client::new();
    let mut etags = Vec::new();
    for _ in 0..2 {
        let id = client.initiate("k");
        let one = client.part("k", &id, 1, b"x");
        etags.push(client.complete("k", &id, &[(1, &one)]).element("ETag"));
    }
    assert_ne!(etags[0], etags[1]);
}

#[test]
fn complete_checks_its_list() {
    let mut client = Client::new();
    let id = client.initiate("k");
    let big = vec![0; MIB];
    let one = client.part("k", &id, 1, &big);
    let small = client.part("k", &id, 2, b"small");
    let three = client.part("k", &id, 3, b"end");
    let other = hex::encode(Md5::digest("other"));
    for (parts, outcome) in [
        (vec![], "400 MalformedXML"),
        (vec![(2, small.as_str()), (1, one.as_str())], "400 InvalidPartOrder"),
        (vec![(1, one.as_str()), (1, one.as_str())], "400 InvalidPartOrder"),
        (vec![(1, one.as_str()), (3, three.as_str())], "400 InvalidPart"),
        (vec![(2, small.as_str())], "400 InvalidPart"),
        (vec![(1, one.as_str()), (2, other.as_str())], "400 InvalidPart"),
        (vec![(1, one.as_str()), (2, small.as_str()), (3, three.as_str())], "400 EntityTooSmall"),
        (vec![(0, one.as_str())], "400 InvalidPart"),
        (vec![(10_001, one.as_str())], "400 InvalidPart"),
    ] {
        assert_eq!(client.complete("k", &id, &parts).outcome(), outcome, "{parts:?}");
    }
    for body in ["", "<x/>", "<CompleteMultipartUpload>", "<CompleteMultipartUpload><Part/>"] {
        let target = format!("/k?uploadId={id}");
        let got = client.send("POST", &target, &[], body.as_bytes());
        assert_eq!(got.outcome(), "400 MalformedXML", "{body}");
    }
    // A failed Complete leaves the upload usable, and parts that are not listed are dropped.
    assert_eq!(client.complete("k", &id, &[(1, &one), (2, &small)]).status, 200);
    assert_eq!(client.get("/k").body.len(), MIB + 5);
    for got in [
        client.complete("k", &id, &[(1, &one)]),
        client.put(&format!("/k?partNumber=1&uploadId={id}"), b""),
        client.get(&format!("/k?uploadId={id}")),
        client.send("DELETE", &format!("/k?uploadId={id}"), &[], b""),
    ] {
        assert_eq!(got.outcome(), "404 NoSuchUpload");
    }
}

#[test]
fn a_part_one_byte_under_a_mebibyte_must_be_the_last() {
    let mut client = Client::new();
    for (size, outcome) in [(MIB, "200"), (MIB - 1, "400 EntityTooSmall")] {
        let id = client.initiate("k");
        let one = client.part("k", &id, 1, &vec![0; size]);
        let two = client.part("k", &id, 2, b"");
        let got = client.complete("k", &id, &[(1, &one), (2, &two)]);
        assert_eq!(got.outcome(), outcome, "{size}");
    }
}

#[test]
fn a_part_sent_again_replaces_the_first() {
    let mut client = Client::new();
    let id = client.initiate("k");
    let old = client.part("k", &id, 1, b"old");
    let new = client.part("k", &id, 1, b"new");
    assert_eq!(client.complete("k", &id, &[(1, &old)]).outcome(), "400 InvalidPart");
    assert_eq!(client.complete("k", &id, &[(1, &new)]).status, 200);
    assert_eq!(client.get("/k").text(), "new");
}

#[test]
fn part_numbers_and_ids_are_checked() {
    let mut client = Client::new();
    let id = client.initiate("k");
    for (query, outcome) in [
        (format!("partNumber=0&uploadId={id}"), "400 InvalidArgument"),
        (format!("partNumber=10001&uploadId={id}"), "400 InvalidArgument"),
        (format!("partNumber=x&uploadId={id}"), "400 InvalidArgument"),
        (format!("partNumber=&uploadId={id}"), "400 InvalidArgument"),
        (format!("uploadId={id}"), "400 InvalidArgument"),
        ("partNumber=1".to_owned(), "400 InvalidArgument"),
        ("partNumber=1&uploadId=no".to_owned(), "404 NoSuchUpload"),
        ("partNumber=1&uploadId=".to_owned(), "404 NoSuchUpload"),
        (format!("partNumber=10000&uploadId={id}"), "200"),
    ] {
        assert_eq!(client.put(&format!("/k?{query}"), b"x").outcome(), outcome, "{query}");
    }
    // An id belongs to its key.
    let other = client.put(&format!("/other?partNumber=1&uploadId={id}"), b"x");
    assert_eq!(other.outcome(), "404 NoSuchUpload");
}

#[test]
fn an_aborted_upload_is_gone() {
    let mut client = Client::new();
    let id = client.initiate("k");
    client.part("k", &id, 1, b"x");
    let target = format!("/k?uploadId={id}");
    assert_eq!(client.send("DELETE", &target, &[], b"").status, 204);
    assert_eq!(client.send("DELETE", &target, &[], b"").outcome(), "404 NoSuchUpload");
    assert_eq!(client.emulator.open_uploads(), []);
}

#[test]
fn parts_are_listed_in_pages() {
    let mut client = Client::new();
    let id = client.initiate("k%20k");
    for number in [3, 1, 2, 10] {
        client.part("k%20k", &id, number, format!("part {number}").as_bytes());
    }
    let page = client.get(&format!("/k%20k?uploadId={id}&max-parts=2&encoding-type=url"));
    assert_eq!(page.element("Key"), "k%20k");
    assert_eq!(page.elements("PartNumber"), ["1", "2"]);
    assert_eq!(page.element("IsTruncated"), "true");
    assert_eq!(page.element("NextPartNumberMarker"), "2");
    let page = client.get(&format!("/k%20k?uploadId={id}&part-number-marker=2"));
    assert_eq!(page.element("Key"), "k k");
    assert_eq!(page.elements("PartNumber"), ["3", "10"]);
    assert_eq!(page.elements("Size"), ["6", "7"]);
    assert_eq!(page.elements("ETag")[0], format!("\"{}\"", hex::encode(Md5::digest("part 3"))));
    assert_eq!(page.element("IsTruncated"), "false");
    assert_eq!(page.element("NextPartNumberMarker"), "");
    for query in ["max-parts=0", "max-parts=1001", "part-number-marker=x", "encoding-type=gzip"] {
        let got = client.get(&format!("/k%20k?uploadId={id}&{query}"));
        assert_eq!(got.outcome(), "400 InvalidArgument", "{query}");
    }
}

#[test]
fn overwriting_is_forbidden_by_initiate_and_by_complete() {
    let mut client = Client::new();
    let forbid = [("x-cos-forbid-overwrite", "true")];
    let id = client.send("POST", "/k?uploads", &forbid, b"").element("UploadId");
    let one = client.part("k", &id, 1, b"x");
    client.put("/k", b"other");
    let got = client.send("POST", "/k?uploads", &forbid, b"");
    assert_eq!(got.outcome(), "409 FileAlreadyExists");
    let body = completion(&[(1, &one)]);
    let target = format!("/k?uploadId={id}");
    let got = client.send("POST", &target, &forbid, body.as_bytes());
    assert_eq!(got.outcome(), "409 FileAlreadyExists");
    assert_eq!(client.get("/k").text(), "other");
    assert_eq!(client.send("POST", &target, &[], body.as_bytes()).status, 200);
    assert_eq!(client.get("/k").text(), "x");
}

#[test]
fn ten_thousand_parts_fit() {
    let mut client = Client::new();
    let id = client.initiate("k");
    let shared = bytes::Bytes::from(vec![7; MIB]);
    let received = Received::from(shared);
    let etag = hex::encode(received.md5);
    let mut parts = Vec::new();
    for number in 1..=10_000 {
        let target = format!("/k?partNumber={number}&uploadId={id}");
        let mut head = client.head("PUT", &target, &[("content-length", "1048576")], b"");
        let authorization = client.sign(&head);
        head.headers.insert("authorization", authorization.parse().unwrap());
        let answer = client.emulator.handle(NOW * 1000, &head, received.clone());
        assert_eq!(answer.response.status(), 200);
        parts.push((number, etag.as_str()));
    }
    let done = client.complete("k", &id, &parts);
    assert_eq!(done.status, 200);
    assert!(done.element("ETag").ends_with("-10000\""));
    let head = client.send("HEAD", "/k", &[], b"");
    assert_eq!(head.header("content-length"), (10_000 * MIB).to_string());
    // Larger than 5 GB: by parts only.
    let source = [("x-cos-copy-source", HOST.to_owned() + "/k")];
    let source = [(source[0].0, source[0].1.as_str())];
    assert_eq!(client.send("PUT", "/copy", &source, b"").outcome(), "400 InvalidRequest");
    let id = client.initiate("copy");
    let target = format!("/copy?partNumber=1&uploadId={id}");
    assert_eq!(client.send("PUT", &target, &source, b"").outcome(), "400 InvalidRequest");
    let range = [source[0], ("x-cos-copy-source-range", "bytes=5368709120-5369757695")];
    assert_eq!(client.send("PUT", &target, &range, b"").status, 200);
}

#[test]
fn a_small_service_has_small_parts() {
    let mut client = Client::with(Settings { part_bytes_min: 3, ..Settings::default() });
    for (first, outcome) in [(&b"abc"[..], "200"), (b"ab", "400 EntityTooSmall")] {
        let id = client.initiate("k");
        let (one, two) = (client.part("k", &id, 1, first), client.part("k", &id, 2, b"d"));
        let got = client.complete("k", &id, &[(1, &one), (2, &two)]);
        assert!(got.outcome().starts_with(outcome), "{}", got.outcome());
    }
    assert_eq!(client.get("/k").text(), "abcd");
}
