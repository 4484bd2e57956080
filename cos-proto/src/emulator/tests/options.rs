//! What an object carries: headers, metadata, class, tags, rights, encryption.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

#[test]
fn headers_and_metadata_come_back() {
    let mut client = Client::new();
    let headers = [
        ("content-type", "text/plain"),
        ("cache-control", "max-age=1"),
        ("content-disposition", "attachment; filename=照片"),
        ("content-encoding", "identity"),
        ("content-language", "de"),
        ("expires", "Fri, 20 Nov 2026 00:00:00 GMT"),
        ("x-cos-meta-a", "1"),
        ("x-cos-meta-b-c", "照片 %+"),
        ("x-cos-storage-class", "STANDARD_IA"),
    ];
    client.send("PUT", "/k", &headers, b"x");
    for method in ["GET", "HEAD"] {
        let got = client.send(method, "/k", &[], b"");
        for (name, value) in headers {
            assert_eq!(got.headers[name].as_bytes(), value.as_bytes(), "{method} {name}");
        }
    }
    // An empty header is none, as Node sends them.
    client.send("PUT", "/e", &[("cache-control", ""), ("content-type", "")], b"");
    let got = client.get("/e");
    assert!(!got.headers.contains_key("cache-control"));
    assert_eq!(got.header("content-type"), "application/octet-stream");
}

#[test]
fn limits_and_unknown_values_are_refused() {
    let mut client = Client::new();
    let fits = "v".repeat(2047);
    let too_much = "v".repeat(2048);
    let tags = |count: usize| (0..count).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
    let (ten, eleven) = (tags(10), tags(11));
    for (name, value, outcome) in [
        ("x-cos-meta-a", fits.as_str(), "200"),
        ("x-cos-meta-a", too_much.as_str(), "400 InvalidArgument"),
        ("x-cos-storage-class", "MAZ_STANDARD", "200"),
        ("x-cos-storage-class", "standard", "400 NotSupportedStorageClass"),
        ("x-cos-acl", "default", "200"),
        ("x-cos-acl", "public", "400 InvalidArgument"),
        ("x-cos-grant-read", "id=\"100\",id=\"200\"", "200"),
        ("x-cos-grant-read", "100", "400 InvalidArgument"),
        ("x-cos-tagging", ten.as_str(), "200"),
        ("x-cos-tagging", eleven.as_str(), "400 InvalidTag"),
        ("x-cos-tagging", "a=1&a=2", "400 InvalidTag"),
        ("x-cos-tagging", "=1", "400 InvalidTag"),
        ("x-cos-traffic-limit", "819200", "200"),
        ("x-cos-traffic-limit", "838860800", "200"),
        ("x-cos-traffic-limit", "819199", "400 InvalidArgument"),
        ("x-cos-traffic-limit", "838860801", "400 InvalidArgument"),
        ("x-cos-traffic-limit", "fast", "400 InvalidArgument"),
        ("x-cos-server-side-encryption", "AES128", "400 InvalidArgument"),
    ] {
        let got = client.send("PUT", "/k", &[(name, value)], b"");
        assert_eq!(got.outcome(), outcome, "{name}: {value}");
    }
    assert_eq!(client.get("/k?x-cos-traffic-limit=1").outcome(), "400 InvalidArgument");
}

#[test]
fn tags_are_kept_replaced_and_removed() {
    let mut client = Client::new();
    client.send("PUT", "/k", &[("x-cos-tagging", "a%26=1&b=%E7%85%A7")], b"");
    let got = client.get("/k?tagging");
    assert_eq!(got.elements("Key"), ["a&", "b"]);
    assert_eq!(got.elements("Value"), ["1", "照"]);
    assert_eq!(client.get("/k").header("x-cos-tagging-count"), "2");
    let body = "<Tagging><TagSet><Tag><Key>c</Key><Value>&lt;</Value></Tag></TagSet></Tagging>";
    assert_eq!(client.send("PUT", "/k?tagging", &[], body.as_bytes()).status, 200);
    assert_eq!(client.get("/k?tagging").elements("Value"), ["<"]);
    assert_eq!(client.send("PUT", "/k?tagging", &[], b"<Tagging/>").outcome(), "400 MalformedXML");
    assert_eq!(client.send("DELETE", "/k?tagging", &[], b"").status, 204);
    assert_eq!(client.get("/k?tagging").outcome(), "404 NoSuchTagSet");
    assert_eq!(client.get("/no?tagging").outcome(), "404 NoSuchKey");
}

#[test]
fn rights_are_kept_and_shown() {
    let mut client = Client::new();
    client.put("/k", b"x");
    let got = client.get("/k?acl");
    assert_eq!(got.header("x-cos-acl"), "default");
    assert_eq!(got.element("Permission"), "FULL_CONTROL");
    assert_eq!(got.element("ID"), "qcs::cam::uin/1250000000:uin/1250000000");
    client.send("PUT", "/k?acl", &[("x-cos-acl", "public-read")], b"");
    let got = client.get("/k?acl");
    assert_eq!(got.elements("Permission"), ["FULL_CONTROL", "READ"]);
    assert_eq!(got.element("URI"), "http://cam.qcloud.com/groups/global/AllUsers");
    let body = "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant>\
        <Grantee xmlns:xsi=\"x\" xsi:type=\"CanonicalUser\"><ID>7</ID></Grantee>\
        <Permission>WRITE</Permission></Grant></AccessControlList></AccessControlPolicy>";
    assert_eq!(client.send("PUT", "/k?acl", &[], body.as_bytes()).status, 200);
    let got = client.get("/k?acl");
    assert_eq!(got.elements("Permission"), ["FULL_CONTROL", "WRITE"]);
    assert_eq!(got.header("x-cos-acl"), "private");
    assert_eq!(client.send("PUT", "/k?acl", &[], b"").outcome(), "400 MalformedXML");
    // The bucket has its own.
    assert_eq!(client.get("/?acl").header("x-cos-acl"), "private");
    assert_eq!(client.send("PUT", "/?acl", &[("x-cos-acl", "public-read")], b"").status, 200);
    assert_eq!(client.get("/?acl").header("x-cos-acl"), "public-read");
}

#[test]
fn encryption_by_the_service_is_echoed() {
    let mut client = Client::new();
    let sse = "x-cos-server-side-encryption";
    let put = client.send("PUT", "/cos", &[(sse, "AES256")], b"x");
    assert_eq!(put.header(sse), "AES256");
    assert_eq!(put.header("etag").trim_matches('"'), hex::encode(Md5::digest(b"x")));
    assert_eq!(client.send("HEAD", "/cos", &[], b"").header(sse), "AES256");

    let context = BASE64_STANDARD.encode("{\"a\":1}");
    let key_id = "x-cos-server-side-encryption-cos-kms-key-id";
    let kms = [
        (sse, "cos/kms"),
        (key_id, "my-key"),
        ("x-cos-server-side-encryption-context", context.as_str()),
    ];
    let put = client.send("PUT", "/kms", &kms, b"x");
    assert_ne!(put.header("etag").trim_matches('"'), hex::encode(Md5::digest(b"x")));
    let got = client.get("/kms");
    assert_eq!((got.header(sse), got.header(key_id)), ("cos/kms", "my-key"));
    let stored = client.emulator.object(BUCKET, "kms").unwrap();
    assert_eq!(stored.headers["x-cos-server-side-encryption-context"], context);
    let bad = [(sse, "cos/kms"), ("x-cos-server-side-encryption-context", "{}")];
    assert_eq!(client.send("PUT", "/kms", &bad, b"x").outcome(), "400 InvalidArgument");
}

const ALGORITHM: &str = "x-cos-server-side-encryption-customer-algorithm";
const KEY: &str = "x-cos-server-side-encryption-customer-key";
const KEY_MD5: &str = "x-cos-server-side-encryption-customer-key-MD5";

#[test]
fn a_customers_key_is_checked_and_needed() {
    let mut client = Client::new();
    let key = |byte: u8| (BASE64_STANDARD.encode([byte; 32]), md5_base64(&[byte; 32]));
    let ((k1, m1), (k2, m2)) = (key(1), key(2));
    let right = [(ALGORITHM, "AES256"), (KEY, k1.as_str()), (KEY_MD5, m1.as_str())];
    let wrong = [(ALGORITHM, "AES256"), (KEY, k2.as_str()), (KEY_MD5, m2.as_str())];
    let put = client.send("PUT", "/k", &right, b"x");
    assert_eq!(put.header(KEY_MD5), m1);
    assert!(!put.headers.contains_key(KEY));
    assert_ne!(put.header("etag").trim_matches('"'), hex::encode(Md5::digest(b"x")));
    assert_eq!(client.send("GET", "/k", &right, b"").text(), "x");
    assert_eq!(client.get("/k").outcome(), "400 InvalidRequest");
    assert_eq!(client.send("GET", "/k", &wrong, b"").outcome(), "403 AccessDenied");
    assert_eq!(client.send("HEAD", "/k", &[], b"").status, 400);
    client.put("/plain", b"x");
    assert_eq!(client.send("GET", "/plain", &right, b"").outcome(), "400 InvalidRequest");
    let short = BASE64_STANDARD.encode([1; 16]);
    for bad in [
        vec![(ALGORITHM, "AES256")],
        vec![(ALGORITHM, "DES"), (KEY, k1.as_str()), (KEY_MD5, m1.as_str())],
        vec![(ALGORITHM, "AES256"), (KEY, k1.as_str()), (KEY_MD5, m2.as_str())],
        vec![(ALGORITHM, "AES256"), (KEY, short.as_str()), (KEY_MD5, m1.as_str())],
    ] {
        let got = client.send("PUT", "/bad", &bad, b"x");
        assert_eq!(got.outcome(), "400 InvalidArgument", "{bad:?}");
    }
    // Parts need it, and so does the source of a copy.
    let id = client.send("POST", "/m?uploads", &right, b"").element("UploadId");
    let target = format!("/m?partNumber=1&uploadId={id}");
    assert_eq!(client.put(&target, b"x").outcome(), "400 InvalidRequest");
    assert_eq!(client.send("PUT", &target, &wrong, b"x").outcome(), "403 AccessDenied");
    let part = client.send("PUT", &target, &right, b"x");
    assert_eq!(part.header(KEY_MD5), m1);
    let source = format!("{HOST}/k");
    let from = [("x-cos-copy-source", source.as_str())];
    assert_eq!(client.send("PUT", "/c", &from, b"").outcome(), "400 InvalidRequest");
    let with_key = [
        from[0],
        ("x-cos-copy-source-server-side-encryption-customer-algorithm", "AES256"),
        ("x-cos-copy-source-server-side-encryption-customer-key", k1.as_str()),
        ("x-cos-copy-source-server-side-encryption-customer-key-md5", m1.as_str()),
    ];
    assert_eq!(client.send("PUT", "/c", &with_key, b"").outcome(), "200");
    // The copy is not encrypted, since nothing asked for it.
    assert_eq!(client.get("/c").text(), "x");
}

#[test]
fn a_customers_key_can_be_bound_to_tls() {
    let mut client =
        Client::with(Settings { sse_c: SseCTransport::TlsOnly, ..Settings::default() });
    let (key, md5) = (BASE64_STANDARD.encode([1; 32]), md5_base64(&[1; 32]));
    let headers = [(ALGORITHM, "AES256"), (KEY, key.as_str()), (KEY_MD5, md5.as_str())];
    assert_eq!(client.send("PUT", "/k", &headers, b"x").outcome(), "400 InvalidRequest");
    let mut head = client.head("PUT", "/k", &headers, b"x");
    let authorization = client.sign(&head);
    head.headers.insert("authorization", authorization.parse().unwrap());
    head.extensions.insert(OverTls);
    assert_eq!(client.deliver(&head, b"x").status, 200);
}
