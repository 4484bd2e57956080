//! Presigned URLs, used by a plain HTTP client.

use std::time::Duration;

use cos_proto::{Credentials, Presign, api::ObjectOptions, emulator::Settings};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::{
    keys::begin,
    world::{BUCKET, World, content, key, session, url_of},
};

fn get() -> Presign {
    Presign::new(Method::GET, key("k"))
}

fn world() -> World {
    let mut world = World::new();
    let options = ObjectOptions::new().metadata("a", "b").unwrap().content_type("a/b").unwrap();
    world.put("k", options, content(1000));
    world
}

#[test]
fn get_and_head_are_signed_each_for_itself() {
    let mut world = world();
    for method in [Method::GET, Method::HEAD] {
        let got = world.presigned(&Presign::new(method.clone(), key("k")), "");
        assert_eq!(got.status, 200);
        assert_eq!(got.header("content-length"), Some("1000"));
        assert_eq!(
            (got.header("x-cos-meta-a"), got.header("content-type")),
            (Some("b"), Some("a/b"))
        );
        assert_eq!(got.body, if method == Method::GET { content(1000) } else { vec![] });
    }
    let none = HeaderMap::new();
    for (signed, used) in [
        (Method::GET, Method::HEAD),
        (Method::HEAD, Method::GET),
        (Method::GET, Method::PUT),
        (Method::GET, Method::DELETE),
        (Method::PUT, Method::GET),
    ] {
        let presign = Presign::new(signed.clone(), key("k"));
        let url = world.session.presign(world.now().unix, &presign).unwrap();
        let got = world.http(&used, url.as_str(), &none, "");
        assert_eq!(got.status, 403, "{signed} used for {used}");
    }
    assert_eq!(world.content("k"), content(1000));
}

#[test]
fn a_url_is_for_its_own_key_query_and_host_only() {
    let mut world = world();
    world.put("other", ObjectOptions::new(), "other".to_owned());
    let presign = get().query("response-content-type", "c/d");
    let url = world.session.presign(world.now().unix, &presign).unwrap();
    let none = HeaderMap::new();
    assert_eq!(
        world.http(&Method::GET, url.as_str(), &none, "").header("content-type"),
        Some("c/d")
    );
    for (from, to) in [
        ("/k?", "/other?"),
        ("c%2Fd", "e%2Ff"),
        ("q-ak=AKID", "q-ak=AKIE"),
        ("examplebucket", "other"),
        ("q-signature=", "q-signature=0"),
    ] {
        let forged = url.as_str().replacen(from, to, 1);
        assert_ne!(forged, url.as_str());
        assert_eq!(world.http(&Method::GET, &forged, &none, "").status, 403, "{to}");
    }
}

#[test]
fn each_response_override_is_answered() {
    let mut world = world();
    for (parameter, header) in [
        ("response-content-type", "content-type"),
        ("response-content-language", "content-language"),
        ("response-expires", "expires"),
        ("response-cache-control", "cache-control"),
        ("response-content-disposition", "content-disposition"),
        ("response-content-encoding", "content-encoding"),
    ] {
        let value = "a b; c=\"1+1&2%\"";
        let got = world.presigned(&get().query(parameter, value), "");
        assert_eq!((got.status, got.header(header)), (200, Some(value)), "{parameter}");
        // Without a signature they are refused even where everyone may read.
        let url = format!("{}?{parameter}=x", url_of("k"));
        assert_ne!(world.http(&Method::GET, &url, &HeaderMap::new(), "").status, 200);
    }
}

#[test]
fn ranges_versions_and_limits_pass_through() {
    let mut world = world();
    let range = (HeaderName::from_static("range"), HeaderValue::from_static("bytes=10-19"));
    let got = world.presigned(&get().header(range.0.clone(), range.1.clone()), "");
    assert_eq!((got.status, &got.body[..]), (206, &content(1000)[10..20]));
    // A signed header must come as it was signed.
    let url = world.session.presign(world.now().unix, &get().header(range.0, range.1)).unwrap();
    let got = world.http(&Method::GET, url.as_str(), &HeaderMap::new(), "");
    assert_eq!(got.outcome(), "403 SignatureDoesNotMatch");
    for (name, value, outcome) in [
        ("versionId", "null", "200"),
        ("versionId", "MTg0", "404 NoSuchVersion"),
        ("x-cos-traffic-limit", "819200", "200"),
        ("x-cos-traffic-limit", "1", "400 InvalidArgument"),
    ] {
        let got = world.presigned(&get().query(name, value), "");
        let seen = if got.status == 200 { "200".to_owned() } else { got.outcome() };
        assert_eq!(seen, outcome, "{name}={value}");
    }
}

#[test]
fn a_put_stores_with_its_signed_headers_and_not_without_them() {
    let mut world = World::new();
    let headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("x-cos-meta-a", "b c+d"),
        ("x-cos-acl", "public-read"),
        ("x-cos-storage-class", "STANDARD_IA"),
        ("x-cos-tagging", "a=b%20c"),
        ("x-cos-server-side-encryption", "AES256"),
        ("x-cos-forbid-overwrite", "true"),
        ("content-md5", "XrY7u+Ae7tCTyyK7j1rNww=="),
    ];
    let presign = headers.iter().fold(Presign::new(Method::PUT, key("k")), |presign, (k, v)| {
        presign.header(HeaderName::from_static(k), HeaderValue::from_static(v))
    });
    for (left_out, _) in headers {
        let url = world.session.presign(world.now().unix, &presign).unwrap();
        let mut given = presign.headers.clone();
        given.remove(left_out);
        let got = world.http(&Method::PUT, url.as_str(), &given, "hello world");
        assert_eq!(got.outcome(), "403 SignatureDoesNotMatch", "{left_out}");
        given.insert(left_out, HeaderValue::from_static("other"));
        let got = world.http(&Method::PUT, url.as_str(), &given, "hello world");
        assert_eq!(got.outcome(), "403 SignatureDoesNotMatch", "{left_out}");
    }
    assert_eq!(world.presigned(&presign, "hello WORLD").outcome(), "400 BadDigest");
    assert!(world.emulator.keys(BUCKET).is_empty());
    assert_eq!(world.presigned(&presign, "hello world").outcome(), "200");
    assert_eq!(world.content("k"), "hello world");
    for (name, value) in &headers[..5] {
        assert_eq!(world.stored("k", name).as_deref(), Some(*value));
    }
    assert_eq!(world.stored("k", "x-cos-tagging").as_deref(), Some("a=b c"));
    assert_eq!(world.presigned(&presign, "hello world").outcome(), "409 FileAlreadyExists");
}

#[test]
fn a_whole_multipart_upload_goes_by_urls() {
    let mut world = World::new();
    let id = begin(&mut world, "k");
    let part = |number: &str| {
        Presign::new(Method::PUT, key("k"))
            .query("partNumber", number)
            .query("uploadId", id.as_str())
    };
    let body = "x".repeat(1024 * 1024);
    let tags: Vec<_> = [("1", &*body), ("2", "end")]
        .map(|(number, body)| world.presigned(&part(number), body))
        .iter()
        .map(|got| got.header("etag").unwrap().to_owned())
        .collect();
    let list = Presign::new(Method::GET, key("k")).query("uploadId", id.as_str());
    assert_eq!(world.presigned(&list, "").elements("PartNumber"), ["1", "2"]);
    // A URL for part 2 does not store part 3.
    let url = world.session.presign(world.now().unix, &part("2")).unwrap();
    let forged = url.as_str().replace("partNumber=2", "partNumber=3");
    assert_eq!(world.http(&Method::PUT, &forged, &HeaderMap::new(), "x").status, 403);
    let complete = Presign::new(Method::POST, key("k")).query("uploadId", id.as_str());
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>\
         <Part><PartNumber>2</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        tags[0], tags[1]
    );
    assert_eq!(world.presigned(&complete, &document).status, 200);
    assert_eq!(world.content("k"), format!("{body}end"));
    assert_eq!(world.presigned(&Presign::new(Method::DELETE, key("k")), "").status, 204);
    assert!(world.emulator.keys(BUCKET).is_empty());
}

#[test]
fn a_url_works_until_it_expires() {
    let mut world = world();
    let none = HeaderMap::new();
    for lifetime in [1, 60, 20 * 60, 7 * 24 * 3600] {
        let presign = get().expires(Duration::from_secs(lifetime));
        let url = world.session.presign(world.now().unix, &presign).unwrap();
        assert_eq!(url.expires(), world.now().unix + Duration::from_secs(lifetime));
        world.wait(Duration::from_secs(lifetime));
        assert_eq!(world.http(&Method::GET, url.as_str(), &none, "").status, 200, "{lifetime}");
        world.wait(Duration::from_secs(1));
        let got = world.http(&Method::GET, url.as_str(), &none, "");
        assert_eq!(got.outcome(), "403 AccessDenied", "{lifetime}");
        assert_eq!(got.elements("Message"), ["Request has expired"]);
    }
    let default = world.session.presign(world.now().unix, &get()).unwrap();
    assert_eq!(default.expires(), world.now().unix + Duration::from_secs(20 * 60));
}

#[test]
fn a_url_of_temporary_credentials_has_their_token_and_ends_with_them() {
    let end = World::new().now().unix + Duration::from_secs(600);
    let credentials = Credentials::new("AKIDt", "s").with_token("to+ken/=&%").expiring(end);
    let mut world = World::with(Settings { credentials: vec![credentials], ..Settings::default() });
    world.put("k", ObjectOptions::new(), content(10));
    let url = world.session.presign(world.now().unix, &get()).unwrap();
    assert_eq!(url.expires(), end);
    let none = HeaderMap::new();
    assert_eq!(world.http(&Method::GET, url.as_str(), &none, "").status, 200);
    for (from, to) in [
        ("x-cos-security-token=to", "x-cos-security-token=xx"),
        ("x-cos-security-token=", "x-cos-other="),
    ] {
        assert!(url.as_str().contains(from), "{url:?}");
        let forged = url.as_str().replace(from, to);
        assert_eq!(world.http(&Method::GET, &forged, &none, "").status, 403);
    }
    assert!(!format!("{url:?}").contains("security-token"), "{url:?}");
    world.wait(Duration::from_secs(600));
    assert_ne!(world.http(&Method::GET, url.as_str(), &none, "").status, 200);
    let error = world.session.presign(world.now().unix, &get()).unwrap_err();
    assert_eq!(error.kind(), &cos_proto::ErrorKind::Credentials);
}

#[test]
fn a_redirect_endpoint_is_named_and_signed_for() {
    let mut world = world();
    let credentials = Settings::default().credentials[0].clone();
    for host in [
        format!("https://{BUCKET}.cos.accelerate.myqcloud.com"),
        format!("http://{BUCKET}.cos.ap-guangzhou.tencentcos.cn"),
        format!("http://{BUCKET}.localhost:8080"),
        "http://127.0.0.1:9000".to_owned(),
    ] {
        world.session = session(BUCKET)
            .with_redirect(host.parse().unwrap())
            .with_credentials(credentials.clone());
        let url = world.session.presign(world.now().unix, &get()).unwrap();
        assert!(url.as_str().starts_with(&format!("{host}/k?")), "{}", url.as_str());
        let got = world.http(&Method::GET, url.as_str(), &HeaderMap::new(), "");
        assert_eq!((got.status, got.body), (200, content(1000).into()), "{host}");
        // The signature is for that host alone.
        let elsewhere = url.as_str().replace(&host, &format!("https://{BUCKET}.cos.elsewhere.net"));
        assert_eq!(world.http(&Method::GET, &elsewhere, &HeaderMap::new(), "").status, 403);
        // Requests of the driver itself still go to the bucket's own host.
        world.head("k").unwrap();
        let own = format!("{BUCKET}.cos.ap-guangzhou.myqcloud.com");
        assert_eq!(world.sent.last().unwrap().uri.host(), Some(&*own));
    }
}

#[test]
fn a_skewed_clock_that_the_session_has_learned_is_allowed_for() {
    let mut world = World::with(Settings { skew_seconds: 7200, ..Settings::default() });
    world.put("k", ObjectOptions::new(), content(10));
    assert_eq!(world.session.skew(), 7200);
    assert_eq!(world.presigned(&get(), "").status, 200);
}
