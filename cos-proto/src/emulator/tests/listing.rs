//! Lists of objects, versions and uploads.

use std::time::Duration;

use super::*;

fn filled(keys: &[&str]) -> Client {
    let mut client = Client::new();
    for key in keys {
        client.emulator.put_raw(BUCKET, key, key.as_bytes().to_vec());
    }
    client
}

#[test]
fn a_list_shows_what_the_samples_show() {
    let mut client = filled(&["b", "a&b<c>.txt"]);
    let got = client.get("/");
    assert_eq!(got.header("content-type"), "application/xml");
    assert_eq!(got.header("x-cos-bucket-region"), "ap-guangzhou");
    assert_eq!(got.element("Name"), BUCKET);
    assert_eq!(got.elements("Key"), ["a&b<c>.txt", "b"]);
    assert_eq!(got.elements("Size"), ["10", "1"]);
    assert_eq!(got.elements("ETag")[1], format!("\"{}\"", hex::encode(Md5::digest("b"))));
    assert_eq!(got.element("StorageClass"), "STANDARD");
    assert_eq!(got.element("ID"), "1250000000");
    assert_eq!(
        (got.element("MaxKeys"), got.element("IsTruncated")),
        ("1000".into(), "false".into())
    );
    for (present, element) in [
        (true, "<Prefix/>"),
        (true, "<Marker/>"),
        (false, "NextMarker"),
        (false, "Delimiter"),
        (false, "EncodingType"),
    ] {
        assert_eq!(got.text().contains(element), present, "{element}");
    }
    client.put("/c", b"x");
    assert_eq!(client.get("/?prefix=c").element("LastModified"), "2026-11-20T00:00:00.000Z");
}

#[test]
fn keys_come_in_the_order_of_their_bytes() {
    let mut client = filled(&["é", "z", "a/b", "a-b", "a.b", "~", "Z", "照", "\u{10ffff}"]);
    let got = client.get("/?encoding-type=url");
    assert_eq!(
        got.elements("Key"),
        ["Z", "a-b", "a.b", "a/b", "z", "~", "%C3%A9", "%E7%85%A7", "%F4%8F%BF%BF"]
    );
}

/// Reads all pages; each is (entries, next marker).
fn pages(client: &mut Client, query: &str) -> Vec<(Vec<String>, String)> {
    let mut pages = Vec::new();
    let mut marker = String::new();
    loop {
        let got = client.get(&format!("/?{query}&marker={marker}"));
        assert_eq!(got.status, 200, "{}", got.text());
        let prefixes = got.elements("CommonPrefixes");
        let strip = |text: &String| text.replace("<Prefix>", "").replace("</Prefix>", "");
        let mut entries: Vec<_> = prefixes.iter().map(strip).collect();
        entries.extend(got.elements("Key"));
        entries.sort();
        let next = got.element("NextMarker");
        assert_eq!(got.element("IsTruncated") == "true", !next.is_empty());
        pages.push((entries, next.clone()));
        if next.is_empty() {
            return pages;
        }
        marker = next;
    }
}

#[test]
fn pages_count_keys_and_prefixes_together_and_continue_after_a_prefix() {
    let mut client = filled(&["d1/a", "d1/b", "d2/a", "d3/a", "d3/b", "d4/x", "x1", "x2"]);
    let page = |entries: &[&str], next: &str| {
        (entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>(), next.to_owned())
    };
    assert_eq!(
        pages(&mut client, "delimiter=/&max-keys=3"),
        [page(&["d1/", "d2/", "d3/"], "d3/"), page(&["d4/", "x1", "x2"], "")]
    );
    assert_eq!(
        pages(&mut client, "max-keys=3"),
        [
            page(&["d1/a", "d1/b", "d2/a"], "d2/a"),
            page(&["d3/a", "d3/b", "d4/x"], "d4/x"),
            page(&["x1", "x2"], "")
        ]
    );
    assert_eq!(
        pages(&mut client, "prefix=d&delimiter=%2F&max-keys=2&encoding-type=url"),
        [page(&["d1/", "d2/"], "d2/"), page(&["d3/", "d4/"], "")]
    );
    assert_eq!(pages(&mut client, "prefix=d3/&delimiter=/"), [page(&["d3/a", "d3/b"], "")]);
    assert_eq!(pages(&mut client, "prefix=no"), [page(&[], "")]);
    // Every page size gives the same names.
    let all: Vec<String> = pages(&mut client, "delimiter=/").remove(0).0;
    for max in 1..=7 {
        let pages = pages(&mut client, &format!("delimiter=/&max-keys={max}"));
        let names: Vec<_> = pages.into_iter().flat_map(|(entries, _)| entries).collect();
        assert_eq!(names, all, "max-keys={max}");
    }
}

#[test]
fn a_directory_marker_is_a_key_below_its_own_prefix() {
    let mut client = filled(&["dir/", "dir/a", "dir/sub/x"]);
    let got = client.get("/?prefix=dir/&delimiter=/");
    assert_eq!(got.elements("Key"), ["dir/", "dir/a"]);
    assert!(got.text().contains("<CommonPrefixes><Prefix>dir/sub/</Prefix></CommonPrefixes>"));
    let got = client.get("/?prefix=dir/&delimiter=/&marker=dir/");
    assert_eq!(got.elements("Key"), ["dir/a"]);
}

#[test]
fn names_are_encoded_when_asked() {
    let mut client = filled(&["照片/a b+%&.txt", "照片/ctl\u{1}", "照片/sub dir/x"]);
    let prefix = "%E7%85%A7%E7%89%87/";
    let target = format!("/?prefix={prefix}&delimiter=%2F&encoding-type=url&max-keys=2");
    let got = client.get(&target);
    assert_eq!(got.element("EncodingType"), "url");
    assert_eq!(got.element("Prefix"), prefix);
    assert_eq!(got.element("Delimiter"), "/");
    let keys = [format!("{prefix}a%20b%2B%25%26.txt"), format!("{prefix}ctl%01")];
    assert_eq!(got.elements("Key"), keys);
    assert_eq!(got.element("NextMarker"), keys[1]);
    let got = client.get(&format!("{target}&marker={}", keys[1]));
    assert_eq!(got.element("Marker"), keys[1]);
    assert!(got.text().contains("<Prefix>%E7%85%A7%E7%89%87/sub%20dir/</Prefix>"));
    // A plus in a query is a space.
    let got = client.get(&format!("/?prefix={prefix}a+b"));
    assert_eq!(got.elements("Key").len(), 1);
}

#[test]
fn parameters_are_checked_and_empty_ones_ignored() {
    let mut client = filled(&["a", "b"]);
    for (query, outcome) in [
        ("marker=&delimiter=&prefix=&max-keys=&encoding-type=", "200"),
        ("max-keys=1000", "200"),
        ("max-keys=1001", "400 InvalidArgument"),
        ("max-keys=-1", "400 InvalidArgument"),
        ("max-keys=x", "400 InvalidArgument"),
        ("encoding-type=base64", "400 InvalidArgument"),
        ("unknown=1", "200"),
    ] {
        assert_eq!(client.get(&format!("/?{query}")).outcome(), outcome, "{query}");
    }
    let none = client.get("/?max-keys=0");
    assert_eq!((none.elements("Key").len(), none.element("IsTruncated")), (0, "false".into()));
}

#[test]
fn versions_are_listed_as_of_a_bucket_without_any() {
    let mut client = filled(&["a", "d/x"]);
    let got = client.get("/?versions&delimiter=/&max-keys=1");
    assert_eq!((got.element("VersionId"), got.element("IsLatest")), ("null".into(), "true".into()));
    let next = got.element("NextKeyMarker");
    assert_eq!(next, "a");
    let got = client.get(&format!("/?versions&delimiter=/&key-marker={next}"));
    assert!(got.text().contains("<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>"));
}

#[test]
fn uploads_are_listed_by_key_and_id() {
    let mut client = Client::new();
    let mut of_k = [client.initiate("dir/k"), client.initiate("dir/k")];
    of_k.sort();
    client.initiate("dir/sub/x");
    client.initiate("z%20z");
    let got = client.get("/?uploads");
    assert_eq!(got.element("Bucket"), BUCKET);
    assert_eq!(got.elements("Key"), ["dir/k", "dir/k", "dir/sub/x", "z z"]);
    assert_eq!(got.elements("UploadId")[..2], of_k[..]);
    assert_eq!(got.element("Initiated"), "2026-11-20T00:00:00.000Z");
    let got = client.get("/?uploads=&max-uploads=1&encoding-type=url&prefix=&delimiter=");
    assert_eq!(got.element("IsTruncated"), "true");
    assert_eq!(got.element("NextKeyMarker"), "dir/k");
    assert_eq!(got.element("NextUploadIdMarker"), of_k[0]);
    let after = format!("/?uploads&key-marker=dir%2Fk&upload-id-marker={}", of_k[0]);
    assert_eq!(client.get(&after).elements("Key"), ["dir/k", "dir/sub/x", "z z"]);
    // The key marker alone excludes its key; the id marker alone means nothing.
    let got = client.get("/?uploads&key-marker=dir/k");
    assert_eq!(got.elements("Key"), ["dir/sub/x", "z z"]);
    let got = client.get(&format!("/?uploads&upload-id-marker={}", of_k[0]));
    assert_eq!(got.elements("Key").len(), 4);
    let got = client.get("/?uploads&prefix=dir/&delimiter=/");
    assert_eq!(got.elements("Key"), ["dir/k", "dir/k"]);
    assert!(got.text().contains("<CommonPrefixes><Prefix>dir/sub/</Prefix></CommonPrefixes>"));
    let got = client.get("/?uploads&prefix=z&encoding-type=url");
    assert_eq!(got.element("Key"), "z%20z");
    for query in ["max-uploads=0", "max-uploads=1001", "max-uploads=x", "encoding-type=x"] {
        let got = client.get(&format!("/?uploads&{query}"));
        assert_eq!(got.outcome(), "400 InvalidArgument", "{query}");
    }
}

#[test]
fn lists_lag_but_reads_do_not() {
    let lag = Duration::from_secs(60);
    let mut client = Client::with(Settings { list_lag: lag, ..Settings::default() });
    client.put("/k", b"1");
    let id = client.initiate("u");
    assert_eq!(client.get("/k").text(), "1");
    assert_eq!(client.get("/").elements("Key").len(), 0);
    assert_eq!(client.get("/?uploads").elements("Key").len(), 0);
    assert_eq!(client.emulator.open_uploads(), [(BUCKET.into(), "u".into(), id.clone())]);
    client.emulator.advance(lag);
    assert_eq!(client.get("/").elements("Key"), ["k"]);
    assert_eq!(client.get("/?uploads").elements("Key"), ["u"]);
    client.now += 60;
    client.send("DELETE", "/k", &[], b"");
    client.send("DELETE", &format!("/u?uploadId={id}"), &[], b"");
    assert_eq!(client.get("/k").status, 404);
    assert_eq!(client.get("/").elements("Key"), ["k"]);
    assert_eq!(client.get("/?uploads").elements("Key"), ["u"]);
    client.emulator.advance(lag);
    client.now += 60;
    assert_eq!(client.get("/").elements("Key").len(), 0);
    assert_eq!(client.get("/?uploads").elements("Key").len(), 0);
}

#[test]
fn the_list_of_uploads_may_lag_differently() {
    let seconds = Duration::from_secs;
    let mut client = Client::with(Settings { list_lag: seconds(60), ..Settings::default() });
    client.emulator.set_uploads_lag(seconds(10));
    client.put("/k", b"1");
    client.initiate("u");
    client.emulator.advance(seconds(10));
    assert_eq!(client.get("/").elements("Key").len(), 0);
    assert_eq!(client.get("/?uploads").elements("Key"), ["u"]);
    client.emulator.set_uploads_lag(seconds(60));
    client.initiate("v");
    client.emulator.advance(seconds(50));
    assert_eq!(client.get("/").elements("Key"), ["k"]);
    assert_eq!(client.get("/?uploads").elements("Key"), ["u"]);
}

#[test]
fn pages_may_hold_less_than_was_asked_for() {
    let mut client = Client::with(Settings { page_entries_max: 2, ..Settings::default() });
    for key in ["a", "b", "c"] {
        client.put(&format!("/{key}"), b"1");
        client.initiate(key);
    }
    let got = client.get("/?max-keys=3");
    assert_eq!(got.elements("Key"), ["a", "b"]);
    assert_eq!((got.element("MaxKeys"), got.element("NextMarker")), ("3".into(), "b".into()));
    assert_eq!(client.get("/?marker=b").element("IsTruncated"), "false");
    let got = client.get("/?uploads");
    assert_eq!((got.elements("Key").len(), got.element("IsTruncated")), (2, "true".into()));
}
