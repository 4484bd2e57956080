//! Reads an object by several requests at once, and gives its bytes in order.
//!
//! ```text
//! GET first range ──size and ETag──▶ further ranges, If-Match, as many as there is room for
//!  │                                  └──▶ given out in order ──all given, CRC-64 equal──▶ done
//!  ├──416──▶ done, no bytes
//!  └──404, …──▶ error, after the bytes before it
//! ```
//!
//! | a range's reply | then |
//! |---|---|
//! | 206 with just what was asked for, to the object's end at most | kept until its turn comes |
//! | 200: the whole object, and that is what was asked for | the same |
//! | another range, or short | asked for again |
//! | 412, ETag or size differs from the first reply's | `Changed` |
//! | CRC-64 differs from the first reply's | `Corrupt` |
//!
//! The first range is short: nothing else is asked for until it has told the size. The checksum is
//! compared before the last piece is given out, so whoever gets all pieces got the right ones.

use std::{
    collections::VecDeque,
    num::{NonZeroU64, NonZeroUsize},
};

use bytes::Bytes;

use super::{
    download::{DownloadOptions, DownloadOutcome},
    pinned::Pinned,
};
use crate::{
    Call, CallError, Crc64, Error, Key, Lane, Next, ObjectMeta, Operation, Reason, Rejected, Reply,
    Verification,
    api::{self, ByteRange, Conditions, get_object::ContentRange},
    error::rejected_error,
};

/// How far ahead of its caller a reader reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadAheadOptions {
    /// How many ranges are held or under way at once, at most. `maxconcurrency` bounds how many are
    /// under way, so twice that lets the line go on while the earliest range is late.
    pub ranges: NonZeroUsize,
    /// Bytes of a range. A reader's memory is at most `ranges` times this, and once more for the range
    /// that its caller has been given and not used up. It is the caller's and not of the memory that
    /// writers share: a reader that rests would hold them up.
    pub range_bytes: NonZeroU64,
}

impl ReadAheadOptions {
    /// So many ranges of 8 MiB.
    pub fn new(ranges: NonZeroUsize) -> Self {
        const DEFAULT: NonZeroU64 = NonZeroU64::new(8 * 1024 * 1024).expect("positive");
        Self { ranges, range_bytes: DEFAULT }
    }

    /// Other ranges.
    #[must_use]
    pub fn range_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.range_bytes = bytes;
        self
    }
}

/// Reads an object from an offset, several ranges at once, in order.
///
/// It wants to be polled after each [`take`](Self::take).
///
/// # Errors
/// Those of [`Download`](super::Download), after all bytes that come before what is wrong.
#[derive(Debug)]
pub struct ReadAhead {
    object: Pinned,
    ahead: ReadAheadOptions,
    /// In the order of their bytes: the caller gets the first one next.
    ranges: VecDeque<Range>,
    /// Where the next range begins.
    asked: u64,
    /// The next byte that the caller gets.
    position: u64,
    /// Of the bytes that the caller got.
    crc: Crc64,
    end: Option<Result<DownloadOutcome, Error>>,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// Names a range by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeTag(u64);

#[derive(Debug)]
struct Range {
    first: u64,
    length: NonZeroU64,
    /// What came of it, once it is over.
    body: Option<Result<Bytes, Error>>,
}

impl Range {
    fn is_there(&self) -> bool {
        matches!(self.body, Some(Ok(_)))
    }
}

/// Of the first range: what the others wait for.
const FIRST_BYTES: u64 = 256 * 1024;

impl ReadAhead {
    /// Reads the object at `key`.
    pub fn new(key: Key, options: DownloadOptions, ahead: ReadAheadOptions) -> Self {
        Self {
            asked: options.offset,
            position: options.offset,
            object: Pinned::new(key, options),
            ahead,
            ranges: VecDeque::new(),
            crc: Crc64::new(),
            end: None,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    /// What COS says about the object, once the first reply is in.
    pub fn meta(&self) -> Option<&ObjectMeta> {
        self.object.meta()
    }

    /// The next byte of the object that the caller gets.
    pub fn offset(&self) -> u64 {
        self.position
    }

    /// The next bytes, if they are there.
    pub fn take(&mut self) -> Option<Bytes> {
        let next = if planted!(self.simulated, RangesUnordered) {
            self.ranges.iter().rposition(Range::is_there)?
        } else {
            0
        };
        self.ranges.get(next).filter(|range| range.is_there())?;
        let body = self.ranges.remove(next)?.body?.ok()?;
        self.crc.update(&body);
        self.position = self.position.saturating_add(wide(body.len()));
        if self.position < self.object.end() {
            return Some(body);
        }
        match self.verify() {
            Ok(verification) => {
                self.finish(verification);
                Some(body)
            }
            Err(reason) => {
                self.end = Some(Err(rejected_error(&reason).at(self.object.key.as_str())));
                None
            }
        }
    }

    /// Whether [`take`](Self::take) has something to give.
    pub fn has_next(&self) -> bool {
        self.ranges.front().is_some_and(Range::is_there)
    }

    fn verify(&self) -> Result<Verification, Reason> {
        if planted!(self.simulated, ReadCrcIgnored) {
            return Ok(Verification::Unverified);
        }
        self.object.verify(self.position, self.crc.value())
    }

    fn finish(&mut self, verification: Verification) {
        self.finish_at(self.meta().map(|meta| meta.size), verification);
    }

    fn finish_at(&mut self, size: Option<u64>, verification: Verification) {
        let delivered = self.position.saturating_sub(self.object.options.offset);
        self.end = Some(Ok(DownloadOutcome { size, delivered, verification }));
    }

    /// The range to ask for next, if there is room.
    fn start(&mut self) -> Option<RangeTag> {
        let known = self.meta().is_some();
        if self.end.is_some()
            || self.ranges.len() >= self.ahead.ranges.get()
            || self.ranges.iter().any(|range| matches!(range.body, Some(Err(_))))
            || (!known && !self.ranges.is_empty())
        {
            return None;
        }
        let left = self.object.end().saturating_sub(self.asked);
        let most = self.ahead.range_bytes.get();
        let most = if known { most } else { most.min(FIRST_BYTES) };
        // A request for no bytes at all is not possible: the first one asks for one all the same.
        let least = u64::from(!known);
        let length = NonZeroU64::new(left.min(most).max(least))?;
        let first = self.asked;
        self.ranges.push_back(Range { first, length, body: None });
        self.asked = first.saturating_add(length.get());
        Some(RangeTag(first))
    }

    /// What a reply to the request for these bytes must bring.
    fn check(&self, range: &Range, got: Option<ContentRange>) -> Result<(), Rejected> {
        let size = self.meta().map_or(0, |meta| meta.size);
        let first = range.first;
        let past = first.saturating_add(range.length.get()).min(size);
        let (got_first, got_past) =
            got.map_or((0, size), |got| (got.first, got.last.saturating_add(1)));
        if (first, past) == (got_first, got_past) {
            return Ok(());
        }
        let what =
            format!("header Content-Range: bytes {got_first} to {got_past} for {first} to {past}");
        Err(Rejected::Retry(Reason::Malformed(what)))
    }
}

impl Operation for ReadAhead {
    type Tag = RangeTag;
    type Output = Result<DownloadOutcome, Error>;

    fn next(&mut self) -> Next<RangeTag, Self::Output> {
        if self.end.is_none()
            && let Some(Range { body: Some(Err(error)), .. }) = self.ranges.front()
        {
            self.end = Some(Err(error.clone()));
        }
        if let Some(end) = &self.end {
            return Next::Done(end.clone());
        }
        if let Some(tag) = self.start() {
            return Next::Call(tag);
        }
        let under_way = self.ranges.iter().any(|range| range.body.is_none());
        if under_way { Next::Pending } else { Next::Idle }
    }

    fn is_over(&self) -> bool {
        self.end.is_some()
    }

    fn call(&self, RangeTag(first): RangeTag) -> Call {
        let range = self.ranges.iter().find(|range| range.first == first);
        let length = range.map_or(NonZeroU64::MIN, |range| range.length);
        let mut options = self.object.get_options().range(ByteRange::with_length(first, length));
        if planted!(self.simulated, ETagNotPinned) {
            options.conditions = Conditions::new();
        }
        let bytes_max = usize::try_from(length.get()).unwrap_or(usize::MAX);
        let mut call = api::get_object::call_collected(&self.object.key, &options, bytes_max);
        call.lane = Lane::Bulk;
        call
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, RangeTag(first): RangeTag, reply: Reply) -> Result<(), Rejected> {
        let Some(at) = self.ranges.iter().position(|range| range.first == first) else {
            return Ok(());
        };
        let head = api::get_object::decode(&reply)?;
        let is_first = self.meta().is_none();
        #[cfg(feature = "sim")]
        if planted!(self.simulated, ETagNotPinned) {
            self.object.unpin(head.meta.clone());
        }
        self.object.adopt(head.meta)?;
        let Some(range) = self.ranges.get(at) else { return Ok(()) };
        self.check(range, head.range)?;
        if self.position >= self.object.end() {
            let verification = self.verify().map_err(Rejected::Final)?;
            self.finish(verification);
            return Ok(());
        }
        if is_first {
            self.asked = first.saturating_add(wide(reply.body().len()));
        }
        if let Some(range) = self.ranges.get_mut(at) {
            range.body = Some(Ok(reply.into_body()));
        }
        Ok(())
    }

    fn on_error(&mut self, RangeTag(first): RangeTag, error: CallError) {
        if self.object.is_beyond_the_end(&error) {
            let size = self.object.size_told(&error);
            return self.finish_at(size, Verification::Unverified);
        }
        if let Some(range) = self.ranges.iter_mut().find(|range| range.first == first) {
            range.body = Some(Err(self.object.error(error)));
        }
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
