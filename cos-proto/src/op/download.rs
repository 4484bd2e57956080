//! Streams an object, and goes on where a dropped connection left off.
//!
//! ```text
//! GET ──head accepted──▶ data ──all delivered, CRC-64 equal──▶ done
//!  │                      └──cut or short──▶ GET with Range and If-Match, from the next byte
//!  ├──416, the first one──▶ done, no bytes
//!  └──404, other ETag or size, …──▶ error
//! ```
//!
//! | head of the reply | then |
//! |---|---|
//! | 200 | the bytes before the next one are passed over |
//! | 206 that begins at or before the next byte | the same |
//! | 206 that begins after it, or ends before it | asked for again |
//! | ETag or size differs from the first head's | `Changed` |
//! | CRC-64 differs from the first head's | `Corrupt` |
//!
//! The CRC-64 in a head is that of the whole object, so the bytes are compared with it when all of
//! them were delivered, over however many requests; the caller may add those before `offset` by
//! their CRC-64. A mismatch is an error in place of the end.

use std::{num::NonZeroU64, ops::Range};

use http::Response;

use super::{pinned::Pinned, read_ahead::ReadAheadOptions};

use crate::{
    Call, CallError, Crc64, Error, Key, Next, ObjectMeta, Operation, Reason, Rejected, Reply,
    Verification,
    api::{self, ByteRange, Conditions, GetOptions, SseC, TrafficLimit},
    error::rejected_error,
};

/// Streams an object from an offset, over as many requests as it takes.
///
/// The body stays in the caller's buffer: the operation counts and checks it, and says which part
/// of each piece of data is the caller's. An offset at or beyond the end is an empty stream.
///
/// # Errors
/// [`PathNotFound`](crate::ErrorKind::PathNotFound); [`Changed`](crate::ErrorKind::Changed) if the
/// object was replaced while it was being read; [`Corrupt`](crate::ErrorKind::Corrupt) in place of
/// the end if the bytes have another CRC-64 than COS says.
#[derive(Debug)]
pub struct Download {
    object: Pinned,
    /// The next byte of the object that the caller needs.
    position: u64,
    /// Of the bytes delivered.
    crc: Crc64,
    body: Body,
    state: State,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// What to stream of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// The first byte.
    pub offset: u64,
    /// At most so many bytes; to the end if there is none.
    pub length: Option<u64>,
    /// The CRC-64 of the bytes before `offset`, which the caller has. With it a stream that goes
    /// to the end is verified, though it does not begin at the beginning.
    pub prefix_crc: Option<u64>,
    /// This version, in a bucket that has versions.
    pub version_id: Option<String>,
    /// Conditions on the first request.
    pub conditions: Conditions,
    /// The key of an object under SSE-C.
    pub sse_c: Option<SseC>,
    /// How fast COS serves the bytes.
    pub traffic_limit: Option<TrafficLimit>,
    /// Whether a reader asks for what comes next before its caller does. For the adapters, whose
    /// readers are then run by [`ReadAhead`](super::ReadAhead); a `Download` has one request at a time.
    pub read_ahead: Option<ReadAheadOptions>,
}

impl DownloadOptions {
    /// The whole object.
    pub fn new() -> Self {
        Self::default()
    }

    /// From the byte `offset` on.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = offset;
        self
    }

    /// At most `length` bytes.
    #[must_use]
    pub fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// The bytes before the offset have this CRC-64.
    #[must_use]
    pub fn prefix_crc(mut self, crc64: u64) -> Self {
        self.prefix_crc = Some(crc64);
        self
    }

    /// This version.
    #[must_use]
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Conditions on the first request. Later ones ask for the same ETag as it showed.
    #[must_use]
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// The key of an object under SSE-C.
    #[must_use]
    pub fn sse_c(mut self, key: SseC) -> Self {
        self.sse_c = Some(key);
        self
    }

    /// How fast COS serves the bytes.
    #[must_use]
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }

    /// Several ranges at once.
    #[must_use]
    pub fn read_ahead(mut self, options: ReadAheadOptions) -> Self {
        self.read_ahead = Some(options);
        self
    }
}

/// A download that has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DownloadOutcome {
    /// The size of the whole object in bytes. `None` if the offset was beyond its end and COS did
    /// not say where that is.
    pub size: Option<u64>,
    /// How many bytes were delivered.
    pub delivered: u64,
    /// Whether the bytes were compared with the object's CRC-64.
    pub verification: Verification,
}

/// What is left of the body under way.
#[derive(Debug, Default)]
struct Body {
    /// As announced; what comes beyond is not the object's.
    left: u64,
    /// Of these, the first ones that the caller has already.
    skip: u64,
}

#[derive(Debug)]
enum State {
    Ready,
    UnderWay,
    Over(Result<DownloadOutcome, Error>),
}

impl Download {
    /// Streams the object at `key`.
    pub fn new(key: Key, options: DownloadOptions) -> Self {
        Self {
            position: options.offset,
            object: Pinned::new(key, options),
            crc: Crc64::new(),
            body: Body::default(),
            state: State::Ready,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// What COS says about the object, once the first head is in.
    pub fn meta(&self) -> Option<&ObjectMeta> {
        self.object.meta()
    }

    /// The next byte of the object that the caller gets.
    pub fn offset(&self) -> u64 {
        self.position
    }

    /// Whether the bytes were verified, once all are there.
    pub fn verification(&self) -> Option<Verification> {
        match &self.state {
            State::Over(Ok(outcome)) => Some(outcome.verification),
            State::Ready | State::UnderWay | State::Over(_) => None,
        }
    }

    fn delivered(&self) -> u64 {
        self.position.saturating_sub(self.object.options.offset)
    }

    /// Bytes up to the caller's end: none for a whole object, which is asked for as such.
    fn range(&self) -> Option<ByteRange> {
        let end = self.object.end();
        let left = NonZeroU64::new(end.saturating_sub(self.position)).unwrap_or(NonZeroU64::MIN);
        match self.object.options.length {
            // A request for no bytes at all is not possible; one is asked for and not delivered.
            Some(_) => Some(ByteRange::with_length(self.position, left)),
            None if planted!(self.simulated, ResumedAtStart) => {
                let offset = self.object.options.offset;
                (offset > 0).then(|| ByteRange::starting_at(offset))
            }
            None if self.position > 0 => Some(ByteRange::starting_at(self.position)),
            None => None,
        }
    }

    /// Compares a head with the first one.
    fn adopt(&mut self, meta: ObjectMeta) -> Result<(), Rejected> {
        #[cfg(feature = "sim")]
        if planted!(self.simulated, ETagNotPinned) {
            self.object.unpin(meta);
            return Ok(());
        }
        self.object.adopt(meta)
    }

    /// All that the caller wants is delivered.
    fn finish(&mut self) -> Result<(), Rejected> {
        let verification = self.verify().map_err(Rejected::Final)?;
        let size = self.meta().map(|meta| meta.size);
        self.end_with(size, verification);
        Ok(())
    }

    /// The body goes on beyond what was announced, perhaps for ever: its end is not waited for.
    fn end_within_body(&mut self) {
        let ended = if self.position < self.object.end() {
            let what = "the body is longer than its head says";
            Err(Reason::Malformed(what.into()))
        } else {
            self.verify()
        };
        match ended {
            Ok(verification) => {
                let size = self.meta().map(|meta| meta.size);
                self.end_with(size, verification);
            }
            Err(reason) => {
                self.state = State::Over(Err(rejected_error(&reason).at(self.object.key.as_str())));
            }
        }
    }

    fn end_with(&mut self, size: Option<u64>, verification: Verification) {
        let delivered = self.delivered();
        self.state = State::Over(Ok(DownloadOutcome { size, delivered, verification }));
    }

    fn verify(&self) -> Result<Verification, Reason> {
        let delivered = self.crc.value();
        if planted!(self.simulated, ReadCrcIgnored) {
            return Ok(Verification::Unverified);
        }
        if planted!(self.simulated, RangeCrcCompared, self.object.options.prefix_crc.is_none())
            && let Some(meta) = self.meta().filter(|meta| meta.size == self.position)
        {
            return meta.crc64.verify(delivered);
        }
        self.object.verify(self.position, delivered)
    }
}

impl Operation for Download {
    type Tag = ();
    type Output = Result<DownloadOutcome, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        match &self.state {
            State::Ready => {
                self.state = State::UnderWay;
                Next::Call(())
            }
            State::UnderWay => Next::Pending,
            State::Over(result) => Next::Done(result.clone()),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    fn call(&self, (): ()) -> Call {
        let mut options = GetOptions { range: self.range(), ..self.object.get_options() };
        if planted!(self.simulated, ETagNotPinned) && self.meta().is_some() {
            options.conditions = Conditions::new();
        }
        api::get_object::call(&self.object.key, &options)
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, (): (), _reply: Reply) -> Result<(), Rejected> {
        Err(Rejected::Retry(Reason::Malformed("a collected reply to a streamed call".into())))
    }

    fn on_head(&mut self, (): (), head: &Response<()>) -> Result<(), Rejected> {
        let head = api::get_object::head(head)?;
        let size = head.meta.size;
        let (first, past) =
            head.range.map_or((0, size), |range| (range.first, range.last.saturating_add(1)));
        self.adopt(head.meta)?;
        let other = head.range.is_some() && !(first..past).contains(&self.position);
        if other && !planted!(self.simulated, OtherRangeAccepted) {
            let position = self.position;
            let what = format!("header Content-Range: bytes {first} to {past} without {position}");
            return Err(Rejected::Retry(Reason::Malformed(what)));
        }
        let again = planted!(self.simulated, ResumedAtStart);
        let skip = if again { 0 } else { self.position.saturating_sub(first) };
        self.body = Body { left: past.saturating_sub(first), skip };
        if self.position >= self.object.end() { self.finish() } else { Ok(()) }
    }

    fn on_data(&mut self, (): (), data: &[u8]) -> Range<usize> {
        if !matches!(self.state, State::UnderWay) {
            return 0..0;
        }
        let announced = clamp(data.len(), self.body.left);
        let start = clamp(announced, self.body.skip);
        let wanted = self.object.end().saturating_sub(self.position);
        let taken = start..start.saturating_add(clamp(announced.saturating_sub(start), wanted));
        self.body.left = self.body.left.saturating_sub(wide(announced));
        self.body.skip = self.body.skip.saturating_sub(wide(start));
        let Some(bytes) = data.get(taken.clone()) else { return 0..0 };
        self.crc.update(bytes);
        self.position = self.position.saturating_add(wide(bytes.len()));
        // What follows is not wanted: there is no need to wait for its end.
        if self.position >= self.object.end() && self.body.left > 0 {
            let size = self.meta().map(|meta| meta.size);
            self.end_with(size, Verification::Unverified);
        }
        if announced < data.len() {
            self.end_within_body();
        }
        taken
    }

    fn on_end(&mut self, (): ()) -> Result<(), Rejected> {
        if !matches!(self.state, State::UnderWay) {
            return Ok(());
        }
        let end = self.object.end();
        if self.position < end && !planted!(self.simulated, CutTakenForEnd) {
            let expected = end.saturating_sub(self.object.options.offset);
            return Err(Rejected::Retry(Reason::Short { got: self.delivered(), expected }));
        }
        self.finish()
    }

    fn on_error(&mut self, (): (), error: CallError) {
        if self.object.is_beyond_the_end(&error) {
            let size = self.object.size_told(&error);
            return self.end_with(size, Verification::Unverified);
        }
        self.state = State::Over(Err(self.object.error(error)));
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// `length`, but at most `bound`.
fn clamp(length: usize, bound: u64) -> usize {
    usize::try_from(bound).map_or(length, |bound| length.min(bound))
}

#[cfg(test)]
mod tests;
