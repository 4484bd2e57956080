//! How many exchanges run at once, over all operations of a client.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use cos_proto::{Lane, Observer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The permits of one client, handed out first come, first served.
///
/// Bulk exchanges first pass a gate that is one narrower, so that parts never keep everything else
/// waiting. Whoever waits at either place holds nothing that a running exchange needs.
pub(crate) struct Permits {
    all: Arc<Semaphore>,
    bulk: Option<Arc<Semaphore>>,
    in_use: Arc<AtomicUsize>,
    observer: Arc<dyn Observer>,
}

impl Permits {
    pub(crate) fn new(limit: usize, observer: Arc<dyn Observer>) -> Self {
        let limit = limit.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            all: Arc::new(Semaphore::new(limit)),
            bulk: (limit > 1).then(|| Arc::new(Semaphore::new(limit - 1))),
            in_use: Arc::default(),
            observer,
        }
    }

    /// Waits for a permit.
    pub(crate) async fn acquire(&self, lane: Lane) -> Permit {
        let bulk = match (&self.bulk, lane) {
            (Some(gate), Lane::Bulk) => take(gate).await,
            _ => None,
        };
        let all = take(&self.all).await;
        let in_use = Arc::clone(&self.in_use);
        self.observer.permits(in_use.fetch_add(1, Ordering::AcqRel) + 1);
        Permit { in_use, observer: Arc::clone(&self.observer), _all: all, _bulk: bulk }
    }

    /// How many are taken now.
    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }
}

/// `None` only if the semaphore were closed, which never happens.
async fn take(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(semaphore).acquire_owned().await.ok()
}

/// Covers one exchange; dropping gives it back.
pub(crate) struct Permit {
    in_use: Arc<AtomicUsize>,
    observer: Arc<dyn Observer>,
    _all: Option<OwnedSemaphorePermit>,
    _bulk: Option<OwnedSemaphorePermit>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.observer.permits(self.in_use.fetch_sub(1, Ordering::AcqRel).saturating_sub(1));
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
