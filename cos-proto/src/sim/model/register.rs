//! One register of the bucket: what it may hold, since when and until when.
//!
//! A write is an interval: from its begin on its value may be there. It is *closed* at the last
//! moment at which it can take effect, and *dead* from when its value cannot be there any more:
//! when a write that began after it was closed is acknowledged, or a read that began after that
//! shows another value.

use super::{CallId, Millis, ProcessId, WriterId, state::Under};

/// A place in the order of all begins and ends, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) seq: u64,
    pub(super) at: Millis,
}

impl Moment {
    pub(super) const START: Self = Self { seq: 0, at: 0 };
    pub(super) const NEVER: Self = Self { seq: u64::MAX, at: Millis::MAX };
}

/// Whose write it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// What was there from the start.
    Start,
    Call(CallId),
    /// A writer's claim, which it makes when it likes.
    Claim(WriterId),
    /// Bytes damaged on their way, if it is clear on whose.
    Damage(Option<CallId>),
}

#[derive(Clone, Debug)]
pub(super) struct Candidate<V> {
    /// Tells versions apart, as an ETag does.
    pub(super) id: u64,
    pub(super) value: V,
    pub(super) owner: Owner,
    /// Whose memory has it once it is acknowledged.
    pub(super) process: Option<ProcessId>,
    pub(super) acknowledged: bool,
    pub(super) begun: Moment,
    /// When its client has sent the last of it.
    pub(super) ended: u64,
    /// The last place at which it can take effect.
    pub(super) last: u64,
    pub(super) dead: Moment,
    /// A completion: its upload's end keeps it from taking effect twice.
    pub(super) once: bool,
}

impl<V> Candidate<V> {
    pub(super) fn is_alive(&self) -> bool {
        self.dead == Moment::NEVER
    }

    fn die(&mut self, now: Moment) {
        if self.is_alive() {
            self.dead = now;
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Register<V> {
    pub(super) candidates: Vec<Candidate<Option<V>>>,
    /// Calls by which a process forgets that it created this, and where they ended.
    pub(super) forgotten: Vec<(ProcessId, CallId, u64)>,
}

impl<V: Clone + PartialEq> Register<V> {
    /// Nothing is there.
    pub(super) fn new() -> Self {
        let nothing = Candidate {
            id: 0,
            value: None,
            owner: Owner::Start,
            process: None,
            acknowledged: true,
            begun: Moment::START,
            ended: 0,
            last: 0,
            dead: Moment::NEVER,
            once: false,
        };
        Self { candidates: vec![nothing], forgotten: Vec::new() }
    }

    /// From now on what this process creates here is not remembered by it.
    pub(super) fn begin_forgetting(&mut self, under: &Under) {
        self.forgotten.push((under.process, under.id, u64::MAX));
    }

    /// It is remembered again.
    pub(super) fn end_forgetting(&mut self, under: &Under, now: Moment) {
        for entry in self.forgotten.iter_mut().filter(|(_, call, _)| *call == under.id) {
            entry.2 = now.seq;
        }
    }

    /// A write of this value begins, or another value that it may have.
    pub(super) fn add(&mut self, candidate: Candidate<Option<V>>) {
        let known = |other: &Candidate<Option<V>>| {
            other.owner == candidate.owner
                && other.value == candidate.value
                && other.last == u64::MAX
                && other.is_alive()
        };
        if !self.candidates.iter().any(known) {
            self.candidates.push(candidate);
        }
    }

    /// What a call that began at `since` may have met.
    pub(super) fn met(&self, since: u64) -> impl Iterator<Item = &Candidate<Option<V>>> {
        self.candidates.iter().filter(move |candidate| candidate.dead.seq > since)
    }

    pub(super) fn may_be(&self, since: u64, test: impl Fn(&Option<V>) -> bool) -> bool {
        self.met(since).any(|candidate| test(&candidate.value))
    }

    /// A write is acknowledged: it took effect between `begun` and `now`. `sent` says that this
    /// needed a request for the key.
    pub(super) fn acknowledge(&mut self, owner: Owner, begun: Moment, now: Moment, sent: bool) {
        let repeats = self.is_contended(owner);
        for other in &mut self.candidates {
            if other.owner == owner {
                other.acknowledged = true;
                other.ended = other.ended.min(now.seq);
                if !repeats || other.once {
                    other.last = other.last.min(now.seq);
                }
                continue;
            }
            let dropped = sent && other.ended <= begun.seq;
            match (other.owner, owner) {
                (Owner::Damage(Some(whose)), Owner::Call(call)) if whose == call => other.die(now),
                _ if other.last <= begun.seq => other.die(now),
                _ if dropped => {
                    other.last = begun.seq;
                    other.die(now);
                }
                _ => {}
            }
        }
    }

    /// Its client has given up or is gone: it may still take effect.
    pub(super) fn give_up(&mut self, owner: Owner, now: Moment) {
        for own in self.candidates.iter_mut().filter(|own| own.owner == owner) {
            own.ended = own.ended.min(now.seq);
        }
    }

    /// It may or may not have taken effect, and will not any more.
    pub(super) fn close(&mut self, owner: Owner, now: Moment) {
        let repeats = self.is_contended(owner);
        for own in self.candidates.iter_mut().filter(|own| own.owner == owner) {
            own.ended = own.ended.min(now.seq);
            if !repeats {
                own.last = own.last.min(now.seq);
            }
        }
    }

    /// Whether somebody else's write was under way meanwhile. The one that was sent first may have
    /// been executed last; then the other one, delivered twice, can come back: nothing that was
    /// sent later has been executed.
    fn is_contended(&self, owner: Owner) -> bool {
        let own = || self.candidates.iter().filter(|own| own.owner == owner);
        let Some(begun) = own().map(|own| own.begun.seq).min() else { return false };
        self.candidates.iter().any(|other| {
            let by_somebody = other.owner != owner && !matches!(other.owner, Owner::Damage(_));
            by_somebody && other.is_alive() && other.ended > begun
        })
    }

    /// Something later of the same client has overtaken it.
    pub(super) fn overtake(&mut self, owner: Owner, now: Moment) {
        for own in self.candidates.iter_mut().filter(|own| own.owner == owner) {
            own.ended = own.ended.min(now.seq);
            own.last = own.last.min(now.seq);
            own.die(now);
        }
    }

    /// It did not take effect. Whether that can be: something must be there.
    pub(super) fn undo(&mut self, owner: Owner) -> bool {
        self.candidates.retain(|candidate| candidate.owner != owner);
        self.candidates.iter().any(Candidate::is_alive)
    }

    /// A call that began at `since` has seen a value for which `test` holds.
    pub(super) fn observe(
        &mut self,
        since: u64,
        now: Moment,
        test: impl Fn(&Candidate<Option<V>>) -> bool,
    ) {
        for candidate in &mut self.candidates {
            if candidate.last <= since && !test(candidate) {
                candidate.die(now);
            }
        }
    }

    /// Nothing is late any more but what is under way.
    pub(super) fn settle(&mut self, now: Moment) {
        for candidate in &mut self.candidates {
            if candidate.ended != u64::MAX {
                candidate.last = candidate.last.min(now.seq);
            }
        }
    }

    /// Forgets what no call can meet any more, be it in a list.
    pub(super) fn prune(&mut self, oldest: Moment, lag: Millis) {
        self.candidates.retain(|candidate| {
            candidate.dead.seq > oldest.seq || candidate.dead.at.saturating_add(lag) >= oldest.at
        });
    }

    /// Whether a list made at `at` or later must show it, unless this deletion has changed that:
    /// it was there the lag before.
    pub(super) fn must_be_listed(&self, at: Millis, lag: Millis, except: Option<Owner>) -> bool {
        let absent = |candidate: &Candidate<Option<V>>| {
            candidate.value.is_none()
                && Some(candidate.owner) != except
                && candidate.dead.at.saturating_add(lag) >= at
        };
        !self.candidates.iter().any(absent)
    }

    /// What a list made at `at` or later may show.
    pub(super) fn may_be_listed(&self, at: Millis, lag: Millis) -> impl Iterator<Item = &V> {
        let shown = self.candidates.iter();
        let shown = shown.filter(move |candidate| candidate.dead.at.saturating_add(lag) >= at);
        shown.filter_map(|candidate| candidate.value.as_ref())
    }

    /// Whether `process`, whose memory goes back to `since`, certainly remembers when this call of
    /// it begins that it created this.
    pub(super) fn is_remembered(&self, under: &Under, since: u64, memory: Millis) -> bool {
        self.candidates.iter().any(|candidate| {
            candidate.process == Some(under.process)
                && candidate.acknowledged
                && candidate.begun.seq > since
                && candidate.ended < under.begun.seq
                // Times are rounded to milliseconds.
                && candidate.begun.at.saturating_add(memory) > under.begun.at + 2
                && self.forgotten.iter().all(|(who, by, ended)| {
                    *who != under.process || *by == under.id || *ended < candidate.begun.seq
                })
        })
    }
}
