//! Reads a whole small object.
//!
//! ```text
//! GET key ──200, complete, CRC-64 equal──▶ done
//!    ▲   └──short, other CRC-64──┐
//!    └──────────(retry)──────────┘
//! ```

use bytes::Bytes;

use super::once::Once;
use crate::{
    Call, CallError, Crc64, Error, ErrorKind, FailureKind, Key, Next, ObjectMeta, Operation,
    Reason, Rejected, Reply, Verification,
    api::{self, GetOptions},
    error::Cause,
};

/// Reads an object into memory, at most `limit` bytes of it.
///
/// # Errors
/// [`ErrorKind::PathNotFound`]; [`ErrorKind::TooLarge`] with the limit, of which never more is
/// read; [`ErrorKind::Corrupt`] if the bytes have another CRC-64 than COS says, time and again.
#[derive(Debug)]
pub struct Fetch {
    key: Key,
    options: GetOptions,
    limit: u64,
    state: Once<Fetched>,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// An object that was read whole.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fetched {
    /// What COS says about the object.
    pub meta: ObjectMeta,
    /// Its bytes, or those of the range that the options ask for.
    pub body: Bytes,
    /// Whether the bytes were compared with the object's CRC-64; those of a range cannot be.
    pub verification: Verification,
}

impl Fetch {
    /// The limit that callers without a better idea use: 64 MiB.
    pub const DEFAULT_LIMIT: u64 = 64 * 1024 * 1024;

    /// Reads the object at `key`.
    pub fn new(key: Key, options: GetOptions, limit: u64) -> Self {
        Self {
            key,
            options,
            limit,
            state: Once::Ready,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }
}

impl Operation for Fetch {
    type Tag = ();
    type Output = Result<Fetched, Error>;

    fn next(&mut self) -> Next<(), Self::Output> {
        self.state.next()
    }

    fn call(&self, (): ()) -> Call {
        let bytes_max = usize::try_from(self.limit).unwrap_or(usize::MAX);
        api::get_object::call_collected(&self.key, &self.options, bytes_max)
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
    }

    fn on_reply(&mut self, (): (), reply: Reply) -> Result<(), Rejected> {
        let length = u64::try_from(reply.body().len()).unwrap_or(u64::MAX);
        if length > self.limit {
            return Err(Rejected::Final(Reason::TooLarge { limit: self.limit }));
        }
        let head = api::get_object::decode(&reply)?;
        let body = reply.into_body();
        let whole = length == head.meta.size;
        let verification = if whole && !planted!(self.simulated, ReadCrcIgnored) {
            head.meta.crc64.verify(Crc64::of(&body)).map_err(Rejected::Retry)?
        } else {
            Verification::Unverified
        };
        self.state = Once::Over(Ok(Fetched { meta: head.meta, body, verification }));
        Ok(())
    }

    fn on_error(&mut self, (): (), error: CallError) {
        let too_large = matches!(
            &error.cause,
            Cause::Transport(failure) if failure.kind == FailureKind::ReplyTooLarge
        );
        let mut error = error.into_error();
        if too_large {
            error = error.with_kind(ErrorKind::TooLarge { limit: self.limit });
        }
        self.state = Once::Over(Err(error.at(self.key.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Failure, ReplyMode,
        api::ByteRange,
        op::testing::{Steps, failed, key, refused, reply},
    };

    fn fetch(limit: u64) -> Fetch {
        let mut fetch = Fetch::new(key("a"), GetOptions::new(), limit);
        fetch.starts();
        fetch
    }

    fn object(length: &str, crc64: Option<&str>, body: &'static str) -> Reply {
        let mut headers = vec![("content-length", length), ("etag", "\"e\"")];
        headers.extend(crc64.map(|crc64| ("x-cos-hash-crc64ecma", crc64)));
        reply(200, &headers, body)
    }

    /// CRC-64/XZ of `123456789`.
    const CHECK: &str = "11051210869376104954";

    #[test]
    fn reads_and_verifies_an_object() {
        let mut fetch = fetch(9);
        assert_eq!(fetch.call(()).reply, ReplyMode::Collect { bytes_max: 9 });
        fetch.on_reply((), object("9", Some(CHECK), "123456789")).expect("accepted");
        let fetched = fetch.ends().expect("fetched");
        assert_eq!((&*fetched.body, fetched.meta.size), (&b"123456789"[..], 9));
        assert_eq!(fetched.verification, Verification::Verified);
    }

    #[test]
    fn an_empty_object_is_read_and_verified() {
        let mut fetch = fetch(0);
        fetch.on_reply((), object("0", Some("0"), "")).expect("accepted");
        let fetched = fetch.ends().expect("fetched");
        assert_eq!((fetched.body.len(), fetched.verification), (0, Verification::Verified));
    }

    #[test]
    fn an_object_without_a_crc_is_unverified() {
        let mut fetch = fetch(9);
        fetch.on_reply((), object("9", None, "123456789")).expect("accepted");
        assert_eq!(fetch.ends().expect("fetched").verification, Verification::Unverified);
    }

    #[test]
    fn the_bytes_of_a_range_cannot_be_verified() {
        let range = ByteRange::inclusive(1, 2).expect("range");
        let mut fetch = Fetch::new(key("a"), GetOptions::new().range(range), 2);
        fetch.starts();
        let headers =
            [("content-range", "bytes 1-2/9"), ("etag", "e"), ("x-cos-hash-crc64ecma", CHECK)];
        fetch.on_reply((), reply(206, &headers, "23")).expect("accepted");
        let fetched = fetch.ends().expect("fetched");
        assert_eq!((fetched.meta.size, fetched.verification), (9, Verification::Unverified));
    }

    #[test]
    fn short_wrong_and_unreadable_answers_are_asked_for_again() {
        for (name, reply) in [
            ("short", object("9", Some(CHECK), "12345678")),
            ("long", object("8", None, "123456789")),
            ("other bytes", object("9", Some(CHECK), "123456780")),
            ("no number", object("9", Some("crc"), "123456789")),
            ("no length", reply(200, &[("etag", "e")], "123456789")),
            ("no ETag", reply(200, &[("content-length", "9")], "123456789")),
        ] {
            let refused = fetch(9).on_reply((), reply);
            assert!(matches!(refused, Err(Rejected::Retry(_))), "{name}: {refused:?}");
        }
    }

    #[test]
    fn more_than_the_limit_is_too_large_and_named() {
        let kind = ErrorKind::TooLarge { limit: 8 };
        let mut stopped = fetch(8);
        let failure = Failure::new(FailureKind::ReplyTooLarge, "more than 8 bytes");
        stopped.on_error((), failed(Cause::Transport(failure)));
        let error = stopped.ends().expect_err("too large");
        assert_eq!((error.kind(), error.path()), (&kind, Some("a")));
        let refused = fetch(8).on_reply((), object("9", None, "123456789"));
        assert!(matches!(refused, Err(Rejected::Final(Reason::TooLarge { limit: 8 }))));
    }

    #[test]
    fn errors_name_the_key() {
        for (error, kind) in [
            (refused(404, "NoSuchKey"), ErrorKind::PathNotFound),
            (
                failed(Cause::Rejected(Reason::Corrupt { ours: 1, theirs: "2".into() })),
                ErrorKind::Corrupt,
            ),
        ] {
            let mut fetch = fetch(9);
            fetch.on_error((), error);
            let error = fetch.ends().expect_err("failed");
            assert_eq!((error.kind(), error.path()), (&kind, Some("a")));
        }
    }
}
