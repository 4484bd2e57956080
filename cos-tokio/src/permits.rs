//! How many exchanges run at once, over all operations of a client.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use cos_proto::{Lane, Observer};
use tokio::sync::Semaphore;

use crate::in_place::Place;

/// The permits of one client, handed out first come, first served.
///
/// Bulk exchanges first pass a gate that is one narrower, so that parts never keep everything else
/// waiting. Whoever waits at either place holds nothing that a running exchange needs.
pub(crate) struct Permits {
    all: Semaphore,
    bulk: Option<Semaphore>,
    in_use: AtomicUsize,
    places: Mutex<Places>,
    observer: Arc<dyn Observer>,
}

/// The exchanges that go on only while their operations are polled. There is none while anybody
/// queues: an operation that nobody polls would keep its permit.
#[derive(Default)]
struct Places {
    queueing: usize,
    taken: Vec<Arc<Place>>,
}

impl Permits {
    pub(crate) fn new(limit: usize, observer: Arc<dyn Observer>) -> Arc<Self> {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            all: Semaphore::new(limit),
            bulk: (limit > 1).then(|| Semaphore::new(limit - 1)),
            in_use: AtomicUsize::new(0),
            places: Mutex::default(),
            observer,
        })
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(self: &Arc<Self>, lane: Lane) -> Permit {
        if let Some(permit) = self.try_acquire(lane) {
            return permit;
        }
        let _queueing = self.queue();
        // An error only if a semaphore were closed, which never happens.
        let bulk = match self.gate(lane) {
            Some(gate) => gate.acquire().await.ok(),
            None => None,
        };
        if let Ok(permit) = self.all.acquire().await {
            permit.forget();
        }
        if let Some(permit) = bulk {
            permit.forget();
        }
        self.taken(lane)
    }

    /// A permit, if there is one now.
    pub(crate) fn try_acquire(self: &Arc<Self>, lane: Lane) -> Option<Permit> {
        let bulk = match self.gate(lane) {
            Some(gate) => Some(gate.try_acquire().ok()?),
            None => None,
        };
        self.all.try_acquire().ok()?.forget();
        if let Some(permit) = bulk {
            permit.forget();
        }
        Some(self.taken(lane))
    }

    /// How many are taken now.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }

    /// Lets an exchange go on in its place until somebody queues.
    pub(crate) fn settle(&self, place: &Arc<Place>) {
        let mut places = self.places();
        if places.queueing == 0 {
            places.taken.push(Arc::clone(place));
        } else {
            drop(places);
            place.vacate();
        }
    }

    /// The exchange is over.
    pub(crate) fn leave(&self, place: &Arc<Place>) {
        let mut places = self.places();
        if let Some(at) = places.taken.iter().position(|taken| Arc::ptr_eq(taken, place)) {
            places.taken.swap_remove(at);
        }
    }

    fn queue(&self) -> Queueing<'_> {
        let mut places = self.places();
        places.queueing += 1;
        let taken = std::mem::take(&mut places.taken);
        drop(places);
        for place in taken {
            place.vacate();
        }
        Queueing(self)
    }

    fn taken(self: &Arc<Self>, lane: Lane) -> Permit {
        let permit = Permit { permits: Arc::clone(self), held: Some(lane) };
        self.observer.permits(self.in_use.fetch_add(1, Ordering::AcqRel) + 1);
        permit
    }

    fn gate(&self, lane: Lane) -> Option<&Semaphore> {
        self.bulk.as_ref().filter(|_| lane == Lane::Bulk)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing panics while it holds the lock.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who waits for a permit.
struct Queueing<'a>(&'a Permits);

impl Drop for Queueing<'_> {
    fn drop(&mut self) {
        self.0.places().queueing -= 1;
    }
}

/// Covers one exchange, until it is given back or dropped.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    held: Option<Lane>,
}

impl Permit {
    /// It is free again, also if the observer panics.
    pub(crate) fn give_back(&mut self) {
        let Some(lane) = self.held.take() else { return };
        let in_use = self.permits.in_use.fetch_sub(1, Ordering::AcqRel).saturating_sub(1);
        let _free = Free(&self.permits, lane);
        self.permits.observer.permits(in_use);
    }

    /// Who is told what becomes of the exchange.
    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.permits.observer
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// A permit that nobody has.
struct Free<'a>(&'a Permits, Lane);

impl Drop for Free<'_> {
    fn drop(&mut self) {
        self.0.all.add_permits(1);
        if let Some(gate) = self.0.gate(self.1) {
            gate.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        task::{Context, Poll},
    };

    use super::*;

    /// Polls once.
    async fn at_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        poll_fn(|cx: &mut Context<'_>| {
            Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
                Poll::Ready(output) => Some(output),
                Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn bulk_exchanges_leave_one_permit_to_the_others() {
        let permits = Permits::new(3, Arc::new(()));
        let first = permits.acquire(Lane::Bulk).await;
        let _second = permits.acquire(Lane::Bulk).await;
        let mut third = Box::pin(permits.acquire(Lane::Bulk));
        assert!(at_once(&mut third).await.is_none());
        let control = permits.acquire(Lane::Control).await;
        assert_eq!(permits.in_use(), 3);
        drop(first);
        assert!(at_once(&mut third).await.is_some(), "a bulk permit is free again");
        drop(control);
        assert_eq!(permits.in_use(), 1);
    }

    #[tokio::test]
    async fn one_permit_alone_serves_both_lanes_in_the_order_of_asking() {
        let permits = Permits::new(1, Arc::new(()));
        let held = permits.acquire(Lane::Bulk).await;
        let mut second = Box::pin(permits.acquire(Lane::Control));
        let mut third = Box::pin(permits.acquire(Lane::Bulk));
        assert!(at_once(&mut second).await.is_none());
        assert!(at_once(&mut third).await.is_none());
        drop(held);
        assert!(at_once(&mut third).await.is_none(), "the second asked before");
        let second = at_once(&mut second).await.expect("free");
        drop(second);
        assert!(at_once(&mut third).await.is_some());
    }
}
