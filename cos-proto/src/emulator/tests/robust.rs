//! Whatever comes, an answer goes.

use super::{super::random::Random, *};

const TARGETS: &[&str] = &[
    "/",
    "//",
    "/k",
    "/k/",
    "*",
    "/%2F",
    "/?",
    "/?&",
    "/?=",
    "/k?&&=&",
    "/?uploads",
    "/?delete",
    "/?versions",
    "/?acl",
    "/k?acl",
    "/k?tagging",
    "/k?uploads",
    "/k?uploadId=x",
    "/k?append",
    "/k?append&position=99999999999999999999",
    "/k?restore",
    "/k?partNumber=1&uploadId=x",
    "/k?partNumber=99999&uploadId=x",
    "/?max-keys=99999999999999999999",
    "/?prefix=%ff",
    "/?marker=%F4%8F%BF%BF",
    "/?delimiter=kk",
    "/?sign=q-sign-algorithm",
    "/?q-ak=x",
    "/k?versionId=%00",
    "/%00",
    "/?uploads&key-marker=k&upload-id-marker=z",
    "http://x/k",
    "/k?response-content-type=%0a",
];
const METHODS: &[&str] = &["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"];
const HEADERS: &[(&str, &str)] = &[
    ("range", "bytes=99999999999999999999-"),
    ("range", "bytes=0-18446744073709551615"),
    ("range", "bytes=-18446744073709551615"),
    ("if-match", "\""),
    ("if-modified-since", "yesterday"),
    ("x-cos-copy-source", "/"),
    ("x-cos-copy-source", "examplebucket-1250000000.x/k?versionId"),
    ("x-cos-copy-source-range", "bytes=0-18446744073709551615"),
    ("x-cos-tagging", "%"),
    ("x-cos-grant-read", "id="),
    ("x-cos-acl", "\u{ff}"),
    ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("x-cos-server-side-encryption-customer-key", "x"),
    ("content-length", "-1"),
    ("host", "..."),
    ("host", ":"),
    ("host", "[::1"),
    ("authorization", "q-sign-algorithm=sha1&q-ak=AKIDEMULATOR&q-sign-time=;&q-key-time=;"),
];
const BODIES: &[&[u8]] = &[
    b"",
    b"x",
    b"<",
    b"<Delete>",
    b"<CompleteMultipartUpload><Part><PartNumber>70000</PartNumber>\
      <ETag>e</ETag></Part></CompleteMultipartUpload>",
    b"\xff\xfe",
    b"<a>&#0;</a>",
    b"<Delete><Object><Key>&#x110000;</Key></Object></Delete>",
];

#[test]
fn odd_requests_get_an_orderly_answer() {
    let mut client = Client::new();
    client.put("/k", b"0123456789");
    let mut random = Random::new(7);
    for round in 0..20_000_u64 {
        let mut pick = |count: usize| random.below(count as u64) as usize;
        let (method, target) = (METHODS[pick(METHODS.len())], TARGETS[pick(TARGETS.len())]);
        let headers: Vec<_> = (0..pick(4)).map(|_| HEADERS[pick(HEADERS.len())]).collect();
        let body = BODIES[pick(BODIES.len())];
        let got = match round % 4 {
            0 => {
                let head = client.head(method, target, &headers, body);
                client.deliver(&head, body)
            }
            _ => client.send(method, target, &headers, body),
        };
        assert!(got.status < 500, "{method} {target} {headers:?}: {}", got.text());
    }
}

#[test]
fn every_known_call_of_the_sdks_is_understood() {
    let file = include_str!("../../../tests/data/requests.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let credentials = Credentials::new(text(&file["secret_id"]), text(&file["secret_key"]));
    for capture in file["captures"].as_array().unwrap() {
        let settings = Settings {
            credentials: vec![credentials.clone().with_token("FAKEtoken+/=")],
            ..Settings::default()
        };
        let mut client = Client::with(settings);
        client.emulator.put_raw(BUCKET, "src 照片+1", "source".to_owned());
        client.emulator.put_raw(BUCKET, "src", vec![0; MIB]);
        let (method, target) = (text(&capture["method"]), text(&capture["target"]));
        let headers: Vec<(String, String)> = capture["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect();
        let start = headers.iter().find_map(|(name, value)| {
            let time = value.split("q-sign-time=").nth(1).filter(|_| name == "Authorization")?;
            time.split(';').next()?.parse::<i64>().ok()
        });
        client.now = start.unwrap() + 1;
        let (host, pairs): (Vec<_>, Vec<_>) =
            headers.iter().partition(|(name, _)| name.eq_ignore_ascii_case("host"));
        client.host.clone_from(&host[0].1);
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // Captured as bytes, written as characters.
        let body: Vec<u8> = text(&capture["body"]).chars().map(|c| c as u32 as u8).collect();
        let head = client.head(&method, &target, &pairs, &body);
        let got = client.deliver(&head, &body);
        let missing = ["/mp%20key?uploadId", "/mp%20key?partNumber", "/dst?partNumber"]
            .iter()
            .any(|prefix| target.starts_with(prefix));
        let absent = method == "GET" || method == "HEAD";
        let expected: &[u16] = match () {
            () if missing => &[404],
            () if absent && !target.starts_with("/?") && target != "/" => &[404],
            () => &[200, 204],
        };
        assert!(expected.contains(&got.status), "{method} {target}: {}", got.text());
    }
}
