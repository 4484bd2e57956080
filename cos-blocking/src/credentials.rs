//! Where a client gets its credentials from.

mod cvm_role;
mod environment;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use cos_proto::{Credentials, CredentialsFailed};

pub use self::{cvm_role::CvmRole, environment::Environment};

/// Gives credentials: when a client has none, when they are about to expire, and when COS refuses
/// them.
///
/// One call at a time is made for all operations of a client, on the thread of one that needs them;
/// the others wait for it. So a provider must end within a reasonable time.
pub trait CredentialsProvider: Send + Sync {
    /// The credentials to use from now on.
    ///
    /// # Errors
    /// None can be had. The operations that need them fail with
    /// [`ErrorKind::Credentials`](cos_proto::ErrorKind::Credentials), unless the old ones still work.
    fn credentials(&self) -> Result<Credentials, CredentialsFailed>;
}

/// Always these.
impl CredentialsProvider for Credentials {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        Ok(self.clone())
    }
}

impl<P: CredentialsProvider + ?Sized> CredentialsProvider for Arc<P> {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        (**self).credentials()
    }
}

/// One call of the provider for all who find at the same time that they need credentials.
pub(crate) struct SingleFlight {
    provider: Arc<dyn CredentialsProvider>,
    flights: AtomicU64,
    last: Mutex<Option<Result<Credentials, CredentialsFailed>>>,
}

/// How many calls had ended at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flights(u64);

impl SingleFlight {
    pub(crate) fn new(provider: Arc<dyn CredentialsProvider>) -> Self {
        Self { provider, flights: AtomicU64::new(0), last: Mutex::new(None) }
    }

    /// To be asked *before* looking whether credentials are needed.
    pub(crate) fn flights(&self) -> Flights {
        Flights(self.flights.load(Ordering::Acquire))
    }

    /// What the provider answers, or has answered since `seen`.
    pub(crate) fn fetch(&self, seen: Flights) -> Result<Credentials, CredentialsFailed> {
        // A provider that panicked has left no answer, so the next caller asks anew.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if self.flights() > seen
            && let Some(answer) = &*last
        {
            return answer.clone();
        }
        let answer = self.provider.credentials();
        *last = Some(answer.clone());
        self.flights.fetch_add(1, Ordering::AcqRel);
        answer
    }
}

impl fmt::Debug for SingleFlight {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SingleFlight").field("flights", &self.flights).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    struct Counting(AtomicU64);

    impl CredentialsProvider for Counting {
        fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
            let call = self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Credentials::new(format!("id{call}"), "key"))
        }
    }

    #[test]
    fn all_who_need_credentials_at_once_share_one_call() {
        let provider = Arc::new(Counting(AtomicU64::new(0)));
        let flight = SingleFlight::new(Arc::<Counting>::clone(&provider) as _);
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let seen = flight.flights();
                    barrier.wait();
                    assert_eq!(flight.fetch(seen).unwrap().secret_id(), "id0");
                });
            }
        });
        assert_eq!(provider.0.load(Ordering::SeqCst), 1);
        assert_eq!(flight.fetch(flight.flights()).unwrap().secret_id(), "id1");
    }

    #[test]
    fn an_answer_shows_no_secret() {
        let flight = SingleFlight::new(Arc::new(Credentials::new("id", "the-key")));
        flight.fetch(flight.flights()).unwrap();
        assert!(!format!("{flight:?}").contains("the-key"));
    }
}
