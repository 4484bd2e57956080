//! Real drivers in processes of their own, against the emulator, through a network that breaks
//! connections, killed at any moment: what they have acknowledged must be there, whichever of the
//! adapters comes next, nothing may be half visible, and cleaning up must leave nothing.
//!
//! A seed fixes the programs, the faults by connection and the moments to kill at; how threads and
//! processes interleave is the machine's. `COS_CHAOS_SEED` is the first seed and `COS_CHAOS_ROUNDS`
//! the number of seeds.

#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that panics is a test that fails"
)]

mod child;
mod content;
#[path = "../either/mod.rs"]
mod either;
mod model;
mod network;
mod plan;
mod round;
mod step;
mod tally;

use std::{env, io::Write as _, panic};

use round::Round;
use tally::Tally;

const ROUNDS: u64 = 3;

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} = {text:?}")))
}

#[test]
fn what_killed_processes_have_acknowledged_is_there() {
    let first = variable("COS_CHAOS_SEED");
    let rounds = variable("COS_CHAOS_ROUNDS");
    let mut tally = Tally::default();
    for seed in (first.unwrap_or(0)..).take(usize::try_from(rounds.unwrap_or(ROUNDS)).expect("few"))
    {
        let ended = panic::catch_unwind(|| Round::new(seed).run());
        match ended {
            Ok(round) => tally.add(&round),
            Err(panic) => {
                let command = "cargo test -p cos-tokio --all-features --test real_processes";
                show(&format!("again: COS_CHAOS_SEED={seed} COS_CHAOS_ROUNDS=1 {command}"));
                panic::resume_unwind(panic);
            }
        }
    }
    show(&tally.to_string());
    // Few rounds may do without one thing or another, by how the processes interleave.
    let allowed = match rounds.unwrap_or(ROUNDS) {
        10.. => 0,
        ROUNDS.. => 2,
        _ => usize::MAX,
    };
    let missing = tally.missing();
    assert!(missing.len() <= allowed, "never came about: {missing:?}");
}

/// Not by `println!`, which a passing test does not show.
fn show(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("stdout");
}

#[test]
#[ignore = "the program of the child processes"]
fn child_process() {
    child::run();
}
