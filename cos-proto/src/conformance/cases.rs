//! All cases, and those of the source suites that are not among them.

mod append;
mod concurrent;
mod content;
mod damage;
mod delete;
mod downloads;
mod keys;
mod list;
mod moves;
mod outcomes;
mod read_ahead;
mod redirect;
mod registry;
mod resume;
mod retries;
mod splits;
mod stat;
mod streams;
mod walk;
mod writer;

use super::Case;

/// The suite that most cases come from.
const TESTSUITES: &str = "testsuites.go";
/// What that suite does not cover (storage-driver contract, §2.1).
const UNCOVERED: &str = "not covered by testsuites.go";
/// The s3 driver's own tests.
const S3_TEST: &str = "s3_test.go";
/// The tests of the generic walk.
const WALK_TEST: &str = "walk_test.go";
/// What earlier drivers got wrong (storage-driver contract, §3 to §5).
const CHECKLIST: &str = "checklist of earlier drivers' faults";
/// What only this driver promises.
const PROMISED: &str = "this driver's promises";
/// What goes wrong on a network and in a service.
const FAULTS: &str = "faults";

/// All cases, in the order in which they are run.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    let groups: [&'static [Case]; 20] = [
        content::CASES,
        streams::CASES,
        append::CASES,
        list::CASES,
        moves::CASES,
        delete::CASES,
        redirect::CASES,
        stat::CASES,
        concurrent::CASES,
        writer::CASES,
        keys::CASES,
        walk::CASES,
        registry::CASES,
        splits::CASES,
        resume::CASES,
        outcomes::CASES,
        damage::CASES,
        downloads::CASES,
        read_ahead::CASES,
        retries::CASES,
    ];
    groups.into_iter().flatten()
}

/// A test of a source suite that is not among the cases.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LeftOut {
    /// Its name.
    pub name: &'static str,
    /// The suite.
    pub source: &'static str,
    /// Why.
    pub reason: &'static str,
}

const fn left_out(name: &'static str, source: &'static str, reason: &'static str) -> LeftOut {
    LeftOut { name, source, reason }
}

/// The tests of the source suites that are not among the cases, and why.
pub const LEFT_OUT: &[LeftOut] = &[
    left_out("Benchmark*", TESTSUITES, "they measure time and assert nothing"),
    left_out("ClientTransport", S3_TEST, "no parameter turns off certificate checks"),
    left_out("GetS3LogLevelFromParam", S3_TEST, "there is no such parameter"),
    left_out(
        "WalkFallback order",
        WALK_TEST,
        "this walk is in the order of keys, as s3's; the skip, stop and error rows are kept",
    ),
    left_out(
        "WalkFallback hints",
        WALK_TEST,
        "ancestors of the entry after the hint are reported again, as by s3; see WalkStart*",
    ),
];

const fn case(
    name: &'static str,
    source: &'static str,
    run: fn(&super::Trial<'_>) -> super::Outcome,
) -> Case {
    Case { name, source, run }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_its_own_name_and_a_source() {
        let names: BTreeSet<&str> = cases().map(|case| case.name).collect();
        assert_eq!(names.len(), cases().count());
        assert!(cases().all(|case| !case.source.is_empty()));
        assert!(LEFT_OUT.iter().all(|left| !left.reason.is_empty()));
    }
}
