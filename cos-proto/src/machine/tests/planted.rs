//! The bugs that a simulation plants into delivery itself.

use super::*;
use crate::{
    Replay,
    sim::{Planted, Simulated},
};

fn rig(planted: Planted, calls: Vec<Call>) -> Rig {
    let simulated = Simulated { planted, ..Simulated::default() };
    Rig::with(calls, session(), Policy::default().simulated(simulated))
}

#[test]
fn a_call_that_is_not_replayable_is_sent_again() {
    let calls = || vec![Call { replay: Replay::Unsafe, ..call() }];
    for (planted, again) in [(Planted::Nothing, false), (Planted::UnsafeCallRepeated, true)] {
        let mut rig = rig(planted, calls());
        let first = rig.send();
        rig.fail(first.id, FailureKind::Timeout);
        assert_eq!(matches!(rig.poll(), Output::Wait(Some(_))), again, "{planted:?}");
    }
}

#[test]
fn a_late_reply_answers_a_newer_attempt() {
    for (planted, taken) in [(Planted::Nothing, 0), (Planted::LateReplyAccepted, 1)] {
        let mut rig = rig(planted, vec![call()]);
        let first = rig.send();
        rig.fail(first.id, FailureKind::Timeout);
        rig.send_again();
        rig.reply(first.id, ok());
        assert_eq!(rig.ended().len(), taken, "{planted:?}");
    }
}
