//! What all operations of one client share.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cos_proto::{MemoryBudget, Now, Policy, Session, Ticks, UnixTime};

use crate::{credentials::SingleFlight, exchange::Exchanger, permits::Gate, workers::Workers};

pub(crate) struct Shared {
    pub(crate) session: Session,
    /// One call at a time.
    pub(crate) policy: Policy,
    pub(crate) chunk_size: u64,
    /// Memory for the parts of all writers.
    pub(crate) budget: MemoryBudget,
    pub(crate) credentials: SingleFlight,
    pub(crate) gate: Arc<Gate>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) exchanger: Exchanger,
    epoch: Instant,
    seeds: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        session: Session,
        policy: Policy,
        chunk_size: u64,
        credentials: SingleFlight,
        gate: Arc<Gate>,
        exchanger: Exchanger,
    ) -> Self {
        let permits = u64::try_from(gate.limit().get()).unwrap_or(u64::MAX);
        Self {
            session,
            policy,
            chunk_size,
            budget: MemoryBudget::observed(
                chunk_size.saturating_mul(permits),
                Arc::clone(&exchanger.observer),
            ),
            credentials,
            gate,
            workers: Arc::default(),
            exchanger,
            epoch: Instant::now(),
            // The standard library's hasher keys are the one source of randomness that it has.
            seeds: AtomicU64::new(RandomState::new().hash_one(0)),
        }
    }

    /// What time it is, on both clocks.
    pub(crate) fn now(&self) -> Now {
        Now { ticks: Ticks::new(self.epoch.elapsed()), unix: unix_now() }
    }

    /// How long it is until then.
    pub(crate) fn until(&self, at: Ticks) -> Duration {
        at.saturating_since(Ticks::new(self.epoch.elapsed()))
    }

    /// As many calls of one operation at once as there are permits.
    pub(crate) fn bulk_policy(&self) -> Policy {
        self.policy.clone().in_flight_max(self.gate.limit())
    }

    /// Sees to it that the session has credentials, if any are to be had.
    pub(crate) fn ensure_credentials(&self) {
        let flights = self.credentials.flights();
        if !self.session.has_credentials(unix_now()) {
            let fresh = self.credentials.fetch(flights);
            if let Err(error) = self.session.refresh(unix_now(), fresh) {
                tracing::warn!(%error, "no credentials to presign with");
            }
        }
    }

    /// Another one for each machine, so that they do not back off in step.
    pub(crate) fn seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::Relaxed)
    }
}

fn unix_now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
