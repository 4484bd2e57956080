//! What all machines of a driver share: where the bucket is, who asks, and what they have learned.

mod endpoint;
mod latest_ticks;
mod retry_budget;
mod signing;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Uri};

pub use endpoint::{Bucket, CopySource, Endpoint, Region};
pub(crate) use latest_ticks::LatestTicks;
pub(crate) use signing::Signing;
pub use signing::{Presign, PresignedUrl};

use self::{retry_budget::RetryBudget, signing::Signer};
use crate::{Credentials, CredentialsFailed, Now, UnixTime, api::names::REQUEST_ID};

/// A cheap shared handle: endpoint, bucket, clock skew, credentials, sign-key cache, retry budget.
///
/// One machine learns the skew, one refresh of credentials serves all.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    /// The host used in presigned URLs, where it differs.
    redirect: Option<Endpoint>,
    bucket: Bucket,
    region: Region,
    /// The endpoint again, as every request carries it.
    base: Uri,
    host: HeaderValue,
    user_agent: HeaderValue,
    /// How long a signature must at least be valid: a request may queue for a permit.
    validity_min: Duration,
    latest_ticks: LatestTicks,
    /// The service's clock minus ours, in seconds.
    skew: AtomicI64,
    retries: RetryBudget,
    state: Mutex<State>,
}

/// Who asks.
struct State {
    credentials: Option<Current>,
    generation: Generation,
    /// The service has refused these credentials.
    stale: bool,
    signer: Option<Arc<Signer>>,
}

struct Current {
    credentials: Credentials,
    refresh_at: Option<UnixTime>,
}

/// Counts the credentials a session has had, so that a refusal of older ones only re-signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

impl Session {
    /// A session without credentials: the first machine that signs asks for them.
    pub fn new(bucket: Bucket, region: Region, endpoint: Endpoint) -> Self {
        Self(Arc::new(Inner {
            base: endpoint.to_string().parse().unwrap_or_default(),
            host: signing::value(endpoint.authority()),
            endpoint,
            redirect: None,
            bucket,
            region,
            user_agent: HeaderValue::from_static(concat!("cos-proto/", env!("CARGO_PKG_VERSION"))),
            validity_min: DEFAULT_VALIDITY_MIN,
            latest_ticks: LatestTicks::default(),
            skew: AtomicI64::new(0),
            retries: RetryBudget::default(),
            state: Mutex::new(State {
                credentials: None,
                generation: Generation::default(),
                stale: false,
                signer: None,
            }),
        }))
    }

    /// Starts with credentials. Such as COS cannot have given out are left aside: then the first
    /// machine asks for some.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        if credentials.check().is_ok() {
            self.lock().adopt(UnixTime::from_secs(0), credentials);
        }
        self
    }

    /// Presigned URLs name this host. Call it before the session is shared.
    #[must_use]
    pub fn with_redirect(mut self, redirect: Endpoint) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.redirect = Some(redirect);
        }
        self
    }

    /// Requests carry this User-Agent. Call it before the session is shared.
    #[must_use]
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.user_agent = signing::value(&user_agent.into());
        }
        self
    }

    /// Signatures last twice as long as calls of this deadline. Call it before the session is
    /// shared.
    #[must_use]
    pub fn with_call_deadline(mut self, deadline: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.validity_min = deadline.saturating_mul(2).max(DEFAULT_VALIDITY_MIN);
        }
        self
    }

    /// The bucket.
    pub fn bucket(&self) -> &Bucket {
        &self.0.bucket
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.0.region
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.endpoint
    }

    /// The service's clock minus the caller's, in seconds, as learned from its answers.
    pub fn skew(&self) -> i64 {
        self.0.skew.load(Relaxed)
    }

    /// The time on the caller's monotonic clock as the machines were told it last, in seconds,
    /// rounded up.
    pub(crate) fn latest_ticks(&self) -> LatestTicks {
        self.0.latest_ticks.clone()
    }

    /// A machine has been told the time.
    pub(crate) fn tell(&self, now: Now) {
        self.0.latest_ticks.tell(now.ticks);
    }

    pub(crate) fn learn_skew(&self, service: UnixTime, ours: UnixTime) {
        self.0.skew.store(service.secs_since(ours), Relaxed);
    }

    /// What the service's clock showed at least when ours showed `ours`.
    pub(crate) fn earliest_service_time(&self, ours: UnixTime) -> UnixTime {
        self.service_time(ours) - Duration::from_secs(SKEW_IGNORED)
    }

    /// An answer came to a request that was signed at `sent` on our clock. If its `Date` cannot be
    /// what the known skew predicts, the nearest skew that it can be is learned; so a clock that is
    /// off by less than what COS refuses does not make presigned URLs that it does.
    pub(crate) fn hear(
        &self,
        sent: UnixTime,
        received: UnixTime,
        date: Option<UnixTime>,
        headers: &HeaderMap,
    ) {
        // Without the id it may be a gateway's answer, whose clock is not the service's.
        let Some(date) = date.filter(|_| headers.contains_key(REQUEST_ID)) else { return };
        let (one, other) = (date.secs_since(received), date.secs_since(sent));
        let skew = self.skew();
        let nearest = skew.clamp(one.min(other), one.max(other));
        let off = nearest.abs_diff(skew);
        if off > SKEW_IGNORED && off <= signing::key_time_length(self.0.validity_min).unsigned_abs()
        {
            self.0.skew.store(nearest, Relaxed);
        }
    }

    /// Whether there are credentials to sign with that need not be replaced first.
    pub fn has_credentials(&self, now: UnixTime) -> bool {
        let now = self.service_time(now);
        self.lock().is_fresh(now)
    }

    /// What a provider answered. A failure is tolerated while the old credentials still work, and
    /// credentials that end before those are left aside: their machine hands in late what was
    /// answered long before.
    ///
    /// # Errors
    /// The provider failed, or what it gave are not visible ASCII characters, and there are no
    /// others to go on with.
    pub fn refresh(
        &self,
        now: UnixTime,
        fresh: Result<Credentials, CredentialsFailed>,
    ) -> Result<(), CredentialsFailed> {
        let now = self.service_time(now);
        let mut state = self.lock();
        match fresh.and_then(|fresh| fresh.check().map(|()| fresh)) {
            Ok(credentials) => match state.working(now) {
                Some(current) if current.outlive(&credentials, now) => current.go_on(now),
                Some(_) | None => state.adopt(now, credentials),
            },
            Err(failed) => state.working(now).ok_or(failed)?.go_on(now),
        }
        Ok(())
    }

    /// The service has refused credentials of this generation. Answers whether they are current.
    pub(crate) fn refuse(&self, generation: Generation) -> bool {
        let mut state = self.lock();
        let current = state.generation == generation;
        state.stale |= current;
        current
    }

    /// Whether the credentials are temporary ones.
    pub(crate) fn is_temporary(&self) -> bool {
        let state = self.lock();
        state.credentials.as_ref().is_some_and(|current| current.credentials.token().is_some())
    }

    /// Takes the price of a retry from the budget; false if it is spent.
    pub(crate) fn spend_retry(&self, now: Now) -> bool {
        self.0.retries.spend(now.ticks)
    }

    pub(crate) fn earn_retry(&self) {
        self.0.retries.earn();
    }

    /// What the service's clock shows when ours shows `ours`, as far as is known.
    fn service_time(&self, ours: UnixTime) -> UnixTime {
        UnixTime::from_secs(ours.as_secs().saturating_add(self.skew()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and every state is valid on its own.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether there are credentials that need not be replaced first.
    fn is_fresh(&self, now: UnixTime) -> bool {
        let current = self.credentials.as_ref().filter(|_| !self.stale);
        current.is_some_and(|current| current.refresh_at.is_none_or(|at| now < at))
    }

    /// The credentials, if they are neither refused nor expired.
    fn working(&mut self, now: UnixTime) -> Option<&mut Current> {
        let refused = self.stale;
        self.credentials
            .as_mut()
            .filter(|current| !refused && current.credentials.expires().is_none_or(|end| now < end))
    }

    fn adopt(&mut self, now: UnixTime, credentials: Credentials) {
        let same = self.credentials.as_ref().is_some_and(|old| old.credentials == credentials);
        let refresh_at = credentials.expires().map(|expires| refresh_at(now, expires));
        self.credentials = Some(Current { credentials, refresh_at });
        self.stale = false;
        if !same {
            self.generation = Generation(self.generation.0.saturating_add(1));
            self.signer = None;
        }
    }
}

impl Current {
    /// Whether others are older. Those that work and have no end say nothing of others' age.
    fn outlive(&self, others: &Credentials, now: UnixTime) -> bool {
        others
            .expires()
            .is_some_and(|end| self.credentials.expires().map_or(end <= now, |own| end < own))
    }

    /// There are no better ones for now.
    fn go_on(&mut self, now: UnixTime) {
        self.refresh_at = self.refresh_at.map(|at| at.max(now + REFRESH_AGAIN_AFTER));
    }
}

/// Five minutes early, but not before half of their life is over; and if they seem to have expired
/// already, that may be our clock: they are tried, and the provider is not asked in a circle.
fn refresh_at(now: UnixTime, expires: UnixTime) -> UnixTime {
    let half_life = expires.as_secs().saturating_sub(now.as_secs()) / 2;
    let half = UnixTime::from_secs(now.as_secs().saturating_add(half_life.max(0)));
    half.max(expires - REFRESH_MARGIN).max(now + REFRESH_AGAIN_AFTER)
}

const REFRESH_MARGIN: Duration = Duration::from_secs(300);
/// A provider that has failed is left alone for so long.
pub(crate) const REFRESH_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// By how many seconds COS's clock may differ from what is known of it before that is learned: `Date`
/// is in whole seconds and answers take their time, and validity begins a minute in the past, so
/// less than that does no harm.
const SKEW_IGNORED: u64 = 60;
const DEFAULT_VALIDITY_MIN: Duration = Duration::from_secs(600);

impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Session")
            .field("endpoint", &self.0.endpoint)
            .field("bucket", &self.0.bucket)
            .field("region", &self.0.region)
            .finish_non_exhaustive()
    }
}
