//! What happened in a world, and in many.

use std::{collections::BTreeMap, fmt};

use super::network::{self, FaultKind};

/// What came of one world.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What must not be; `None` if all was well.
    pub violation: Option<String>,
    /// Of everything that happened, in order: the same choices give the same.
    pub transcript: u64,
    /// What happened how often.
    pub counts: Counts,
    /// The story, if it was asked for.
    pub trace: Vec<String>,
}

/// What happened how often, in one world or in many.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Worlds.
    pub worlds: u64,
    /// Client processes that were there from the start, each with a driver of its own.
    pub clients: u64,
    /// Calls that programs made.
    pub operations: u64,
    /// What came of them, by call and outcome.
    pub outcomes: BTreeMap<(&'static str, &'static str), u64>,
    /// Processes killed.
    pub crashes: u64,
    /// Writers that went on from what an earlier one had closed.
    pub resumes: u64,
    /// Requests, faults and what else the network did.
    pub network: network::Counts,
}

impl Counts {
    pub(super) fn outcome(&mut self, call: &'static str, outcome: &'static str) {
        *self.outcomes.entry((call, outcome)).or_default() += 1;
    }

    /// Adds those of other worlds.
    pub fn add(&mut self, other: &Self) {
        self.worlds += other.worlds;
        self.clients += other.clients;
        self.operations += other.operations;
        self.crashes += other.crashes;
        self.resumes += other.resumes;
        for (what, times) in &other.outcomes {
            *self.outcomes.entry(*what).or_default() += times;
        }
        self.network.add(&other.network);
    }

    /// What should have happened in so many worlds and did not: a simulation that misses a kind of
    /// fault, or an outcome, shows nothing about it.
    pub fn missing(&self) -> Vec<String> {
        let faults = FaultKind::ALL.into_iter().filter(|kind| self.network.of(*kind) == 0);
        let mut missing: Vec<_> =
            faults.map(|kind| format!("fault {:?} never happened", kind.name())).collect();
        if self.worlds >= ALL_PAIRS_WORLDS {
            for (kind, call) in self.network.unmet() {
                missing.push(format!("fault {:?} never met {}", kind.name(), call.name()));
            }
        }
        for expected in EXPECTED {
            if !self.outcomes.contains_key(expected) {
                missing.push(format!("no {} ever ended as {:?}", expected.0, expected.1));
            }
        }
        for (what, times) in [
            ("retry", self.network.retries),
            ("resume", self.resumes),
            ("crash", self.crashes),
            ("unheard Create", self.network.strays),
            ("late write that was overtaken", self.network.late_dropped),
        ] {
            if times == 0 {
                missing.push(format!("no {what} in all worlds"));
            }
        }
        let per_world = |what: u64| what / self.worlds.max(1);
        for (what, times, least) in [
            ("operations", per_world(self.operations), 30),
            ("faults", per_world(self.network.faults()), 10),
            ("clients", per_world(self.clients), 2),
        ] {
            if times < least {
                missing.push(format!("{times} {what} a world, at least {least} are expected"));
            }
        }
        missing
    }
}

/// In so many worlds every kind of fault must meet every call that it can.
const ALL_PAIRS_WORLDS: u64 = 100_000;

/// Calls and outcomes that many worlds cannot do without.
const EXPECTED: &[(&str, &str)] = &[
    ("get", "content"),
    ("get", "PathNotFound"),
    ("read", "content"),
    ("read", "broken"),
    ("put", "done"),
    ("put", "OutcomeUnknown"),
    ("open", "opened"),
    ("open", "PathNotFound"),
    ("open", "AlreadyCommitted"),
    ("write", "done"),
    ("close", "done"),
    ("commit", "done"),
    ("commit", "OutcomeUnknown"),
    ("commit", "UploadLost"),
    ("commit", "Overwritten"),
    ("cancel", "done"),
    ("stat", "info"),
    ("list", "names"),
    ("walk", "entries"),
    ("rename", "done"),
    ("rename", "PathNotFound"),
    ("delete", "done"),
    ("delete", "PathNotFound"),
    ("sweep", "done"),
    ("copy_key", "done"),
    ("upload_key", "done"),
];

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let per_world = |what: u64| what as f64 / self.worlds.max(1) as f64;
        let mut line = |what: &str, times: u64| {
            writeln!(out, "{what:<44} {times:>14} {:>10.3} a world", per_world(times))
        };
        line("worlds", self.worlds)?;
        line("clients", self.clients)?;
        line("operations", self.operations)?;
        line("crashes", self.crashes)?;
        line("resumes", self.resumes)?;
        line("requests", self.network.requests)?;
        line("retries", self.network.retries)?;
        line("requests that reached the service", self.network.reached)?;
        line("late copies dropped", self.network.late_dropped)?;
        line("uploads that nobody was told of", self.network.strays)?;
        for ((call, outcome), times) in &self.outcomes {
            line(&format!("{call}: {outcome}"), *times)?;
        }
        for kind in FaultKind::ALL {
            line(&format!("fault: {}", kind.name()), self.network.of(kind))?;
        }
        for kind in FaultKind::ALL {
            let met = self.network.met(kind);
            let met: Vec<_> = met.map(|(call, times)| format!("{} {times}", call.name())).collect();
            writeln!(out, "{:<28}{}", kind.name(), met.join(" "))?;
        }
        Ok(())
    }
}
