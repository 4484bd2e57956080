use bytes::Bytes;
use http::{Method, Request, header};

use super::{signing::Attempt, *};
use crate::{Call, CallKind, ErrorKind, Key, Payload};

const START: i64 = 1_700_000_000;

fn at(offset: i64) -> UnixTime {
    UnixTime::from_secs(START + offset)
}

fn bare() -> Session {
    let bucket = Bucket::new("examplebucket-1250000000").expect("bucket");
    let region = Region::new("ap-guangzhou").expect("region");
    let endpoint = Endpoint::of(&bucket, &region, true);
    Session::new(bucket, region, endpoint)
}

fn session() -> Session {
    bare().with_credentials(Credentials::new("AKIDexample", "the-secret"))
}

fn temporary() -> Credentials {
    Credentials::new("AKIDtemporary", "the-secret").with_token("the-token")
}

fn key() -> Key {
    Key::new("a b/ü").expect("key")
}

fn put() -> Call {
    Call::new(CallKind::PutObject, Method::PUT, Some(key()))
}

fn attempt(session: &Session, offset: i64, call: Call) -> Attempt {
    let signing = session.signing(at(offset)).expect("credentials");
    session.sign(signing, call).expect("a short URI")
}

fn sign(session: &Session, offset: i64, call: Call) -> Request<Payload> {
    attempt(session, offset, call).request
}

/// The beginning and the end of the window in which a request is valid.
fn window(request: &Request<Payload>) -> (i64, i64) {
    let authorization = request.headers()[header::AUTHORIZATION].to_str().expect("ASCII");
    let field = |name: &str| {
        let found = authorization.split('&').find_map(|field| field.strip_prefix(name));
        found.expect("a field of the signature").to_owned()
    };
    assert_eq!(field("q-sign-time="), field("q-key-time="));
    let (start, end) = authorization
        .split('&')
        .find_map(|field| field.strip_prefix("q-sign-time=")?.split_once(';'))
        .expect("two times");
    (start.parse().expect("a time"), end.parse().expect("a time"))
}

#[test]
fn a_call_becomes_an_absolute_request_with_what_the_session_adds() {
    let session = session().with_user_agent("registry/3");
    let body = Payload::from(Bytes::from_static(b"abc"));
    let request = sign(&session, 0, put().query("uploads", "").query("x", "a b").body(body));
    assert_eq!(
        request.uri(),
        "https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/a%20b/%C3%BC?uploads&x=a%20b"
    );
    let header =
        |name: &str| request.headers().get(name).map(|value| value.to_str().expect("ASCII"));
    let host = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com";
    assert_eq!(header("host"), Some(host));
    assert_eq!(header("user-agent"), Some("registry/3"));
    assert_eq!(header("content-length"), Some("3"));
    assert_eq!(header("accept-encoding"), None);
    assert_eq!(header("x-cos-security-token"), None);
    assert!(header("authorization").is_some_and(|text| text.contains("q-ak=AKIDexample&")));
}

#[test]
fn the_length_of_an_empty_body_is_sent_where_a_body_is_expected() {
    for (method, length) in
        [(Method::PUT, Some("0")), (Method::POST, Some("0")), (Method::GET, None)]
    {
        let call = Call::new(CallKind::GetObject, method, Some(key()));
        let request = sign(&session(), 0, call);
        let sent = request.headers().get(header::CONTENT_LENGTH);
        assert_eq!(sent.map(|value| value.to_str().expect("ASCII")), length);
    }
}

#[test]
fn secrets_do_not_show_in_a_signed_request() {
    let session = bare().with_credentials(temporary());
    let request = sign(&session, 0, put());
    assert_eq!(request.headers()["x-cos-security-token"], "the-token");
    let shown = format!("{request:?} {session:?}");
    for secret in ["the-secret", "the-token", "q-signature"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn one_sign_key_serves_a_window_and_is_renewed_in_time() {
    let session = session();
    let first = window(&sign(&session, 0, put()));
    assert_eq!(window(&sign(&session, 100, put())), first);
    for offset in (0..20_000).step_by(97) {
        let (start, end) = window(&sign(&session, offset, put()));
        let now = START + offset;
        assert!(start <= now - 60, "a clock that is a little fast does no harm");
        assert!(end - now >= 600, "twice the deadline of a call is left at {offset}");
    }
    assert_ne!(window(&sign(&session, 20_000, put())), first);
}

#[test]
fn a_signature_lasts_twice_as_long_as_a_call_may() {
    let session = session().with_call_deadline(Duration::from_secs(7200));
    for offset in (0..40_000).step_by(977) {
        let (_, end) = window(&sign(&session, offset, put()));
        assert!(end - (START + offset) >= 14_400);
    }
}

#[test]
fn signatures_follow_the_services_clock() {
    let session = session();
    session.learn_skew(at(5000), at(0));
    assert_eq!(session.skew(), 5000);
    let (start, end) = window(&sign(&session, 0, put()));
    assert!((start..end).contains(&(START + 5000)) && start > START + 4000);
}

#[test]
fn other_credentials_get_another_sign_key_and_generation() {
    let session = session();
    let first = attempt(&session, 0, put());
    session.refresh(at(0), Ok(temporary())).expect("fresh");
    let second = attempt(&session, 0, put());
    assert_ne!(first.generation, second.generation);
    let authorization = |signed: &Attempt| signed.request.headers()[header::AUTHORIZATION].clone();
    assert_ne!(authorization(&first), authorization(&second));
    session.refresh(at(0), Ok(temporary())).expect("the same");
    let third = attempt(&session, 0, put());
    assert_eq!(third.generation, second.generation, "nothing has changed");
    assert!(!session.refuse(first.generation) && session.has_credentials(at(0)));
    assert!(session.refuse(second.generation) && !session.has_credentials(at(0)));
}

#[test]
fn a_failed_refresh_is_tolerated_while_the_credentials_work() {
    let failed = || Err(CredentialsFailed::new("busy"));
    let session = bare();
    assert!(session.refresh(at(0), failed()).is_err(), "there are none");
    session.refresh(at(0), Ok(temporary().expiring(at(3600)))).expect("fresh");
    assert!(session.has_credentials(at(3299)) && !session.has_credentials(at(3300)));
    session.refresh(at(3300), failed()).expect("tolerated");
    assert!(session.has_credentials(at(3300)), "for a while");
    assert!(!session.has_credentials(at(3310)));
    assert!(session.refresh(at(3600), failed()).is_err(), "they have expired");
}

#[test]
fn credentials_that_cannot_be_sent_are_a_failure_of_their_provider() {
    let session = bare();
    let failed = session.refresh(at(0), Ok(Credentials::new("AKID\u{e9}", "key")));
    assert!(failed.expect_err("not sent").to_string().contains("SecretId"));
    assert!(!session.has_credentials(at(0)));
    session.refresh(at(0), Ok(temporary().expiring(at(3600)))).expect("fresh");
    let tolerated = session.refresh(at(3300), Ok(Credentials::new("AKIDx", "odd key")));
    tolerated.expect("the old ones still work");
    assert!(!bare().with_credentials(Credentials::new("", "key")).has_credentials(at(0)));
}

#[test]
fn credentials_that_end_before_those_that_work_are_left_aside() {
    let current = |session: &Session| session.presign(at(0), &Presign::new(Method::GET, key()));
    let shows = |session: &Session, id: &str| {
        current(session).expect("url").as_str().contains(&format!("q-ak={id}&"))
    };
    let named = |id: &str| Credentials::new(id, "the-secret").with_token("the-token");
    let session = bare();
    session.refresh(at(0), Ok(named("newer").expiring(at(3600)))).expect("fresh");
    session.refresh(at(0), Ok(named("older").expiring(at(3599)))).expect("left aside");
    assert!(shows(&session, "newer") && session.has_credentials(at(3299)), "as it was");
    session.refresh(at(0), Ok(named("equal").expiring(at(3600)))).expect("fresh");
    assert!(shows(&session, "equal"));
    session.refresh(at(0), Ok(named("endless"))).expect("fresh");
    assert!(shows(&session, "endless"));
    session.refresh(at(10), Ok(named("expired").expiring(at(10)))).expect("left aside");
    assert!(shows(&session, "endless") && session.has_credentials(at(10)));
    session.refresh(at(10), Ok(named("rotated").expiring(at(7200)))).expect("fresh");
    assert!(shows(&session, "rotated"));

    // What the service has refused, or what has expired, is no reason to go on with it.
    let generation = attempt(&session, 10, put()).generation;
    assert!(session.refuse(generation));
    session.refresh(at(10), Ok(named("other").expiring(at(3600)))).expect("fresh");
    assert!(shows(&session, "other"));
    session.refresh(at(3600), Ok(named("skewed").expiring(at(3500)))).expect("tried");
    assert!(shows(&session, "skewed"));
}

#[test]
fn short_lived_credentials_are_not_replaced_before_half_their_life() {
    let session = bare();
    session.refresh(at(0), Ok(temporary().expiring(at(400)))).expect("fresh");
    assert!(session.has_credentials(at(199)) && !session.has_credentials(at(200)));
}

#[test]
fn a_presigned_url_lasts_no_longer_than_the_token() {
    let session = bare();
    let presign = Presign::new(Method::GET, key());
    let none = session.presign(at(0), &presign).expect_err("no credentials yet");
    assert_eq!(none.kind(), &ErrorKind::Credentials);
    session.refresh(at(0), Ok(temporary().expiring(at(900)))).expect("fresh");
    let url = session.presign(at(0), &presign).expect("url");
    assert_eq!(url.expires(), at(900));
    assert!(url.as_str().contains("x-cos-security-token=the-token"));
    let short = presign.clone().expires(Duration::from_secs(60));
    assert_eq!(session.presign(at(0), &short).expect("url").expires(), at(60));
    let expired = session.presign(at(900), &presign).expect_err("expired");
    assert_eq!(expired.kind(), &ErrorKind::Credentials);
    let shown = format!("{url:?}");
    assert!(!shown.contains("the-token") && !shown.contains("q-signature"), "{shown}");
}

#[test]
fn a_presigned_url_names_the_redirect_host_and_binds_the_method() {
    let redirect: Endpoint = "https://cdn.example.com".parse().expect("endpoint");
    let session = session().with_redirect(redirect);
    let url = |method| session.presign(at(0), &Presign::new(method, key())).expect("url");
    let (get, head) = (url(Method::GET), url(Method::HEAD));
    assert!(get.as_str().starts_with("https://cdn.example.com/a%20b/%C3%BC?"), "{get:?}");
    assert_ne!(get, head);
    assert_eq!(get.expires(), at(1200), "20 minutes");
}
