//! The gate of `maxconcurrency`: who may exchange with COS now, in the order of asking.

use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use cos_proto::{Lane, Observer};

/// Hands out permits, first come first served within a lane.
///
/// Bulk exchanges hold all permits but one together, so that a call that finishes an upload never
/// queues behind parts alone. Whoever holds a permit exchanges and waits for nobody else's.
pub(crate) struct Gate {
    limit: NonZeroUsize,
    bulk_limit: usize,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_use: usize,
    bulk_in_use: usize,
    queue: VecDeque<Waiter>,
}

struct Waiter {
    lane: Lane,
    owner: Owner,
    /// Called without the lock held.
    granted: Box<dyn FnOnce(Permit) + Send>,
}

/// Whether whoever asked for a permit still wants it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owner(Arc<AtomicBool>);

impl Owner {
    /// Says that nothing it asked for is wanted any more.
    pub(crate) fn abandon(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn has_abandoned(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The right to one exchange; given back when dropped.
pub(crate) struct Permit {
    gate: Arc<Gate>,
    lane: Lane,
}

impl Gate {
    pub(crate) fn new(limit: NonZeroUsize, observer: Arc<dyn Observer>) -> Self {
        let bulk_limit = (limit.get() - 1).max(1);
        Self { limit, bulk_limit, observer, state: Mutex::default() }
    }

    /// Waits for a permit on this thread.
    pub(crate) fn enter(self: &Arc<Self>, lane: Lane, owner: &Owner) -> Option<Permit> {
        if owner.has_abandoned() {
            return None;
        }
        if let Ok(permit) = self.try_take(self.lock(), lane) {
            return Some(permit);
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        self.ask(lane, owner, move |permit| {
            // A receiver that is gone drops the permit, which gives it back.
            drop(sender.send(permit));
        });
        receiver.recv().ok()
    }

    /// Calls `granted` with a permit: at once on this thread, or later on the thread that gives one
    /// back. Never calls it if the owner has abandoned its requests by then.
    pub(crate) fn ask(
        self: &Arc<Self>,
        lane: Lane,
        owner: &Owner,
        granted: impl FnOnce(Permit) + Send + 'static,
    ) {
        if owner.has_abandoned() {
            return;
        }
        match self.try_take(self.lock(), lane) {
            Ok(permit) => granted(permit),
            Err(mut state) => {
                let owner = owner.clone();
                state.queue.push_back(Waiter { lane, owner, granted: Box::new(granted) });
            }
        }
    }

    /// A permit at once, or the state as it is without one to be had.
    fn try_take<'a>(
        self: &Arc<Self>,
        mut state: MutexGuard<'a, State>,
        lane: Lane,
    ) -> Result<Permit, MutexGuard<'a, State>> {
        if !self.admits(&state, lane) {
            return Err(state);
        }
        let permit = self.take(&mut state, lane);
        let in_use = state.in_use;
        drop(state);
        self.observer.permits(in_use);
        Ok(permit)
    }

    /// Drops what abandoned owners have queued, and the memory that it holds.
    pub(crate) fn forget_abandoned(&self) {
        let mut state = self.lock();
        if state.queue.iter().any(|waiter| waiter.owner.has_abandoned()) {
            let (dead, alive): (VecDeque<_>, _) =
                state.queue.drain(..).partition(|waiter| waiter.owner.has_abandoned());
            state.queue = alive;
            drop(state);
            drop(dead);
        }
    }

    /// How many permits are taken now.
    pub(crate) fn in_use(&self) -> usize {
        self.lock().in_use
    }

    /// How many permits there are.
    pub(crate) fn limit(&self) -> NonZeroUsize {
        self.limit
    }

    fn admits(&self, state: &State, lane: Lane) -> bool {
        state.in_use < self.limit.get()
            && (lane == Lane::Control || state.bulk_in_use < self.bulk_limit)
    }

    fn take(self: &Arc<Self>, state: &mut State, lane: Lane) -> Permit {
        state.in_use += 1;
        state.bulk_in_use += usize::from(lane == Lane::Bulk);
        Permit { gate: Arc::clone(self), lane }
    }

    fn give_back(self: &Arc<Self>, lane: Lane) {
        let mut state = self.lock();
        state.in_use -= 1;
        state.bulk_in_use -= usize::from(lane == Lane::Bulk);
        let mut dead = Vec::new();
        let mut next = None;
        let mut place = 0;
        while next.is_none() {
            let Some(waiter) = state.queue.get(place) else { break };
            if waiter.owner.has_abandoned() {
                dead.extend(state.queue.remove(place));
            } else if self.admits(&state, waiter.lane) {
                next = state.queue.remove(place);
            } else {
                place += 1;
            }
        }
        let granted = next.map(|waiter| (self.take(&mut state, waiter.lane), waiter.granted));
        let in_use = state.in_use;
        drop(state);
        drop(dead);
        match granted {
            // One permit came back and went out again.
            Some((permit, granted)) => granted(permit),
            None => self.observer.permits(in_use),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and every state is valid on its own.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.give_back(self.lane);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Permit({:?})", self.lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(limit: usize) -> Arc<Gate> {
        Arc::new(Gate::new(NonZeroUsize::new(limit).unwrap(), Arc::new(())))
    }

    /// Asks, and says by what it returns whether a permit has come.
    fn ask(gate: &Arc<Gate>, lane: Lane, owner: &Owner) -> mpsc::Receiver<Permit> {
        let (sender, receiver) = mpsc::channel();
        gate.ask(lane, owner, move |permit| sender.send(permit).unwrap());
        receiver
    }

    #[test]
    fn hands_out_no_more_than_the_limit_and_first_come_first_served() {
        let (gate, owner) = (gate(2), Owner::default());
        let one = gate.enter(Lane::Control, &owner).unwrap();
        let _two = gate.enter(Lane::Control, &owner).unwrap();
        let third = ask(&gate, Lane::Control, &owner);
        let fourth = ask(&gate, Lane::Control, &owner);
        assert!(third.try_recv().is_err());
        drop(one);
        let third = third.try_recv().unwrap();
        assert!(fourth.try_recv().is_err());
        drop(third);
        assert!(fourth.try_recv().is_ok());
    }

    #[test]
    fn bulk_leaves_one_permit_to_control_calls() {
        let (gate, owner) = (gate(2), Owner::default());
        let bulk = gate.enter(Lane::Bulk, &owner).unwrap();
        let waiting = ask(&gate, Lane::Bulk, &owner);
        assert!(waiting.try_recv().is_err());
        drop(ask(&gate, Lane::Control, &owner).try_recv().unwrap());
        assert!(waiting.try_recv().is_err(), "the control permit is not for bulk");
        drop(bulk);
        assert!(waiting.try_recv().is_ok());
    }

    #[test]
    fn a_single_permit_serves_both_lanes() {
        let (gate, owner) = (gate(1), Owner::default());
        drop(gate.enter(Lane::Bulk, &owner).unwrap());
        drop(gate.enter(Lane::Control, &owner).unwrap());
    }

    #[test]
    fn an_abandoned_request_gets_no_permit_and_keeps_no_memory() {
        let gate = gate(1);
        let (kept, gone) = (Owner::default(), Owner::default());
        let held = gate.enter(Lane::Control, &kept).unwrap();
        let (first, second) = (ask(&gate, Lane::Control, &gone), ask(&gate, Lane::Control, &gone));
        let third = ask(&gate, Lane::Control, &kept);
        gone.abandon();
        gate.forget_abandoned();
        for waiter in [&first, &second] {
            assert_eq!(waiter.try_recv().unwrap_err(), mpsc::TryRecvError::Disconnected);
        }
        assert!(gate.enter(Lane::Control, &gone).is_none());
        drop(held);
        assert!(third.try_recv().is_ok());
    }

    #[test]
    fn many_threads_never_hold_more_than_the_limit() {
        use std::sync::atomic::AtomicUsize;
        let (gate, held, most) = (gate(3), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (gate, held, most) = (&gate, &held, &most);
                scope.spawn(move || {
                    let lane = if thread % 2 == 0 { Lane::Bulk } else { Lane::Control };
                    for _ in 0..200 {
                        let permit = gate.enter(lane, &Owner::default()).unwrap();
                        most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        held.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 3);
        let state = gate.lock();
        assert_eq!((state.in_use, state.bulk_in_use, state.queue.len()), (0, 0, 0));
    }
}
