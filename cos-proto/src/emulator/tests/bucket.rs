//! The service, buckets, and deletion in batches.

use super::*;

#[test]
fn buckets_are_made_listed_and_deleted() {
    let mut client = Client::new();
    client.host = "new-1250000000.cos.ap-guangzhou.myqcloud.com".to_owned();
    assert_eq!(client.send("HEAD", "/", &[], b"").status, 404);
    assert_eq!(client.get("/").outcome(), "404 NoSuchBucket");
    assert_eq!(client.put("/", b"").outcome(), "200");
    assert_eq!(client.put("/", b"").outcome(), "409 BucketAlreadyOwnedByYou");
    let head = client.send("HEAD", "/", &[], b"");
    assert_eq!((head.status, head.header("x-cos-bucket-region")), (200, "ap-guangzhou"));
    client.put("/k", b"x");
    assert_eq!(client.send("DELETE", "/", &[], b"").outcome(), "409 BucketNotEmpty");
    client.host = "service.cos.myqcloud.com".to_owned();
    let got = client.get("/");
    assert_eq!(got.elements("Name"), [BUCKET, "new-1250000000"]);
    assert_eq!(got.element("Location"), "ap-guangzhou");
    assert_eq!(got.elements("CreationDate")[1], "2026-11-20T00:00:00.000Z");
    assert_eq!(client.unsigned("GET", "/").outcome(), "403 AccessDenied");
    assert_eq!(client.put("/", b"").outcome(), "405 MethodNotAllowed");
    client.host = "new-1250000000.cos.ap-guangzhou.myqcloud.com".to_owned();
    client.send("DELETE", "/k", &[], b"");
    let id = client.initiate("u");
    assert_eq!(client.send("DELETE", "/", &[], b"").outcome(), "409 BucketNotEmpty");
    client.send("DELETE", &format!("/u?uploadId={id}"), &[], b"");
    assert_eq!(client.send("DELETE", "/", &[], b"").status, 204);
    assert_eq!(client.send("DELETE", "/", &[], b"").outcome(), "404 NoSuchBucket");
    for host in ["noappid.cos.x", "a_b-1.cos.x", "-1.cos.x", "a-b.cos.x"] {
        client.host = host.to_owned();
        assert_eq!(client.put("/", b"").outcome(), "400 InvalidBucketName", "{host}");
    }
}

#[test]
fn what_was_never_configured_is_answered_so() {
    let mut client = Client::new();
    for (target, outcome) in [
        ("/?versioning", "200"),
        ("/?location", "200"),
        ("/?logging", "200"),
        ("/?cors", "404 NoSuchCORSConfiguration"),
        ("/?lifecycle", "404 NoSuchLifecycleConfiguration"),
        ("/?policy", "404 NoSuchBucketPolicy"),
        ("/?tagging", "404 NoSuchTagSet"),
        ("/?website", "404 NoSuchWebsiteConfiguration"),
        ("/?inventory", "404 NoSuchConfiguration"),
    ] {
        assert_eq!(client.get(target).outcome(), outcome, "{target}");
    }
    assert_eq!(client.get("/?location").element("LocationConstraint"), "ap-guangzhou");
    for (method, target) in [
        ("PUT", "/?versioning"),
        ("PUT", "/?lifecycle"),
        ("POST", "/"),
        ("POST", "/k"),
        ("PATCH", "/k"),
        ("PUT", "/k?symlink"),
        ("POST", "/k?select&select-type=2"),
        ("DELETE", "/?acl"),
        ("DELETE", "/k?acl"),
        ("DELETE", "/?uploads"),
    ] {
        let got = client.send(method, target, &[], b"");
        assert_eq!(got.outcome(), "405 MethodNotAllowed", "{method} {target}");
    }
    assert_eq!(client.send("DELETE", "/?cors", &[], b"").status, 204);
    assert_eq!(client.unsigned("OPTIONS", "/k").outcome(), "403 AccessForbidden");
    // The bucket is still there.
    assert_eq!(client.send("HEAD", "/", &[], b"").status, 200);
}

fn delete(client: &mut Client, body: &str) -> Got {
    let md5 = md5_base64(body.as_bytes());
    client.send("POST", "/?delete", &[("content-md5", &md5)], body.as_bytes())
}

fn keys(keys: impl IntoIterator<Item = String>) -> String {
    keys.into_iter()
        .fold(String::new(), |text, key| text + "<Object><Key>" + &key + "</Key></Object>")
}

#[test]
fn many_objects_are_deleted_at_once() {
    let mut client = Client::new();
    for key in ["a&b", "照片/1", "keep", "/lead", "v"] {
        client.emulator.put_raw(BUCKET, key, "x".to_owned());
    }
    let got = delete(
        &mut client,
        "<Delete><Quiet>false</Quiet><Object><Key>a&amp;b</Key></Object>\
         <Object><Key><![CDATA[照片]]>&#47;1</Key></Object><Object><Key>no</Key></Object>\
         <Object><Key>/lead</Key></Object>\
         <Object><Key>v</Key><VersionId>abc</VersionId></Object></Delete>",
    );
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.elements("Key"), ["a&b", "照片/1", "no", "/lead", "v"]);
    assert_eq!(got.elements("VersionId"), ["abc"]);
    assert_eq!(client.emulator.keys(BUCKET), ["/lead", "keep", "v"]);
    let got = delete(
        &mut client,
        "<?xml version=\"1.0\"?>\n<Delete>\n\t<Quiet>true</Quiet>\n\t<Object>\n\t\t<Key>keep</Key>\n\
         \t</Object>\n</Delete>\n",
    );
    assert!(got.text().ends_with("<DeleteResult></DeleteResult>"), "{}", got.text());
    assert_eq!(client.emulator.keys(BUCKET), ["/lead", "v"]);
}

#[test]
fn one_key_of_many_can_be_refused() {
    let mut client = Client::new();
    let body = "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object>\
        <Object><Key>b</Key></Object><Object><Key>c</Key></Object></Delete>";
    for (number, left) in [(0, "a"), (1, "b"), (5, "c")] {
        for key in ["/a", "/b", "/c"] {
            client.put(key, b"x");
        }
        client.emulator.inject(Fault::next(Effect::KeyRefused(number)));
        let got = delete(&mut client, body);
        assert_eq!(got.status, 200);
        assert_eq!(
            (got.elements("Key"), got.element("Code")),
            (vec![left.into()], "InternalError".into())
        );
        assert_eq!(client.emulator.keys(BUCKET), [left]);
        assert!(!delete(&mut client, body).text().contains("Error"));
        assert!(client.emulator.keys(BUCKET).is_empty());
    }
}

#[test]
fn a_batch_is_checked_before_anything_is_deleted() {
    let mut client = Client::new();
    client.emulator.put_raw(BUCKET, "k", "x".to_owned());
    let thousand = keys((0..1000).map(|n| n.to_string()));
    let too_many = keys((0..1001).map(|n| n.to_string()));
    for (body, outcome) in [
        (format!("<Delete>{thousand}</Delete>"), "200"),
        (format!("<Delete>{too_many}</Delete>"), "400 MalformedXML"),
        ("<Delete></Delete>".to_owned(), "400 MalformedXML"),
        ("<Delete><Object/></Delete>".to_owned(), "400 MalformedXML"),
        ("<Delete><Object><Key></Key></Object></Delete>".to_owned(), "400 MalformedXML"),
        (
            "<Delete><Quiet>x</Quiet><Object><Key>k</Key></Object></Delete>".into(),
            "400 MalformedXML",
        ),
        ("<Delete><Object><Key>k</Key></Object>".to_owned(), "400 MalformedXML"),
        ("<Other><Object><Key>k</Key></Object></Other>".to_owned(), "400 MalformedXML"),
        ("<Delete><Object><Key>&nope;</Key></Object></Delete>".to_owned(), "400 MalformedXML"),
        ("<!DOCTYPE x><Delete><Object><Key>k</Key></Object></Delete>".into(), "400 MalformedXML"),
        ("not xml".to_owned(), "400 MalformedXML"),
        (String::new(), "400 MalformedXML"),
        ("<a>".repeat(1000), "400 MalformedXML"),
        (" ".repeat(5 * MIB), "400 XMLSizeLimit"),
    ] {
        assert_eq!(delete(&mut client, &body).outcome(), outcome, "{body:.80}");
    }
    let body = b"<Delete><Object><Key>k</Key></Object></Delete>";
    let got = client.send("POST", "/?delete", &[], body);
    assert_eq!(got.outcome(), "400 InvalidRequest");
    assert_eq!(got.element("Message"), "Missing required header for this request: Content-MD5");
    let got = client.send("POST", "/?delete", &[("content-md5", &md5_base64(b"other"))], body);
    assert_eq!(got.outcome(), "400 BadDigest");
    assert_eq!(client.emulator.keys(BUCKET), ["k"]);
}
