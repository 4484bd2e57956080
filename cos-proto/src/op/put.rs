//! Stores an object in one request.
//!
//! ```text
//! PUT ──200, CRC-64 equal──▶ done
//!  │ └──other CRC-64──▶ (resend; then) Corrupt
//!  ├──refused──▶ error
//!  └──an attempt may have been executed──▶ HEAD ──▶ done | AlreadyExists | OutcomeUnknown
//! ```
//!
//! | the PUT failed by | HEAD shows | result |
//! |---|---|---|
//! | lost answers, 5xx, PathConflict | size and CRC-64 equal | done |
//! | lost answers, 5xx, PathConflict | anything else | `OutcomeUnknown` |
//! | FileAlreadyExists after such an attempt | size and CRC-64 equal | done |
//! | FileAlreadyExists after such an attempt | another object, or none | `AlreadyExists` |
//! | FileAlreadyExists after such an attempt | – (it failed) | `OutcomeUnknown` |
//! | FileAlreadyExists at once | – (not asked for) | `AlreadyExists` |

use super::settle::{Evidence, Intent, Seen, put_needs_head, settle};
use crate::{
    Call, CallError, Crc64, ETag, Error, ErrorKind, Key, Next, Operation, Payload, Recent,
    Rejected, Reply, Reported, Verification,
    api::{self, Encryption, GetOptions, ObjectOptions},
};

/// Stores `payload`, at most 5 GB, as the object at a key. The last writer wins, unless the
/// options forbid to overwrite.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if COS got other bytes, time and again: a bad object may stand at the
/// key. [`ErrorKind::OutcomeUnknown`] if the answers were lost and nothing shows whether the
/// object was stored. [`ErrorKind::AlreadyExists`] if it must not be overwritten.
#[derive(Debug)]
pub struct Put {
    key: Key,
    options: ObjectOptions,
    payload: Payload,
    intent: Intent,
    recent: Option<Recent>,
    state: State,
    #[cfg(feature = "sim")]
    simulated: crate::sim::Simulated,
}

/// An object that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutOutcome {
    /// Its entity tag.
    pub etag: ETag,
    /// Its version, in a bucket that has versions.
    pub version_id: Option<String>,
    /// Whether COS's CRC-64 of it was compared with the payload's.
    pub verification: Verification,
}

/// One call of a put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(unnameable_types, reason = "opaque: only compared")]
pub enum PutTag {
    Put,
    Head,
}

#[derive(Debug)]
enum State {
    Ready,
    /// The answer to the call is awaited.
    Putting,
    /// This failure is to be settled by a HEAD.
    InDoubt(CallError),
    /// The HEAD is awaited.
    Heading(CallError),
    Over(Result<PutOutcome, Error>),
}

impl Put {
    /// Stores `payload` at `key`; `recent` is told of it.
    pub fn new(key: Key, options: ObjectOptions, payload: Payload, recent: Option<Recent>) -> Self {
        let mut crc64 = Crc64::new();
        for chunk in payload.chunks() {
            crc64.update(chunk);
        }
        let intent = Intent::new(payload.len(), crc64.value());
        Self {
            key,
            options,
            payload,
            intent,
            recent,
            state: State::Ready,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    fn stored(&mut self, outcome: PutOutcome) {
        self.over(Ok(outcome));
    }

    fn fail(&mut self, error: Error) {
        self.over(Err(error.at(self.key.as_str())));
    }

    fn over(&mut self, result: Result<PutOutcome, Error>) {
        self.note();
        self.state = State::Over(result);
    }

    /// The object may be there. That stays noted also if the put fails for certain: an earlier one
    /// may have noted the key as well, and a delete finds out what is not there.
    fn note(&self) {
        if let Some(recent) = &self.recent {
            recent.note_object(&self.key);
        }
    }

    /// The HEAD has answered, or failed.
    fn decide(&mut self, seen: &Seen) {
        let State::Heading(cause) = std::mem::replace(&mut self.state, State::Putting) else {
            return;
        };
        let exists = cause.code() == Some("FileAlreadyExists") && !matches!(seen, Seen::Failed);
        let version_id = match seen {
            Seen::Object(meta) => meta.version_id.clone(),
            Seen::Absent | Seen::Failed => None,
        };
        match settle(&self.intent, &Evidence::None, seen).into_result(cause) {
            Ok((etag, verification)) => {
                self.stored(PutOutcome { etag, version_id, verification });
            }
            Err(error) if exists => self.fail(error.with_kind(ErrorKind::AlreadyExists)),
            Err(error) => self.fail(error),
        }
    }

    /// An object under SSE-C shows itself only to who has its key.
    fn head_options(&self) -> GetOptions {
        match self.options.encrypted() {
            Encryption::SseC(key) => GetOptions::new().sse_c(key.clone()),
            Encryption::None | Encryption::SseCos | Encryption::SseKms(_) => GetOptions::new(),
        }
    }
}

impl Operation for Put {
    type Tag = PutTag;
    type Output = Result<PutOutcome, Error>;

    fn next(&mut self) -> Next<PutTag, Self::Output> {
        match std::mem::replace(&mut self.state, State::Putting) {
            State::Ready => {
                // Now already: whoever polls this may stop.
                self.note();
                Next::Call(PutTag::Put)
            }
            State::Putting => Next::Pending,
            State::InDoubt(error) => {
                self.state = State::Heading(error);
                Next::Call(PutTag::Head)
            }
            heading @ State::Heading(_) => {
                self.state = heading;
                Next::Pending
            }
            State::Over(result) => Next::Done(result),
        }
    }

    fn call(&self, tag: PutTag) -> Call {
        match tag {
            PutTag::Put => api::put_object::call(&self.key, &self.options, self.payload.clone()),
            PutTag::Head => api::head_object::call(&self.key, &self.head_options()),
        }
    }

    #[cfg(feature = "sim")]
    fn simulate(&mut self, simulated: crate::sim::Simulated) {
        self.simulated = simulated;
        self.intent.simulated = simulated;
    }

    fn on_reply(&mut self, tag: PutTag, reply: Reply) -> Result<(), Rejected> {
        match tag {
            PutTag::Put => {
                let written = api::put_object::decode(&reply)?;
                let unread = planted!(self.simulated, WriteCrcIgnored);
                let theirs = if unread { Reported::Absent } else { written.crc64 };
                let verification = theirs.verify(self.intent.crc64).map_err(Rejected::Retry)?;
                let (etag, version_id) = (written.etag, written.version_id);
                self.stored(PutOutcome { etag, version_id, verification });
            }
            PutTag::Head => {
                let meta = api::head_object::decode(&reply)?;
                self.decide(&Seen::Object(meta));
            }
        }
        Ok(())
    }

    fn on_error(&mut self, tag: PutTag, error: CallError) {
        match tag {
            PutTag::Head => self.decide(&Seen::from_error(&error)),
            PutTag::Put if put_needs_head(&error) => self.state = State::InDoubt(error),
            PutTag::Put => self.fail(error.into_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Reason, Ticks,
        error::Cause,
        op::testing::{Steps, failed, key, lost, refused, reply},
    };

    /// CRC-64/XZ of `123456789`.
    const CHECK: &str = "11051210869376104954";

    fn put() -> (Put, Recent) {
        let recent = Recent::empty();
        let payload = Payload::from_chunks(["1234", "56789"].map(bytes::Bytes::from));
        let options = ObjectOptions::new();
        let mut put = Put::new(key("a"), options, payload, Some(recent.clone()));
        assert_eq!(put.starts(), PutTag::Put);
        assert!(put.is_pending());
        (put, recent)
    }

    fn in_doubt(error: CallError) -> (Put, Recent) {
        let (mut put, recent) = put();
        put.on_error(PutTag::Put, error);
        assert_eq!(put.starts(), PutTag::Head);
        assert!(put.is_pending());
        (put, recent)
    }

    fn exists_unsure() -> CallError {
        CallError { maybe_done: true, ..refused(409, "FileAlreadyExists") }
    }

    fn head(size: &str, crc64: &str) -> Reply {
        let headers = [
            ("content-length", size),
            ("etag", "\"seen\""),
            ("x-cos-hash-crc64ecma", crc64),
            ("x-cos-version-id", "v"),
        ];
        let named = headers.iter().filter(|(_, value)| !value.is_empty()).copied();
        reply(200, &named.collect::<Vec<_>>(), "")
    }

    fn noted(recent: &Recent) -> bool {
        !recent.objects_below(Ticks::ZERO, &key("a"), "a/").is_empty()
    }

    #[test]
    fn the_answers_crc_is_compared_with_the_payload() {
        for (crc64, verification) in
            [(Some(CHECK), Verification::Verified), (None, Verification::Unverified)]
        {
            let (mut put, recent) = put();
            let mut headers = vec![("etag", "\"e\"")];
            headers.extend(crc64.map(|crc64| ("x-cos-hash-crc64ecma", crc64)));
            put.on_reply(PutTag::Put, reply(200, &headers, "")).expect("accepted");
            let outcome = put.ends().expect("stored");
            assert_eq!((outcome.etag.as_str(), outcome.verification), ("e", verification));
            assert!(noted(&recent));
        }
    }

    #[test]
    fn a_mismatch_is_sent_again_and_then_is_corrupt() {
        for crc64 in ["1", "-1", "", "crc"] {
            let (mut put, recent) = put();
            let headers = [("etag", "\"e\""), ("x-cos-hash-crc64ecma", crc64)];
            let refused = put.on_reply(PutTag::Put, reply(200, &headers, ""));
            let Err(Rejected::Retry(reason)) = refused else { panic!("{refused:?}") };
            assert!(matches!(reason, Reason::Corrupt { .. }));
            assert_eq!(put.call(PutTag::Put).body.to_bytes(), "123456789", "the same bytes");
            let error = CallError { maybe_done: true, ..failed(Cause::Rejected(reason)) };
            put.on_error(PutTag::Put, error);
            let error = put.ends().expect_err("corrupt");
            assert_eq!((error.kind(), error.path()), (&ErrorKind::Corrupt, Some("a")));
            assert!(noted(&recent), "a bad object may stand there");
        }
    }

    #[test]
    fn an_answer_without_an_etag_is_sent_again() {
        let (mut put, _) = put();
        let refused = put.on_reply(PutTag::Put, reply(200, &[], ""));
        assert!(matches!(refused, Err(Rejected::Retry(Reason::Malformed(_)))));
    }

    #[test]
    fn a_refusal_is_the_error() {
        for (error, kind) in [
            (refused(403, "AccessDenied"), ErrorKind::Denied),
            (refused(409, "FileAlreadyExists"), ErrorKind::AlreadyExists),
            (refused(400, "EntityTooLarge"), ErrorKind::Service),
        ] {
            let (mut put, recent) = put();
            put.on_error(PutTag::Put, error);
            assert_eq!(put.ends().expect_err("refused").kind(), &kind);
            assert!(noted(&recent), "an earlier put may have noted it, too");
        }
    }

    #[test]
    fn an_ambiguous_failure_is_settled_by_a_head() {
        let conflict = || CallError { maybe_done: true, ..refused(409, "PathConflict") };
        let internal = || CallError { maybe_done: true, ..refused(500, "InternalError") };
        let unknown = &ErrorKind::OutcomeUnknown;
        let exists = &ErrorKind::AlreadyExists;
        for (size, crc64, stored) in
            [("9", CHECK, true), ("9", "1", false), ("8", CHECK, false), ("9", "", false)]
        {
            for (cause, otherwise) in [
                (lost(), unknown),
                (conflict(), unknown),
                (internal(), unknown),
                (exists_unsure(), exists),
            ] {
                let (mut put, _) = in_doubt(cause);
                put.on_reply(PutTag::Head, head(size, crc64)).expect("accepted");
                match put.ends() {
                    Ok(outcome) if stored => {
                        assert_eq!(outcome.verification, Verification::Verified);
                        assert_eq!(outcome.version_id.as_deref(), Some("v"));
                    }
                    Err(error) if !stored => {
                        assert_eq!((error.kind(), error.path()), (otherwise, Some("a")));
                    }
                    other => panic!("size {size}, CRC {crc64}: {other:?}"),
                }
            }
        }
        for (head_error, cause, kind) in [
            (refused(404, ""), lost(), unknown),
            (refused(403, ""), lost(), unknown),
            (lost(), lost(), unknown),
            (refused(404, ""), exists_unsure(), exists),
            (lost(), exists_unsure(), unknown),
        ] {
            let (mut put, recent) = in_doubt(cause);
            put.on_error(PutTag::Head, head_error);
            let error = put.ends().expect_err("not stored");
            assert_eq!(error.kind(), kind);
            assert!(noted(&recent), "it may still appear");
        }
    }

    #[test]
    fn a_put_that_takes_long_is_remembered_from_its_end_on() {
        for error in [None, Some(refused(403, "AccessDenied")), Some(lost())] {
            let (mut put, recent) = put();
            let begun = recent.mark();
            match error {
                None => {
                    put.on_reply(PutTag::Put, reply(200, &[("etag", "\"e\"")], ""))
                        .expect("stored");
                }
                Some(error) => put.on_error(PutTag::Put, error),
            }
            if matches!(put.next(), Next::Call(PutTag::Head)) {
                put.on_reply(PutTag::Head, head("9", CHECK)).expect("accepted");
            }
            recent.forget_object(&key("a"), begun);
            assert!(noted(&recent), "a deletion that began before may have come before it");
        }
    }

    #[test]
    fn an_empty_object_is_a_real_one() {
        let mut put = Put::new(key("a"), ObjectOptions::new(), Payload::EMPTY, None);
        put.starts();
        let headers = [("etag", "\"e\""), ("x-cos-hash-crc64ecma", "0")];
        put.on_reply(PutTag::Put, reply(200, &headers, "")).expect("accepted");
        assert_eq!(put.ends().expect("stored").verification, Verification::Verified);
    }
}
