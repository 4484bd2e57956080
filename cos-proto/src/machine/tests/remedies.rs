//! What helps at once: the service's clock, other credentials.

use super::*;
use crate::{CredentialsFailed, ErrorKind, error::Cause};

const HOUR: i64 = 3600;

fn dated(response: Response<Bytes>, offset: i64) -> Response<Bytes> {
    with_header(response, "date", &UnixTime::from_secs(START + offset).to_http_date())
}

fn silent(status: u16) -> Response<Bytes> {
    let mut response = ok();
    *response.status_mut() = StatusCode::from_u16(status).expect("status");
    response
}

fn head_call() -> Call {
    Call::new(CallKind::HeadObject, Method::HEAD, Some(Key::new("k").expect("key")))
}

fn temporary(name: &str) -> Credentials {
    Credentials::new(name, "secret").with_token("token")
}

fn signed_by(transmit: &Transmit, name: &str) -> bool {
    let authorization = transmit.request.headers()["authorization"].to_str().expect("ASCII");
    authorization.contains(&format!("q-ak={name}&"))
}

#[test]
fn a_skewed_clock_is_corrected_by_the_date_at_once_and_once() {
    for (code, message) in [("RequestTimeTooSkewed", ""), ("AccessDenied", "Request has expired")] {
        let mut rig = Rig::new(vec![call()]);
        let id = rig.send().id;
        rig.reply(id, dated(error_saying(403, code, message), HOUR));
        let again = rig.send();
        assert_eq!((again.attempt, rig.machine.session().skew()), (2, HOUR), "{code}");
        let authorization = again.request.headers()["authorization"].to_str().expect("ASCII");
        let start = (START + HOUR) / 300 * 300 - 300;
        assert!(authorization.contains(&format!("q-sign-time={start};")), "{authorization}");
        rig.reply(again.id, dated(error_saying(403, code, message), HOUR));
        assert_eq!(rig.error().code(), Some(code));
        assert!(!rig.error().maybe_done());
    }
}

#[test]
fn without_a_date_the_clock_cannot_be_corrected() {
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.reply(id, error(403, "RequestTimeTooSkewed"));
    assert_eq!(rig.error().code(), Some("RequestTimeTooSkewed"));
    assert_eq!(rig.machine.session().skew(), 0);
}

#[test]
fn one_machine_learns_the_skew_for_all() {
    let session = session();
    let mut one = Rig::with(vec![call()], session.clone(), Policy::default());
    let id = one.send().id;
    one.reply(id, dated(error(403, "RequestTimeTooSkewed"), -HOUR));
    assert_eq!(session.skew(), -HOUR);
    let mut other = Rig::with(vec![call()], session, Policy::default());
    assert_eq!(
        other.send().request.headers()["authorization"],
        one.send().request.headers()["authorization"]
    );
}

#[test]
fn a_silent_403_of_a_head_is_remedied_where_its_date_tells_of_a_skewed_clock() {
    let mut rig = Rig::new(vec![head_call()]);
    let id = rig.send().id;
    rig.reply(id, dated(silent(403), HOUR));
    let id = rig.send().id;
    assert_eq!(rig.machine.session().skew(), HOUR);
    rig.reply(id, dated(silent(403), HOUR));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied);

    let mut rig = Rig::new(vec![head_call()]);
    let id = rig.send().id;
    rig.reply(id, dated(silent(403), 20));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied, "the clock is right");
}

/// A writer opens by a GET and a HEAD at once: the GET's refusal corrects the clock for both.
#[test]
fn a_silent_403_is_judged_by_the_clock_that_the_attempt_was_signed_for() {
    let session = session();
    let mut head = Rig::with(vec![head_call()], session.clone(), Policy::default());
    let id = head.send().id;
    let mut other = Rig::with(vec![call()], session.clone(), Policy::default());
    let other_id = other.send().id;
    other.reply(other_id, dated(error(403, "RequestTimeTooSkewed"), HOUR));
    assert_eq!(session.skew(), HOUR);
    head.reply(id, dated(silent(403), HOUR));
    let again = head.send();
    head.reply(again.id, dated(silent(403), HOUR));
    assert_eq!(head.error().clone().into_error().kind(), &ErrorKind::Denied, "once");
}

#[test]
fn a_silent_403_of_a_head_asks_for_new_temporary_credentials_once() {
    let session = bare_session().with_credentials(temporary("old"));
    let mut rig = Rig::with(vec![head_call()], session, Policy::default());
    let id = rig.send().id;
    rig.reply(id, dated(silent(403), 0));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(temporary("new")));
    let again = rig.send();
    assert!(signed_by(&again, "new"));
    rig.reply(again.id, dated(silent(403), 0));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied);
}

#[test]
fn an_expired_token_asks_for_credentials_once() {
    for (status, code) in
        [(403, "ExpiredToken"), (400, "ExpiredToken"), (403, "InvalidAccessKeyId")]
    {
        let session = bare_session().with_credentials(temporary("old"));
        let mut rig = Rig::with(vec![call()], session, Policy::default());
        let id = rig.send().id;
        rig.reply(id, error(status, code));
        assert!(matches!(rig.poll(), Output::NeedCredentials));
        assert!(matches!(rig.poll(), Output::Wait(None)), "asked once per need");
        rig.machine.handle_credentials(rig.now, Ok(temporary("new")));
        let again = rig.send();
        assert!(again.attempt == 2 && signed_by(&again, "new"));
        rig.reply(again.id, error(status, code));
        assert_eq!(rig.error().code(), Some(code), "once per call");
    }
}

#[test]
fn a_refusal_of_older_credentials_only_signs_again() {
    let session = bare_session().with_credentials(temporary("old"));
    let mut slow = Rig::with(vec![call()], session.clone(), Policy::default());
    let mut fast = Rig::with(vec![call()], session, Policy::default());
    let slow_id = slow.send().id;
    let id = fast.send().id;
    fast.reply(id, error(403, "ExpiredToken"));
    assert!(matches!(fast.poll(), Output::NeedCredentials));
    fast.machine.handle_credentials(fast.now, Ok(temporary("new")));

    slow.reply(slow_id, error(403, "ExpiredToken"));
    let again = slow.send();
    assert!(signed_by(&again, "new"), "one refresh serves all");
    slow.reply(again.id, error(403, "ExpiredToken"));
    assert!(matches!(slow.poll(), Output::NeedCredentials), "the new ones count as well");
    slow.machine.handle_credentials(slow.now, Ok(temporary("newer")));
    let id = slow.send().id;
    slow.reply(id, error(403, "ExpiredToken"));
    assert_eq!(slow.error().code(), Some("ExpiredToken"));
}

#[test]
fn without_credentials_nothing_is_sent() {
    let mut rig = Rig::with(vec![call()], bare_session(), Policy::default());
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    assert!(matches!(rig.poll(), Output::Wait(None)));
    rig.machine.handle_credentials(rig.now, Err(CredentialsFailed::new("no role")));
    let failed = rig.error();
    assert!(matches!(failed.cause, Cause::Credentials(_)) && !failed.maybe_done());
    let error = failed.clone().into_error();
    assert_eq!(error.kind(), &ErrorKind::Credentials);
    assert!(error.to_string().contains("no role"), "{error}");
}

#[test]
fn credentials_are_replaced_before_they_expire() {
    let expires = UnixTime::from_secs(START + 2 * HOUR);
    let mut rig = Rig::with(vec![call(), call()], bare_session(), Policy::default());
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(temporary("old").expiring(expires)));
    let first = rig.send();
    rig.reply(first.id, ok());
    rig.advance(Duration::from_secs(7200 - 300));
    assert!(matches!(rig.poll(), Output::NeedCredentials), "five minutes early");
    rig.machine.handle_credentials(rig.now, Err(CredentialsFailed::new("busy")));
    assert!(signed_by(&rig.send(), "old"), "which still work");
}

#[test]
fn credentials_that_seem_to_have_expired_are_tried_and_not_asked_for_in_a_circle() {
    let expired = || temporary("old").expiring(UnixTime::from_secs(START - 60));
    let mut rig = Rig::with(vec![call()], bare_session(), Policy::default());
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(expired()));
    let id = rig.send().id;
    rig.reply(id, error(403, "ExpiredToken"));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(expired()));
    let id = rig.send().id;
    rig.reply(id, error(403, "ExpiredToken"));
    assert_eq!(rig.error().code(), Some("ExpiredToken"));
}
