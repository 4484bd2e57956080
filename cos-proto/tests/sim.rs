//! The driver holds its promises in simulated worlds, and the simulation can tell when it does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests")]

use std::{sync::Mutex, thread};

use cos_proto::sim::{Counts, Dice, Options, Planted, replay, run};

/// Seeds of worlds that once were violated, with what was wrong. The first five were found before
/// refusals, conflicts and answers without a CRC or a result were thrown: these dice tell other
/// stories of them now, while unit tests keep what was wrong.
const REGRESSIONS: &[(u64, &str)] = &[
    (40_110, "a cancel takes another writer's upload for a stray of its own"),
    (113_918, "a sweep deletes a record that is younger than the one it has read"),
    (331_548, "a commit whose deletion of the record is still under way"),
    (343_626, "a delete that crashed had aborted an upload"),
    (399_584, "a delete that crashed had aborted an upload while it was being claimed"),
    (137_688, "a record that another writer's commit cannot know of, in fair weather"),
    (144_704, "two sessions that went on from one record, in fair weather"),
    (157_896, "an append to what another writer closed before somebody's commit"),
    (564_913, "a record of a writer that was overtaken, in fair weather"),
];

#[test]
fn no_world_is_violated() {
    let options = Options::new();
    let mut counts = Counts::default();
    for seed in (0..SEEDS_MAX).chain(REGRESSIONS.iter().map(|(seed, _)| *seed)) {
        let report = run(Dice::new(seed), &options);
        if let Some(violation) = report.violation {
            panic!("seed {seed}: {violation}\nreplay: {}", replay(seed, Planted::Nothing));
        }
        counts.add(&report.counts);
    }
    println!("{counts}");
    assert_eq!(counts.missing(), Vec::<String>::new());
}

#[test]
fn the_same_seed_makes_the_same_transcript() {
    let options = Options::new();
    let transcripts = |options: &Options| {
        (0..50).map(|seed| run(Dice::new(seed), options).transcript).collect::<Vec<_>>()
    };
    let first = transcripts(&options);
    assert_eq!(first, transcripts(&options));
    let mut distinct = first.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), first.len(), "different seeds make different worlds");
}

/// Within how many seeds every planted bug must be found.
const SEEDS_MAX: u64 = 2000;

#[test]
fn every_planted_bug_is_caught() {
    let bugs = Mutex::new(Planted::ALL.iter());
    let escaped = Mutex::new(Vec::new());
    let hunt = || {
        // What the lock guards is taken out at once, so that the others may go on.
        while let Some(planted) = { bugs.lock().unwrap().next() } {
            match caught(*planted) {
                Some((seeds, violation)) => {
                    println!("{:<50} N = {seeds:>5}  {violation:.150}", planted.name());
                }
                None => escaped.lock().unwrap().push(planted.name()),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(hunt);
        }
    });
    assert_eq!(*escaped.lock().unwrap(), Vec::<&str>::new(), "not shown by {SEEDS_MAX} worlds");
}

/// How many seeds it took, and what was seen.
fn caught(planted: Planted) -> Option<(u64, String)> {
    let options = Options::new().planted(planted);
    (0..SEEDS_MAX).find_map(|seed| {
        let violation = run(Dice::new(seed), &options).violation?;
        Some((seed + 1, violation))
    })
}
