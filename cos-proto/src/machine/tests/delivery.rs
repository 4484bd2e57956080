//! Slots, ids, retries, deadlines.

use std::{error::Error as StdError, num::NonZeroUsize};

use super::*;
use crate::{ErrorKind, Replay, call::ErrorIn200, error::Cause};

const SECOND: Duration = Duration::from_secs(1);

fn unsafe_call() -> Call {
    Call { replay: Replay::Unsafe, ..call() }
}

#[test]
fn a_slot_stays_taken_while_its_call_backs_off() {
    let mut rig = Rig::new(vec![call(), call()]);
    let first = rig.send();
    rig.reply(first.id, error(500, "InternalError"));
    let due = rig.waits_until();
    assert_eq!(rig.machine.in_flight(), 1);
    assert_eq!(rig.machine.operation().begun, 1, "the second call waits for the slot");
    rig.advance(due.saturating_since(rig.now.ticks));
    let again = rig.send();
    assert_eq!(again.attempt, 2);
    rig.reply(again.id, ok());
    assert_eq!(rig.send().attempt, 1, "now the second call begins");
}

#[test]
fn no_more_calls_are_in_flight_than_the_policy_allows() {
    let three = NonZeroUsize::new(3).expect("three");
    let policy = Policy::default().in_flight_max(three);
    let mut rig = Rig::with(vec![call(); 5], session(), policy);
    let sent: Vec<_> = (0..3).map(|_| rig.send().id).collect();
    assert!(matches!(rig.poll(), Output::Wait(None)));
    rig.reply(sent[1], ok());
    rig.send();
    assert!(matches!(rig.poll(), Output::Wait(None)));
    assert_eq!(rig.machine.in_flight(), 3);
}

#[test]
fn a_call_whose_uri_is_too_long_fails_and_holds_up_no_other() {
    let two = NonZeroUsize::new(2).expect("two");
    let long = call().query("versionId", "v".repeat(70_000));
    let policy = Policy::default().in_flight_max(two);
    let mut rig = Rig::with(vec![call(), long, call()], session(), policy);
    let sent = [rig.send().id, rig.send().id];
    assert!(matches!(rig.poll(), Output::Wait(None)));
    let failure = rig.error().clone();
    assert_eq!((failure.attempts, failure.maybe_done()), (0, false));
    let failure = failure.into_error();
    assert_eq!(failure.kind(), &ErrorKind::InvalidParameter, "{failure}");
    for id in sent {
        rig.reply(id, ok());
    }
    assert!(matches!(rig.poll(), Output::Done(())));
}

#[test]
fn a_late_reply_to_an_earlier_attempt_is_ignored() {
    let mut rig = Rig::new(vec![call()]);
    let first = rig.send();
    rig.fail(first.id, FailureKind::Timeout);
    rig.reply(first.id, ok());
    assert!(rig.ended().is_empty(), "while backing off");
    let second = rig.send_again();
    assert_ne!(first.id, second.id);
    rig.reply(first.id, ok());
    rig.fail(first.id, FailureKind::Broken);
    assert!(rig.ended().is_empty(), "while the second attempt is in flight");
    rig.reply(second.id, ok());
    assert!(matches!(rig.ended(), [(0, Ended::Replied(StatusCode::OK))]));
    rig.reply(second.id, ok());
    assert_eq!(rig.ended().len(), 1, "and a reply counts once");
    assert!(matches!(rig.poll(), Output::Done(())));
}

#[test]
fn each_attempt_is_built_and_signed_anew() {
    let mut rig = Rig::new(vec![call()]);
    let first = rig.send();
    rig.advance(Duration::from_secs(3000));
    rig.machine.handle_queued(first.id, Duration::from_secs(3000));
    rig.fail(first.id, FailureKind::Timeout);
    let second = rig.send_again();
    assert_eq!(rig.machine.operation().built.get(), 2);
    let authorization = |transmit: &Transmit| transmit.request.headers()["authorization"].clone();
    assert_ne!(authorization(&first), authorization(&second), "a new time, a new signature");
}

#[test]
fn what_is_retried() {
    use FailureKind::{Broken, Connect, Malformed, ReplyTooLarge, Timeout, Tls};
    // Whether a replay-safe call and whether any other one is sent again; whether it may be done.
    let answers = [
        (500, "InternalError", true, false, true),
        (502, "", true, false, true),
        (503, "SlowDown", true, false, true),
        (503, "ServiceUnavailable", true, false, true),
        (504, "", true, false, true),
        (501, "NotImplemented", false, false, false),
        (429, "TooManyRequests", true, true, false),
        (400, "RequestTimeout", true, false, true),
        (408, "", true, false, true),
        (400, "UserNetworkTooSlow", true, true, false),
        (400, "IncompleteBody", true, true, false),
        (400, "BadDigest", true, true, false),
        (409, "PathConflict", true, false, true),
        (409, "UploadConflict", true, false, true),
        (409, "FileAlreadyExists", false, false, false),
        (404, "NoSuchKey", false, false, false),
        (403, "AccessDenied", false, false, false),
        (403, "SignatureDoesNotMatch", false, false, false),
        (400, "InvalidArgument", false, false, false),
        (412, "PreconditionFailed", false, false, false),
        (301, "PermanentRedirect", false, false, false),
    ];
    let failures = [
        (Connect, true, true, false),
        (Tls, false, false, false),
        (Timeout, true, false, true),
        (Broken, true, false, true),
        (Malformed, true, false, true),
        (ReplyTooLarge, false, false, true),
    ];
    let check = |name: &str, call: Call, retried: bool, maybe: bool, event: Event| {
        let mut rig = Rig::new(vec![call]);
        let id = rig.send().id;
        rig.handle(id, event);
        if retried {
            assert_eq!(rig.send_again().attempt, 2, "{name}");
        } else {
            assert_eq!(rig.error().maybe_done(), maybe, "{name}");
            assert!(matches!(rig.poll(), Output::Done(())), "{name}");
        }
    };
    for (status, code, safe, other, maybe) in answers {
        let name = format!("{status} {code}");
        let reply = || {
            let mut reply = error(status, code);
            if code.is_empty() {
                *reply.body_mut() = Bytes::from_static(b"<html>gateway</html>");
            }
            Event::Reply(Box::new(reply))
        };
        check(&name, call(), safe, maybe, reply());
        check(&name, unsafe_call(), other, maybe, reply());
    }
    for (kind, safe, other, maybe) in failures {
        let name = format!("{kind:?}");
        let failed = || Event::Failed(Failure::new(kind, "scripted"));
        check(&name, call(), safe, maybe, failed());
        check(&name, unsafe_call(), other, maybe, failed());
    }
}

#[test]
fn one_attempt_that_may_be_done_is_remembered_over_all_others() {
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.fail(id, FailureKind::Timeout);
    let id = rig.send_again().id;
    rig.fail(id, FailureKind::Connect);
    let id = rig.send_again().id;
    rig.reply(id, error(403, "AccessDenied"));
    let error = rig.error().clone();
    assert!(error.maybe_done());
    let error = error.into_error();
    let remote = error.remote().expect("remote");
    assert_eq!((remote.attempts, remote.maybe_done, error.code()), (3, true, Some("AccessDenied")));
}

#[test]
fn attempts_are_bounded_and_pauses_grow() {
    let mut rig = Rig::with(vec![call()], session(), Policy::default().attempts_max(3));
    for attempt in 1..=3 {
        let transmit = if attempt == 1 { rig.send() } else { rig.send_again() };
        assert_eq!(transmit.attempt, attempt);
        rig.reply(transmit.id, error(503, "SlowDown"));
    }
    assert_eq!(rig.error().code(), Some("SlowDown"));
    assert_eq!(rig.error().clone().into_error().remote().map(|r| r.attempts), Some(3));
}

#[test]
fn a_pause_is_at_least_as_long_as_cos_asks() {
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.reply(id, with_header(error(503, "SlowDown"), "retry-after", "7"));
    assert!(rig.waits_until() >= Ticks::ZERO + 7 * SECOND);
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.reply(id, with_header(error(503, "SlowDown"), "retry-after", "301"));
    let error = rig.error().clone().into_error();
    let retry_after = Some(301 * SECOND);
    assert_eq!(error.kind(), &ErrorKind::Throttled { retry_after }, "longer than a call may last");
}

#[test]
fn all_machines_of_a_session_share_one_retry_budget() {
    let session = session();
    let policy = Policy::default().attempts_max(10_000).call_deadline(Duration::MAX);
    let mut greedy = Rig::with(vec![call()], session.clone(), policy);
    let mut retries = 0;
    let mut id = greedy.send().id;
    loop {
        greedy.fail(id, FailureKind::Connect);
        if !greedy.ended().is_empty() {
            break;
        }
        retries += 1;
        assert!(retries < 1000, "the budget is finite");
        // No time passes on the budget's clock.
        let due = greedy.waits_until();
        let Output::Send(again) = greedy.machine.poll_output(Now { ticks: due, ..greedy.now })
        else {
            panic!("no request");
        };
        id = again.id;
    }
    let mut other = Rig::with(vec![call()], session, Policy::default());
    let id = other.send().id;
    other.fail(id, FailureKind::Connect);
    assert_eq!(other.error().clone().into_error().remote().map(|r| r.attempts), Some(1));
}

#[test]
fn an_error_inside_a_200_counts_only_where_the_call_says_that_it_can_happen() {
    let mut rig = Rig::new(vec![call()]);
    let id = rig.send().id;
    rig.reply(id, error(200, "InternalError"));
    assert!(matches!(rig.ended(), [(0, Ended::Replied(StatusCode::OK))]));

    let complete = Call { error_in_200: ErrorIn200::Possible, ..call() };
    let mut rig = Rig::new(vec![complete.clone()]);
    let id = rig.send().id;
    rig.reply(id, error(200, "InternalError"));
    let id = rig.send_again().id;
    rig.reply(id, error(200, "NoSuchUpload"));
    assert_eq!((rig.error().code(), rig.error().maybe_done()), (Some("NoSuchUpload"), true));

    let mut rig = Rig::new(vec![complete]);
    let id = rig.send().id;
    rig.reply(id, ok());
    assert!(matches!(rig.ended(), [(0, Ended::Replied(StatusCode::OK))]), "no <Error>, no error");
}

#[test]
fn an_operation_may_refuse_a_reply_for_now_or_for_good() {
    let malformed = || Reason::Malformed("ETag: missing".into());
    let mut rig = Rig::new(vec![call()]);
    rig.machine
        .operation_mut()
        .verdicts
        .extend([Rejected::Retry(malformed()), Rejected::Final(malformed())]);
    let id = rig.send().id;
    rig.reply(id, ok());
    let id = rig.send_again().id;
    rig.reply(id, ok());
    assert!(rig.error().maybe_done(), "a 2xx was answered");
    assert!(matches!(&rig.error().cause, Cause::Rejected(Reason::Malformed(_))));
}

#[test]
fn a_deadline_bounds_all_attempts_and_pauses_of_a_call() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    let mut rig = Rig::with(vec![call(), call()], session(), policy);
    let first = rig.send();
    assert_eq!(first.give_up_after, 10 * SECOND);
    rig.advance(4 * SECOND);
    rig.fail(first.id, FailureKind::Timeout);
    let second = rig.send_again();
    let spent = rig.now.ticks.saturating_since(Ticks::ZERO);
    assert_eq!(second.give_up_after, 10 * SECOND - spent);
    rig.advance(second.give_up_after);
    rig.fail(second.id, FailureKind::Timeout);
    assert!(matches!(&rig.error().cause, Cause::Transport(_)), "the last failure is the error");
    assert_eq!(rig.send().give_up_after, 10 * SECOND, "the next call has its own");
}

/// The caller learns what is wrong, instead of that there was no time to be told so again.
#[test]
fn an_attempt_that_could_not_be_answered_in_time_is_not_made() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    for (took, again) in [(1, true), (4, true), (6, false)] {
        let mut rig = Rig::with(vec![call()], session(), policy.clone());
        let sent = rig.send();
        // The time it queued is no time that it needs.
        rig.advance(30 * SECOND);
        rig.machine.handle_queued(sent.id, 30 * SECOND);
        rig.advance(took * SECOND);
        rig.reply(sent.id, error(500, "InternalError"));
        if again {
            rig.send_again();
        } else {
            assert_eq!(rig.error().code(), Some("InternalError"));
        }
    }
    // Nobody knows how long an attempt would have taken that was not answered.
    let mut rig = Rig::with(vec![call()], session(), policy);
    let sent = rig.send();
    rig.advance(9 * SECOND);
    rig.fail(sent.id, FailureKind::Broken);
    rig.send_again();
    // A body that ended early may have taken its reader hours.
    let mut rig = Rig::new(vec![streamed()]);
    rig.machine.operation_mut().length = 10;
    let sent = rig.send();
    rig.handle(sent.id, head());
    rig.advance(3600 * SECOND);
    rig.handle(sent.id, Event::End);
    rig.send_again();
}

#[test]
fn time_in_which_nobody_polls_does_not_count() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    let mut rig = Rig::with(vec![call()], session(), policy);
    let id = rig.send().id;
    let answered = rig.now;
    // The answer waited for an application that rested, and so did the back-off.
    rig.advance(3600 * SECOND);
    let failure = Failure::new(FailureKind::Broken, "reset");
    rig.machine.handle(answered, id, Event::Failed(failure));
    let again = rig.send();
    assert!(again.give_up_after > 9 * SECOND, "{:?}", again.give_up_after);
}

#[test]
fn a_call_whose_deadline_passes_while_it_waits_for_credentials_has_failed() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    let mut rig = Rig::with(vec![call()], session(), policy);
    let id = rig.send().id;
    rig.reply(id, error(403, "ExpiredToken"));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.advance(11 * SECOND);
    assert!(matches!(rig.poll(), Output::Done(())));
    assert!(matches!(rig.error().cause, Cause::Deadline));
}

#[test]
fn a_deadline_that_passed_tells_the_last_failure() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    let mut rig = Rig::with(vec![call()], session(), policy.clone());
    let id = rig.send().id;
    rig.reply(id, error(403, "ExpiredToken"));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.advance(11 * SECOND);
    assert!(matches!(rig.poll(), Output::Done(())));
    let last = rig.error().clone().into_error();
    assert_eq!(last.kind(), &ErrorKind::Transport);
    assert_eq!((last.code(), last.request_id()), (Some("ExpiredToken"), Some("id")));
    let source = StdError::source(&last).expect("the last failure").to_string();
    assert!(source.contains("denied"), "{source}");

    // Of a transport's failure there is no more than its own text and source.
    let soon = UnixTime::from_secs(START + 301);
    let expiring = Credentials::new("AKID", "key").with_token("token").expiring(soon);
    let mut rig = Rig::with(vec![call()], bare_session().with_credentials(expiring), policy);
    let id = rig.send().id;
    rig.advance(SECOND);
    let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let failure = Failure::new(FailureKind::Broken, "it broke").with_source(reset);
    rig.handle(id, Event::Failed(failure));
    let due = rig.waits_until();
    rig.advance(due.saturating_since(rig.now.ticks));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.advance(10 * SECOND);
    assert!(matches!(rig.poll(), Output::Done(())));
    let last = rig.error().clone().into_error();
    let texts: Vec<String> =
        std::iter::successors(StdError::source(&last), |error| (*error).source())
            .map(ToString::to_string)
            .collect();
    assert!(texts[0].contains("it broke") && texts[1].contains("reset"), "{texts:?}");
    assert_eq!((texts.len(), last.code()), (2, None));
}

#[test]
fn time_spent_in_the_queue_for_a_permit_does_not_count() {
    let policy = Policy::default().call_deadline(10 * SECOND);
    let mut rig = Rig::with(vec![call()], session(), policy);
    let first = rig.send();
    rig.advance(60 * SECOND);
    rig.machine.handle_queued(first.id, 60 * SECOND);
    rig.advance(SECOND);
    rig.fail(first.id, FailureKind::Broken);
    let second = rig.send_again();
    let spent = rig.now.ticks.saturating_since(Ticks::ZERO) - 60 * SECOND;
    assert_eq!(second.give_up_after, 10 * SECOND - spent);
    rig.machine.handle_queued(first.id, 60 * SECOND);
    rig.advance(second.give_up_after);
    rig.fail(second.id, FailureKind::Timeout);
    assert!(matches!(rig.ended(), [(0, Ended::Failed(_))]), "a late report changes nothing");
}

#[test]
fn done_ends_what_is_in_flight() {
    let policy = Policy::default().in_flight_max(NonZeroUsize::new(4).expect("four"));
    let mut rig = Rig::with(vec![call(), streamed()], session(), policy);
    let ids = [rig.send().id, rig.send().id];
    rig.handle(ids[1], head());
    rig.machine.operation_mut().stop = true;
    assert!(matches!(rig.poll(), Output::Done(())));
    assert_eq!(rig.machine.in_flight(), 0);
    rig.reply(ids[0], ok());
    assert_eq!(rig.machine.handle_data(ids[1], b"late"), 0..0);
    rig.handle(ids[1], Event::End);
    assert!(rig.ended().is_empty());
    assert!(matches!(rig.poll(), Output::Idle), "and a poll too many is harmless");
}

#[test]
fn extra_polls_are_harmless() {
    let mut rig = Rig::new(vec![call()]);
    rig.machine.operation_mut().hold = true;
    let id = rig.send().id;
    for _ in 0..3 {
        assert!(matches!(rig.poll(), Output::Wait(None)));
    }
    rig.fail(id, FailureKind::Connect);
    let due = rig.waits_until();
    for _ in 0..3 {
        assert_eq!(rig.waits_until(), due);
    }
    let id = rig.send_again().id;
    rig.reply(id, ok());
    for _ in 0..3 {
        assert!(matches!(rig.poll(), Output::Idle));
    }
    assert_eq!(rig.machine.operation().built.get(), 2);
}
