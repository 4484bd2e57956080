//! Other credentials: when they are asked for, and what becomes of calls meanwhile.

use super::*;
use crate::{CredentialsFailed, ErrorKind, error::Cause};

fn signed_by(transmit: &Transmit, name: &str) -> bool {
    let authorization = transmit.request.headers()["authorization"].to_str().expect("ASCII");
    authorization.contains(&format!("q-ak={name}&"))
}

#[test]
fn a_silent_403_of_a_head_asks_for_new_temporary_credentials_once() {
    let session = bare_session().with_credentials(temporary("old"));
    let mut rig = Rig::with(vec![head_call()], session, Policy::default());
    let id = rig.send().id;
    rig.reply(id, of_cos(403, 0));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(temporary("new")));
    let again = rig.send();
    assert!(signed_by(&again, "new"));
    rig.reply(again.id, of_cos(403, 0));
    assert_eq!(rig.error().clone().into_error().kind(), &ErrorKind::Denied);
}

#[test]
fn a_silent_400_of_a_head_may_be_an_expired_token() {
    let bad_request = || of_cos(400, 0);
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
    let expires = UnixTime::from_secs(START + 7200);
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

/// A writer that rests may hand in late what its provider had answered long before.
#[test]
fn late_credentials_do_not_replace_newer_ones() {
    let expiring = |name, offset| temporary(name).expiring(UnixTime::from_secs(START + offset));
    let session = bare_session();
    let mut rested = Rig::with(vec![call()], session.clone(), Policy::default());
    assert!(matches!(rested.poll(), Output::NeedCredentials));
    let mut other = Rig::with(vec![call()], session, Policy::default());
    other.now.unix = UnixTime::from_secs(START + 2000);
    assert!(matches!(other.poll(), Output::NeedCredentials));
    other.machine.handle_credentials(other.now, Ok(expiring("newer", 9000)));
    rested.now = other.now;
    rested.machine.handle_credentials(rested.now, Ok(expiring("late", 1800)));
    let id = rested.send().id;
    rested.reply(id, ok());
    assert!(signed_by(&other.send(), "newer"));
    assert!(matches!(rested.poll(), Output::Done(())));
}

/// The provider gives no longer ones: the others are used as long as they work, and it is asked
/// again now and then.
#[test]
fn a_provider_with_older_credentials_is_not_asked_in_a_circle() {
    let expiring = |name, offset| temporary(name).expiring(UnixTime::from_secs(START + offset));
    let session = bare_session().with_credentials(expiring("newer", 200));
    let mut rig = Rig::with(vec![call(), call()], session, Policy::default());
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(expiring("older", 100)));
    let first = rig.send();
    assert!(signed_by(&first, "newer"));
    rig.reply(first.id, ok());
    rig.advance(Duration::from_secs(10));
    assert!(matches!(rig.poll(), Output::NeedCredentials));
    rig.machine.handle_credentials(rig.now, Ok(expiring("newest", 7200)));
    assert!(signed_by(&rig.send(), "newest"));
}
