//! What has happened how often, and which fault has met which call.

use std::{collections::BTreeMap, fmt};

use super::FaultKind;
use crate::CallKind;

/// What has happened in one network, or in many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    faults: BTreeMap<(FaultKind, CallKind), u64>,
    /// Requests that clients sent.
    pub requests: u64,
    /// Those of them that were not the first attempt of their call.
    pub retries: u64,
    /// Requests that the service got, twice if they came twice.
    pub reached: u64,
    /// Late copies that were dropped, since something later had been done to their key.
    pub late_dropped: u64,
    /// Uploads opened of which nobody was told.
    pub strays: u64,
}

impl Counts {
    /// How often this really happened to an exchange.
    pub fn of(&self, kind: FaultKind) -> u64 {
        let of_kind = self.faults.iter().filter(|((met, _), _)| *met == kind);
        of_kind.map(|(_, times)| times).sum()
    }

    /// How often this really happened to an exchange of such a call.
    pub fn at(&self, kind: FaultKind, call: CallKind) -> u64 {
        self.faults.get(&(kind, call)).copied().unwrap_or(0)
    }

    /// The calls that this happened to, and how often.
    pub fn met(&self, kind: FaultKind) -> impl Iterator<Item = (CallKind, u64)> {
        CALLS.into_iter().map(move |call| (call, self.at(kind, call))).filter(|met| met.1 > 0)
    }

    /// All faults.
    pub fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    /// The calls that a kind of fault can meet and has not.
    pub fn unmet(&self) -> impl Iterator<Item = (FaultKind, CallKind)> {
        let pairs = FaultKind::ALL.into_iter().flat_map(|kind| CALLS.map(|call| (kind, call)));
        pairs.filter(|(kind, call)| kind.meets(*call) && self.at(*kind, *call) == 0)
    }

    pub(super) fn happened(&mut self, kind: FaultKind, call: CallKind) {
        *self.faults.entry((kind, call)).or_default() += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.faults {
            *self.faults.entry(*what).or_default() += times;
        }
        self.requests += other.requests;
        self.retries += other.retries;
        self.reached += other.reached;
        self.late_dropped += other.late_dropped;
        self.strays += other.strays;
    }
}

/// What drivers send: not HEAD Bucket, and no List Parts, since a record names the parts.
const CALLS: [CallKind; 13] = [
    CallKind::PutObject,
    CallKind::GetObject,
    CallKind::HeadObject,
    CallKind::DeleteObject,
    CallKind::DeleteMultipleObjects,
    CallKind::PutObjectCopy,
    CallKind::GetBucket,
    CallKind::InitiateMultipartUpload,
    CallKind::UploadPart,
    CallKind::UploadPartCopy,
    CallKind::CompleteMultipartUpload,
    CallKind::AbortMultipartUpload,
    CallKind::ListMultipartUploads,
];

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in FaultKind::ALL {
            writeln!(out, "{:<26}{:>14}", kind.name(), self.of(kind))?;
        }
        writeln!(out, "{:<26}{:>14}", "requests sent", self.requests)?;
        writeln!(out, "{:<26}{:>14}", "requests that reached COS", self.reached)?;
        writeln!(out, "{:<26}{:>14}", "late copies dropped", self.late_dropped)?;
        writeln!(out, "{:<26}{:>14}", "uploads nobody knows of", self.strays)
    }
}
