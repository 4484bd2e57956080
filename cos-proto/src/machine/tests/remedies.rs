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

/// An answer of COS itself, not of a gateway before it.
fn of_cos(status: u16, date: i64) -> Response<Bytes> {
    with_header(dated(silent(status), date), "x-cos-request-id", "NjQ1")
}

#[test]
fn a_clock_that_is_off_without_being_refused_is_learned_from_any_answer() {
    for status in [200, 204, 404, 412, 503] {
        for off in [1800, -3300, 61] {
            let session = session();
            let mut rig = Rig::with(vec![call()], session.clone(), Policy::default());
            let id = rig.send().id;
            rig.reply(id, of_cos(status, off));
            assert_eq!(session.skew(), off, "{status}");
        }
    }
    let session = session();
    let mut rig = Rig::with(vec![streamed()], session.clone(), Policy::default());
    let id = rig.send().id;
    let (head, _) = of_cos(206, 1800).into_parts();
    rig.handle(id, Event::Head(Response::from_parts(head, ())));
    assert_eq!(session.skew(), 1800, "a head tells as well");
}

#[test]
fn only_a_date_that_can_be_the_services_clock_is_learned() {
    const WINDOW: i64 = HOUR;
    for (why, response) in [
        ("a minute is within what clocks differ", of_cos(200, 60)),
        ("a gateway's clock is not the service's", dated(silent(502), 1800)),
        ("a request signed so far off would have been refused", of_cos(200, WINDOW + 1)),
        ("a request signed so far off would have been refused", of_cos(503, -WINDOW - 1)),
        ("no date", with_header(ok(), "x-cos-request-id", "NjQ1")),
        (
            "no date either",
            with_header(with_header(ok(), "x-cos-request-id", "NjQ1"), "date", "yesterday"),
        ),
    ] {
        let mut rig = Rig::new(vec![call()]);
        let id = rig.send().id;
        rig.reply(id, response);
        assert_eq!(rig.machine.session().skew(), 0, "{why}");
    }
}

/// `Date` is written when the answer begins: after the request was sent, before the answer is here.
#[test]
fn an_answer_that_took_long_says_no_more_than_it_can() {
    const TOOK: i64 = 290;
    for (date, learned) in [
        (0, 0),
        (TOOK, 0),
        (TOOK + 60, 0),
        (-60, 0),
        // The nearest clock that the answer allows.
        (TOOK + 100, 100),
        (-100, -100),
    ] {
        let mut rig = Rig::new(vec![call()]);
        let id = rig.send().id;
        rig.advance(Duration::from_secs(TOOK.unsigned_abs()));
        rig.reply(id, of_cos(200, date));
        assert_eq!(rig.machine.session().skew(), learned, "{date}");
    }
}

#[test]
fn a_learned_clock_stays_while_answers_agree_with_it_about() {
    let session = session();
    for (off, learned) in [(1800, 1800), (1750, 1800), (1859, 1800), (1861, 1861), (1801, 1861)] {
        let mut rig = Rig::with(vec![call()], session.clone(), Policy::default());
        let id = rig.send().id;
        rig.reply(id, of_cos(200, off));
        assert_eq!(session.skew(), learned, "{off}");
    }
}

/// Of several attempts it is the first: any of them may have been executed.
#[test]
fn an_answer_tells_when_its_call_was_asked_on_the_services_clock() {
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.advance(Duration::from_secs(100));
    rig.fail(id, FailureKind::Timeout);
    let again = rig.send_again();
    rig.advance(Duration::from_secs(50));
    let took = rig.now.ticks.since_epoch().as_secs().cast_signed();
    rig.reply(again.id, of_cos(200, 1800 + took));
    let asked = UnixTime::from_secs(START + 1800 - 1);
    assert_eq!(rig.machine.operation().asked_at, [Some(asked)]);

    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.reply(id, ok());
    assert_eq!(rig.machine.operation().asked_at, [None]);

    // Where there is no answer, what was learned before tells, but for what is not learned.
    let session = session();
    session.learn_skew(UnixTime::from_secs(START + 1800), UnixTime::from_secs(START));
    let mut rig = Rig::with(vec![call()], session, Policy::default().attempts_max(1));
    let id = rig.send().id;
    rig.advance(Duration::from_secs(100));
    rig.fail(id, FailureKind::Timeout);
    assert_eq!(rig.error().asked_at, Some(UnixTime::from_secs(START + 1800 - 60)));
}

/// Two clocks behind one name: every answer corrects, none makes anything be sent again.
#[test]
fn learning_alone_sends_nothing_again() {
    let mut rig = Rig::new(vec![call(), call()]);
    for off in [1800, -1800] {
        let sent = rig.send();
        assert_eq!(sent.attempt, 1);
        rig.reply(sent.id, of_cos(404, off));
    }
    assert!(matches!(rig.poll(), Output::Done(())));
    assert_eq!(rig.ended().len(), 2);
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
fn a_silent_400_of_a_head_may_be_an_expired_token() {
    let bad_request = || with_header(silent(400), "x-cos-request-id", "NjQ1");
    let of_token = || bare_session().with_credentials(temporary("old"));
    let mut rig = Rig::with(vec![head_call()], of_token(), Policy::default());
    let id = rig.send().id;
    rig.reply(id, bad_request());
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(temporary("new")));
    let again = rig.send();
    assert!(signed_by(&again, "new"));
    rig.reply(again.id, bad_request());
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Service, "once");

    // Permanent credentials do not expire, and a gateway knows of none.
    for (session, answer) in [(session(), bad_request()), (of_token(), silent(400))] {
        let mut rig = Rig::with(vec![head_call()], session, Policy::default());
        let id = rig.send().id;
        rig.reply(id, answer);
        assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Service);
    }
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
fn an_error_of_the_credentials_tells_the_refusal_that_made_them_needed() {
    let session = bare_session().with_credentials(temporary("old"));
    let mut rig = Rig::with(vec![call()], session, Policy::default());
    let id = rig.send().id;
    rig.reply(id, error(403, "ExpiredToken"));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Err(CredentialsFailed::new("no role")));
    let error = rig.error().clone().into_error();
    assert_eq!(error.kind(), &ErrorKind::Credentials);
    assert_eq!((error.code(), error.request_id()), (Some("ExpiredToken"), Some("id")));
    let source = std::error::Error::source(&error).expect("the provider's");
    assert_eq!(source.to_string(), "no role");
}

#[test]
fn one_failure_of_the_provider_answers_all_calls_of_an_operation_for_a_while() {
    for in_flight_max in [1, 2, 5] {
        let policy =
            Policy::default().in_flight_max(in_flight_max.try_into().expect("at least one"));
        let mut rig = Rig::with((0..5).map(|_| call()).collect(), bare_session(), policy);
        assert!(matches!(rig.poll(), Output::NeedCredentials));
        rig.machine.handle_credentials(rig.now, Err(CredentialsFailed::new("no role")));
        assert!(matches!(rig.poll(), Output::Done(())), "nobody is asked again");
        assert_eq!(rig.ended().len(), 5);
        for (_, ended) in rig.ended() {
            let Ended::Failed(error) = ended else { panic!("{ended:?}") };
            assert!(error.clone().into_error().to_string().contains("no role"));
        }
    }
    let mut rig = Rig::new(vec![]);
    rig.machine = Machine::new(rig.machine.operation, bare_session(), Policy::default(), 1);
    rig.machine.operation_mut().hold = true;
    let mut asked = 0;
    for _ in 0..30 {
        rig.machine.operation_mut().calls.push(call());
        if matches!(rig.poll(), Output::NeedCredentials) {
            asked += 1;
            rig.machine.handle_credentials(rig.now, Err(CredentialsFailed::new("no role")));
        }
        rig.advance(Duration::from_secs(1));
    }
    assert_eq!(asked, 3, "every ten seconds");
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
