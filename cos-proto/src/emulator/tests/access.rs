//! Addresses, signatures and rights.

use super::*;

#[test]
fn the_bucket_is_the_first_label_whatever_follows() {
    let mut client = Client::with(Settings {
        buckets: vec!["first-1".to_owned(), BUCKET.to_owned()],
        ..Settings::default()
    });
    client.emulator.put_raw("first-1", "k", "first".to_owned());
    client.emulator.put_raw(BUCKET, "k", "example".to_owned());
    for (host, expected) in [
        (HOST, "example"),
        ("EXAMPLEBUCKET-1250000000.cos.x", "example"),
        ("examplebucket-1250000000.localhost:8080", "example"),
        ("examplebucket-1250000000", "example"),
        ("first-1.cos.ap-guangzhou.tencentcos.cn", "first"),
        ("127.0.0.1", "first"),
        ("127.0.0.1:9000", "first"),
        ("[::1]:9000", "first"),
        ("localhost", "first"),
        ("localhost:9000", "first"),
    ] {
        client.host = host.to_owned();
        let got = client.get("/k");
        assert_eq!(got.text(), expected, "{host}");
    }
    for (host, target, outcome) in [
        ("unknown-1.cos.ap-x.myqcloud.com", "/k", "404 NoSuchBucket"),
        ("cos.ap-x.myqcloud.com", "/first-1/k", "403 PathStyleDomainForbidden"),
        ("service.cos.myqcloud.com", "/first-1/k", "403 PathStyleDomainForbidden"),
        ("cos.ap-x.myqcloud.com", "/", "200"),
        ("service.cos.myqcloud.com", "/", "200"),
    ] {
        client.host = host.to_owned();
        assert_eq!(client.get(target).outcome(), outcome, "{host}{target}");
    }
}

#[test]
fn a_proxys_target_says_the_host() {
    let mut client = Client::new();
    client.emulator.put_raw(BUCKET, "a/./b", "x".to_owned());
    assert_eq!(client.get(&format!("http://{HOST}/a/./b")).text(), "x");
    assert_eq!(client.get(&format!("http://{HOST}?prefix=a")).elements("Key"), ["a/./b"]);
    // It goes before the Host header, and stands in for one.
    let mut head = client.head("GET", &format!("http://{HOST}/a/./b"), &[], b"");
    let authorization = client.sign(&head);
    head.headers.insert("authorization", authorization.parse().unwrap());
    head.headers.insert("host", "proxy.example:3128".parse().unwrap());
    assert_eq!(client.deliver(&head, b"").text(), "x");
    head.headers.remove("host");
    assert_eq!(client.deliver(&head, b"").text(), "x");
}

#[test]
fn the_host_is_verified_with_and_without_its_port() {
    let mut client = Client::new();
    client.emulator.put_raw(BUCKET, "k", "x".to_owned());
    let with_port = format!("{HOST}:8080");
    client.host.clone_from(&with_port);
    assert_eq!(client.get("/k").text(), "x");
    // Signed without, sent with.
    client.host = HOST.to_owned();
    let mut head = client.head("GET", "/k", &[], b"");
    let authorization = client.sign(&head);
    head.headers.insert("authorization", authorization.parse().unwrap());
    head.headers.insert("host", with_port.parse().unwrap());
    assert_eq!(client.deliver(&head, b"").text(), "x");
    head.headers.insert("host", format!("{BUCKET}.other:8080").parse().unwrap());
    assert_eq!(client.deliver(&head, b"").outcome(), "403 SignatureDoesNotMatch");
}

type Change = fn(&mut Client);

#[test]
fn refused_signatures_say_why() {
    let mut client = Client::new();
    let cases: [(&str, Change); 4] = [
        ("403 InvalidAccessKeyId", |client| {
            client.credentials = Credentials::new("unknown", "x");
        }),
        ("403 SignatureDoesNotMatch", |client| {
            client.credentials = Credentials::new("AKIDEMULATOR", "wrong");
        }),
        ("403 AccessDenied", |client| {
            client.emulator.advance(std::time::Duration::from_secs(601));
        }),
        ("403 RequestTimeTooSkewed", |client| {
            *client = Client::with(Settings { skew_seconds: -3600, ..Settings::default() });
        }),
    ];
    for (outcome, change) in cases {
        change(&mut client);
        let got = client.get("/k");
        assert_eq!(got.outcome(), outcome);
        match got.element("Code").as_str() {
            "AccessDenied" => assert_eq!(got.element("Message"), "Request has expired"),
            "SignatureDoesNotMatch" => {
                let format_string = format!("get\n/k\n\nhost={HOST}\n");
                assert_eq!(got.element("FormatString"), format_string);
                let signed = got.element("StringToSign");
                assert_eq!(signed.lines().next(), Some("sha1"));
                let text = got.text();
                assert!(text.find("FormatString") < text.find("<Resource>"));
            }
            "RequestTimeTooSkewed" => {
                // The answer's date is what a client corrects its clock by.
                assert_eq!(got.header("date"), "Thu, 19 Nov 2026 23:00:00 GMT");
            }
            _ => {}
        }
        assert_eq!(client.send("HEAD", "/k", &[], b"").status, 403);
        client = Client::new();
    }
    let head = client.head("GET", "/k", &[("authorization", "Basic eDp5")], b"");
    assert_eq!(client.deliver(&head, b"").outcome(), "400 InvalidArgument");
}

#[test]
fn headers_with_underscores_never_arrive() {
    let mut client = Client::new();
    let mut head = client.head("GET", "/k", &[("x-cos-meta-a_b", "1")], b"");
    let authorization = client.sign(&head).replace("list=host", "list=host;x-cos-meta-a_b");
    head.headers.insert("authorization", authorization.parse().unwrap());
    assert_eq!(client.deliver(&head, b"").outcome(), "403 SignatureDoesNotMatch");
    client.send("PUT", "/k", &[("x-cos-meta-a_b", "1"), ("x-cos-meta-c", "2")], b"");
    let got = client.get("/k");
    assert_eq!((got.header("x-cos-meta-a_b"), got.header("x-cos-meta-c")), ("", "2"));
}

#[test]
fn strangers_may_do_what_the_rights_say() {
    let mut client = Client::new();
    client.put("/private", b"x");
    client.send("PUT", "/public", &[("x-cos-acl", "public-read")], b"y");
    let requests = [
        ("GET", "/private"),
        ("GET", "/public"),
        ("HEAD", "/public"),
        ("GET", "/"),
        ("GET", "/no"),
        ("PUT", "/new"),
        ("GET", "/public?acl"),
        ("DELETE", "/new"),
        ("PUT", "/?acl"),
    ];
    for (acl, expected) in [
        ("private", [403, 200, 200, 403, 403, 403, 403, 403, 403]),
        ("public-read", [200, 200, 200, 200, 404, 403, 403, 403, 403]),
        ("public-read-write", [200, 200, 200, 200, 404, 200, 403, 204, 403]),
        ("authenticated-read", [403, 200, 200, 403, 403, 403, 403, 403, 403]),
    ] {
        assert_eq!(client.send("PUT", "/?acl", &[("x-cos-acl", acl)], b"").status, 200);
        let statuses = requests.map(|(method, target)| client.unsigned(method, target).status);
        assert_eq!(statuses, expected, "{acl}");
    }
    // An object's own right goes before its bucket's.
    client.send("PUT", "/?acl", &[("x-cos-acl", "public-read")], b"");
    client.send("PUT", "/private?acl", &[("x-cos-acl", "private")], b"");
    assert_eq!(client.unsigned("GET", "/private").outcome(), "403 AccessDenied");
}

#[test]
fn the_log_has_neither_signatures_nor_tokens() {
    let mut client = Client::new();
    client.unsigned("GET", "/k?q-sign-algorithm=sha1&q-signature=abc&x-cos-security-token=tok&a=1");
    client.unsigned("GET", "/k?sign=q-sign-algorithm%3Dsha1");
    client.get("/a%20b?versionId=null");
    let log = client.emulator.request_log();
    assert_eq!(
        log[0].query,
        "q-sign-algorithm=sha1&q-signature=redacted&x-cos-security-token=redacted&a=1"
    );
    assert_eq!(log[1].query, "sign=redacted");
    assert_eq!((log[2].path.as_str(), log[2].key.as_str()), ("/a%20b", "a b"));
    assert_eq!((log[2].status, log[2].code.as_deref()), (404, Some("NoSuchKey")));
    assert_eq!(log[2].call, Some(crate::CallKind::GetObject));
    assert!(!format!("{:?}", client.emulator).contains("emulator-secret-key"));
    client.emulator.clear_log();
    assert!(client.emulator.request_log().is_empty());
}
