//! Streamed bodies.

use super::*;
use crate::error::Cause;

fn rig(length: usize, policy: Policy) -> Rig {
    let mut rig = Rig::with(vec![streamed()], session(), policy);
    rig.machine.operation_mut().length = length;
    rig
}

#[test]
fn the_operation_says_which_part_of_the_data_the_caller_gets() {
    let mut rig = rig(5, Policy::default());
    let id = rig.send().id;
    assert_eq!(rig.machine.handle_data(id, b"early"), 0..0, "no head yet");
    rig.handle(id, head());
    assert_eq!(rig.machine.handle_data(id, b"abc"), 0..3);
    assert_eq!(rig.machine.handle_data(id, b"defgh"), 0..2);
    rig.handle(id, Event::End);
    assert!(matches!(rig.ended(), [(0, Ended::Streamed)]));
    assert_eq!(rig.machine.handle_data(id, b"late"), 0..0);
}

#[test]
fn a_streamed_call_answered_with_an_error_is_collected_and_classified() {
    let mut rig = rig(5, Policy::default());
    let id = rig.send().id;
    rig.reply(id, error(503, "SlowDown"));
    let id = rig.send_again().id;
    rig.reply(id, error(404, "NoSuchKey"));
    assert_eq!(rig.error().code(), Some("NoSuchKey"));
}

#[test]
fn a_416_tells_the_size_of_the_object() {
    let mut rig = rig(5, Policy::default());
    let id = rig.send().id;
    rig.reply(id, with_header(error(416, "InvalidRange"), "content-range", "bytes */77"));
    assert_eq!(rig.error().service().and_then(|error| error.object_size), Some(77));
}

#[test]
fn a_collected_reply_to_a_streamed_call_is_a_failed_attempt() {
    let mut rig = rig(5, Policy::default());
    let id = rig.send().id;
    rig.reply(id, ok());
    assert_eq!(rig.send_again().attempt, 2);
}

#[test]
fn a_body_that_breaks_or_ends_early_is_asked_for_again() {
    for event in [Event::End, Event::Failed(Failure::new(FailureKind::Broken, "reset"))] {
        let mut rig = rig(5, Policy::default());
        let id = rig.send().id;
        rig.handle(id, head());
        assert_eq!(rig.machine.handle_data(id, b"abc"), 0..3);
        rig.handle(id, event);
        let id = rig.send_again().id;
        rig.handle(id, head());
        assert_eq!(rig.machine.handle_data(id, b"de"), 0..2);
        rig.handle(id, Event::End);
        assert!(matches!(rig.ended(), [(0, Ended::Streamed)]));
    }
}

#[test]
fn all_bytes_there_and_only_the_end_lost_is_complete() {
    let mut rig = rig(3, Policy::default());
    let id = rig.send().id;
    rig.handle(id, head());
    assert_eq!(rig.machine.handle_data(id, b"abc"), 0..3);
    rig.fail(id, FailureKind::Broken);
    assert!(matches!(rig.ended(), [(0, Ended::Streamed)]));
}

#[test]
fn an_operation_that_has_what_it_wants_does_not_wait_for_the_end_of_the_body() {
    let mut rig = rig(3, Policy::default());
    let id = rig.send().id;
    rig.handle(id, head());
    assert_eq!(rig.machine.handle_data(id, b"abcdefgh"), 0..3);
    assert!(matches!(rig.machine.poll_output(rig.now), Output::Wait(_)));
    rig.machine.operation_mut().stop = true;
    assert!(matches!(rig.machine.poll_output(rig.now), Output::Done(())));
    assert_eq!(rig.machine.in_flight(), 0);
}

#[test]
fn attempts_count_anew_only_after_64_kib_since_the_last_failure() {
    const KIB_64: usize = 64 * 1024;
    let policy = || Policy::default().attempts_max(2);
    let mut well = rig(100 * KIB_64, policy());
    for attempt in 1..=50 {
        let transmit = if attempt == 1 { well.send() } else { well.send_again() };
        assert_eq!(transmit.attempt, attempt);
        well.handle(transmit.id, head());
        for _ in 0..2 {
            let taken = well.machine.handle_data(transmit.id, &vec![0; KIB_64 / 2]);
            assert_eq!(taken, 0..KIB_64 / 2);
        }
        well.fail(transmit.id, FailureKind::Broken);
    }
    let mut badly = rig(100 * KIB_64, policy());
    for attempt in 1..=2 {
        let transmit = if attempt == 1 { badly.send() } else { badly.send_again() };
        badly.handle(transmit.id, head());
        let taken = badly.machine.handle_data(transmit.id, &vec![0; KIB_64 - 1]);
        assert_eq!(taken, 0..KIB_64 - 1);
        badly.fail(transmit.id, FailureKind::Broken);
    }
    assert!(matches!(&badly.error().cause, Cause::Transport(_)));
}

#[test]
fn a_body_that_flows_has_no_deadline() {
    let policy = Policy::default().call_deadline(Duration::from_secs(10));
    let mut rig = rig(5, policy);
    let id = rig.send().id;
    rig.handle(id, head());
    rig.advance(Duration::from_secs(3600));
    assert_eq!(rig.machine.handle_data(id, b"abc"), 0..3);
    rig.fail(id, FailureKind::Timeout);
    let again = rig.send_again();
    assert!(again.give_up_after <= Duration::from_secs(10));
    assert!(again.give_up_after > Duration::from_secs(9), "the resumed call has one of its own");
}

#[test]
fn a_head_may_be_refused() {
    let mut rig = rig(5, Policy::default());
    rig.machine.operation_mut().verdicts.push_back(Rejected::Final(Reason::Changed));
    let id = rig.send().id;
    rig.handle(id, head());
    assert!(matches!(&rig.error().cause, Cause::Rejected(Reason::Changed)));
    assert_eq!(rig.machine.handle_data(id, b"abc"), 0..0);
}

#[test]
fn events_out_of_order_are_a_failed_attempt_and_nothing_worse() {
    let wrong: [fn() -> Event; 3] = [|| Event::End, head, || Event::Reply(Box::default())];
    let mut rig = rig(5, Policy::default());
    let id = rig.send().id;
    rig.handle(id, wrong[0]());
    for event in &wrong[1..] {
        let id = rig.send_again().id;
        rig.handle(id, head());
        rig.handle(id, event());
    }
    assert_eq!(rig.send_again().attempt, 4);
}
