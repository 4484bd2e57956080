//! Any order of any events: nothing panics, every call ends once, bounds hold.

use std::{fmt::Write as _, num::NonZeroUsize};

use super::*;
use crate::{CredentialsFailed, split_mix::SplitMix64};

struct Random(SplitMix64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        (self.0.next() % bound as u64) as usize
    }
}

fn event(random: &mut Random) -> Event {
    let reply = |response| Event::Reply(Box::new(response));
    let failed = |kind| Event::Failed(Failure::new(kind, "random"));
    match random.below(16) {
        0..3 => reply(ok()),
        3 => reply(error(500, "InternalError")),
        4 => reply(error(404, "NoSuchKey")),
        5 => reply(error(403, "ExpiredToken")),
        6 => reply(with_header(
            error(403, "RequestTimeTooSkewed"),
            "date",
            &UnixTime::from_secs(START + 99_999).to_http_date(),
        )),
        7 => reply(with_header(error(503, "SlowDown"), "retry-after", "3")),
        8 => reply(Response::new(Bytes::from_static(b"\xff<Error"))),
        9 => failed(FailureKind::Timeout),
        10 => failed(FailureKind::Connect),
        11 => failed(FailureKind::Tls),
        12 | 13 => head(),
        _ => Event::End,
    }
}

/// Ends when the machine is done: which calls have ended, and all that was sent.
fn run(seed: u64) -> (Vec<usize>, String) {
    let mut transcript = String::new();
    let mut random = Random(SplitMix64::new(seed));
    let calls = (0..12).map(|_| if random.below(2) == 0 { call() } else { streamed() }).collect();
    let bound = 1 + random.below(4);
    let policy = Policy::default().in_flight_max(NonZeroUsize::new(bound).expect("not zero"));
    let mut rig = Rig::with(calls, bare_session(), policy);
    rig.machine.operation_mut().length = 1000;
    let mut sent = Vec::new();
    for _ in 0..100_000 {
        match rig.poll() {
            Output::Send(transmit) => {
                sent.push(transmit.id);
                let _ = writeln!(transcript, "{:?} {transmit:?}", rig.now);
            }
            Output::NeedCredentials => {
                let name = format!("AKID{}", random.below(3));
                let fresh = match random.below(4) {
                    0 => Err(CredentialsFailed::new("random")),
                    _ => Ok(Credentials::new(name, "secret").with_token("token")),
                };
                rig.machine.handle_credentials(rig.now, fresh);
            }
            Output::Done(()) => {
                let mut ended: Vec<_> = rig.ended().iter().map(|(tag, _)| *tag).collect();
                ended.sort_unstable();
                return (ended, transcript);
            }
            Output::Wait(due) => {
                assert!(rig.machine.in_flight() <= bound);
                if due.is_some() && random.below(2) == 0 {
                    rig.advance(Duration::from_millis(random.below(5000) as u64));
                }
                let Some(last) = sent.len().checked_sub(1) else { continue };
                let recent =
                    if random.below(4) == 0 { sent.len() } else { sent.len().min(2 * bound) };
                let id = sent[last - random.below(recent)];
                match random.below(4) {
                    0 => {
                        let data = vec![7; random.below(600)];
                        let taken = rig.machine.handle_data(id, &data);
                        assert!(taken.end <= data.len());
                    }
                    1 => rig.machine.handle_queued(id, Duration::from_secs(1)),
                    _ => rig.handle(id, event(&mut random)),
                }
            }
            Output::Idle => panic!("a script that does not hold is never idle"),
        }
    }
    panic!("no end");
}

#[test]
fn any_order_of_events_ends_every_call_once() {
    for seed in 0..500 {
        assert_eq!(run(seed).0, (0..12).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    assert_eq!(run(7), run(7));
    assert_ne!(run(7).1, run(8).1);
}
