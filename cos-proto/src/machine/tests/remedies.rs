//! What helps at once: the service's clock.

use super::*;
use crate::ErrorKind;

const HOUR: i64 = 3600;

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
    rig.reply(id, of_cos(403, HOUR));
    let id = rig.send().id;
    assert_eq!(rig.machine.session().skew(), HOUR);
    rig.reply(id, of_cos(403, HOUR));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied);

    let mut rig = Rig::new(vec![head_call()]);
    let id = rig.send().id;
    rig.reply(id, of_cos(403, 20));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied, "the clock is right");
}

/// Whose clock is not the service's, and who knows no token.
#[test]
fn a_silent_403_of_a_gateway_is_no_reason_to_correct_anything() {
    for session in [session(), bare_session().with_credentials(temporary("kept"))] {
        let mut rig = Rig::with(vec![head_call()], session.clone(), Policy::default());
        let id = rig.send().id;
        rig.reply(id, dated(silent(403), HOUR));
        assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied);
        assert_eq!(session.skew(), 0);
        assert!(session.has_credentials(rig.now.unix));
    }
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
    head.reply(id, of_cos(403, HOUR));
    let again = head.send();
    head.reply(again.id, of_cos(403, HOUR));
    assert_eq!(head.error().clone().into_error().kind(), &ErrorKind::Denied, "once");
}
