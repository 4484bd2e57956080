//! Did an ambiguous write take effect? Decided by one HEAD of its key.
//!
//! A Complete or PUT whose answer got lost may have been executed. What the key holds now tells:
//!
//! | HEAD shows | upload known to be gone | otherwise |
//! |---|---|---|
//! | size and CRC-64 of what was written | committed, verified | committed, verified |
//! | no CRC-64; same size, ETag not `base` and ending `-<parts>` | committed, unverified | unknown |
//! | nothing (404), or the object from before (`base`) | upload lost | unknown |
//! | any other object | overwritten | unknown |
//! | – (the HEAD failed) | unknown | unknown |
//!
//! Equal content is success, whoever wrote it; an equal size alone never proves anything. *Unknown*
//! means that the write may still take effect.

use crate::{
    CallError, ETag, Error, ErrorKind, ObjectMeta, Reason, Reported, Verification, error::Cause,
    machine,
};

/// What a write should have left at its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Intent {
    /// The size in bytes.
    pub(crate) size: u64,
    /// The CRC-64 of all bytes.
    pub(crate) crc64: u64,
    #[cfg(feature = "sim")]
    pub(crate) simulated: crate::sim::Simulated,
}

/// What is known besides the HEAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing: attempts failed in ways that may have been executed.
    None,
    /// COS said that the multipart upload is gone: completed, aborted or expired.
    UploadGone {
        /// The object at the key when the upload began; `None` if there was none.
        base: Option<ETag>,
        /// How many parts the Complete named: COS ends the ETag of the result with it.
        parts: usize,
    },
}

/// What the HEAD said.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and not for long")]
pub(crate) enum Seen {
    /// An object stands at the key.
    Object(ObjectMeta),
    /// None does.
    Absent,
    /// No answer.
    Failed,
}

impl Seen {
    /// The outcome of a HEAD that failed as a call.
    pub(crate) fn from_error(error: &CallError) -> Self {
        if error.is_not_found() { Self::Absent } else { Self::Failed }
    }
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The object is there as written.
    Committed { etag: ETag, verification: Verification },
    /// The upload is gone and nothing was made from it.
    UploadLost,
    /// The upload is gone and somebody else's object stands at the key.
    Overwritten,
    /// Nobody can tell, and it may still happen.
    OutcomeUnknown,
}

/// The verdict on an ambiguous write, by the table above.
pub(crate) fn settle(intent: &Intent, evidence: &Evidence, seen: &Seen) -> Settled {
    let blind = planted!(intent.simulated, CommitNotVerified);
    if blind || planted!(intent.simulated, UnknownTakenForDone, matches!(seen, Seen::Failed)) {
        return Settled::Committed { etag: ETag::new(""), verification: Verification::Verified };
    }
    if let Seen::Object(meta) = seen
        && let Some(verification) = intent.matches(evidence, meta)
    {
        return Settled::Committed { etag: meta.etag.clone(), verification };
    }
    match (evidence, seen) {
        (Evidence::None, _) | (_, Seen::Failed)
            if planted!(intent.simulated, UnknownTakenForLost) =>
        {
            Settled::UploadLost
        }
        (Evidence::None, _) | (_, Seen::Failed) => Settled::OutcomeUnknown,
        (Evidence::UploadGone { base, .. }, Seen::Object(meta))
            if base.as_ref() != Some(&meta.etag) =>
        {
            Settled::Overwritten
        }
        (Evidence::UploadGone { .. }, Seen::Object(_) | Seen::Absent) => Settled::UploadLost,
    }
}

impl Intent {
    pub(crate) fn new(size: u64, crc64: u64) -> Self {
        Self {
            size,
            crc64,
            #[cfg(feature = "sim")]
            simulated: crate::sim::Simulated::default(),
        }
    }

    fn matches(&self, evidence: &Evidence, meta: &ObjectMeta) -> Option<Verification> {
        if meta.size != self.size {
            return None;
        }
        if planted!(self.simulated, EqualSizeAccepted) {
            return Some(Verification::Verified);
        }
        match (&meta.crc64, evidence) {
            (Reported::Value(crc64), _) if *crc64 == self.crc64 => Some(Verification::Verified),
            (Reported::Absent, Evidence::UploadGone { base, parts })
                if base.as_ref() != Some(&meta.etag)
                    && meta.etag.as_str().ends_with(&format!("-{parts}")) =>
            {
                Some(Verification::Unverified)
            }
            _ => None,
        }
    }
}

impl Settled {
    /// The result of the write; `cause`, the failure that made it ambiguous, goes into the error.
    pub(crate) fn into_result(self, cause: CallError) -> Result<(ETag, Verification), Error> {
        let kind = match self {
            Self::Committed { etag, verification } => return Ok((etag, verification)),
            Self::UploadLost => ErrorKind::UploadLost,
            Self::Overwritten => ErrorKind::Overwritten,
            Self::OutcomeUnknown => ErrorKind::OutcomeUnknown,
        };
        Err(cause.into_error().with_kind(kind))
    }
}

/// What follows a Complete that failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterComplete {
    /// HEAD the key; COS said that the upload is gone.
    HeadUploadGone,
    /// HEAD the key; nothing more is known.
    Head,
    /// It was not executed: the error is the result, and upload and record are kept.
    Fail,
}

/// Sorts the failure of a Complete:
///
/// | failure | then |
/// |---|---|
/// | NoSuchUpload, InvalidUploadStatus, with any status | HEAD, the upload is gone |
/// | attempts spent, one of which may have been executed; InvalidPart after such a one | HEAD |
/// | the bytes of a 200 have another CRC-64 (`Corrupt`) | the error |
/// | any other refusal, or no attempt can have been executed | the error |
pub(crate) fn after_complete(error: &CallError) -> AfterComplete {
    match &error.cause {
        Cause::Service(_) if upload_is_gone(error) => AfterComplete::HeadUploadGone,
        Cause::Service(_) if error.code() == Some("InvalidPart") && error.maybe_done => {
            AfterComplete::Head
        }
        Cause::Service(answer) if machine::is_refusal(answer) => AfterComplete::Fail,
        Cause::Rejected(Reason::Corrupt { .. }) => AfterComplete::Fail,
        Cause::Service(_)
        | Cause::Transport(_)
        | Cause::Rejected(_)
        | Cause::Credentials(_)
        | Cause::Unsendable
        | Cause::Deadline => {
            if error.maybe_done {
                AfterComplete::Head
            } else {
                AfterComplete::Fail
            }
        }
    }
}

/// Whether a PUT that failed for good has to be settled by a HEAD: its attempts are spent and one of
/// them may have been executed; or such a one is what a forbidden overwrite ran into.
pub(crate) fn put_needs_head(error: &CallError) -> bool {
    match &error.cause {
        Cause::Rejected(Reason::Corrupt { .. }) => false,
        Cause::Service(answer) if machine::is_refusal(answer) => {
            error.maybe_done && error.code() == Some("FileAlreadyExists")
        }
        Cause::Service(_)
        | Cause::Transport(_)
        | Cause::Rejected(_)
        | Cause::Credentials(_)
        | Cause::Unsendable
        | Cause::Deadline => error.maybe_done,
    }
}

/// Whether COS said that a multipart upload does not exist any more.
pub(crate) fn upload_is_gone(error: &CallError) -> bool {
    matches!(error.code(), Some("NoSuchUpload" | "InvalidUploadStatus"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::StatusCode;

    use super::*;
    use crate::{CallKind, Failure, FailureKind, ServiceError};

    fn object(size: u64, crc64: Reported, etag: &str) -> Seen {
        Seen::Object(ObjectMeta {
            size,
            etag: ETag::new(etag),
            last_modified: None,
            crc64,
            content_type: None,
            storage_class: crate::api::StorageClass::STANDARD,
            version_id: None,
            content_headers: BTreeMap::new(),
            metadata: BTreeMap::new(),
            encryption: BTreeMap::new(),
        })
    }

    #[test]
    fn a_head_settles_an_ambiguous_write_row_by_row() {
        use Reported::{Absent, Invalid, Value};
        let committed =
            |etag: &str, verification| Settled::Committed { etag: ETag::new(etag), verification };
        let verified = |etag: &str| committed(etag, Verification::Verified);
        let unverified = |etag: &str| committed(etag, Verification::Unverified);
        let (lost, over, unknown) =
            (Settled::UploadLost, Settled::Overwritten, Settled::OutcomeUnknown);
        // What the HEAD shows, the verdict when the upload is gone, the verdict otherwise.
        let rows = [
            ("equal", object(9, Value(7), "new-3"), verified("new-3"), verified("new-3")),
            ("equal, a stranger's", object(9, Value(7), "x"), verified("x"), verified("x")),
            ("equal to base", object(9, Value(7), "base"), verified("base"), verified("base")),
            ("no CRC, ours", object(9, Absent, "new-3"), unverified("new-3"), unknown.clone()),
            ("no CRC, other parts", object(9, Absent, "new-13x"), over.clone(), unknown.clone()),
            ("no CRC, size only", object(9, Absent, "new"), over.clone(), unknown.clone()),
            ("no CRC, base", object(9, Absent, "base"), lost.clone(), unknown.clone()),
            ("no CRC, other size", object(8, Absent, "new-3"), over.clone(), unknown.clone()),
            ("other CRC", object(9, Value(6), "new-3"), over.clone(), unknown.clone()),
            (
                "CRC no number",
                object(9, Invalid("z".into()), "new-3"),
                over.clone(),
                unknown.clone(),
            ),
            ("other size", object(8, Value(7), "new-3"), over, unknown.clone()),
            ("base", object(8, Value(6), "base"), lost.clone(), unknown.clone()),
            ("nothing", Seen::Absent, lost, unknown.clone()),
            ("HEAD failed", Seen::Failed, unknown.clone(), unknown),
        ];
        let intent = Intent::new(9, 7);
        let gone = Evidence::UploadGone { base: Some(ETag::new("base")), parts: 3 };
        for (name, seen, when_gone, otherwise) in rows {
            assert_eq!(settle(&intent, &gone, &seen), when_gone, "{name}, upload gone");
            assert_eq!(settle(&intent, &Evidence::None, &seen), otherwise, "{name}");
        }
    }

    #[test]
    fn an_etag_that_only_ends_with_the_same_digits_is_not_ours() {
        let intent = Intent::new(9, 7);
        let gone = Evidence::UploadGone { base: None, parts: 3 };
        let seen = object(9, Reported::Absent, "new-13");
        assert_eq!(settle(&intent, &gone, &seen), Settled::Overwritten);
    }

    #[test]
    fn without_a_base_any_object_that_differs_is_another_writers() {
        let intent = Intent::new(9, 7);
        let gone = Evidence::UploadGone { base: None, parts: 1 };
        let seen = object(1, Reported::Value(1), "x");
        assert_eq!(settle(&intent, &gone, &seen), Settled::Overwritten);
        assert_eq!(settle(&intent, &gone, &Seen::Absent), Settled::UploadLost);
    }

    fn service(status: u16, code: &str) -> Cause {
        Cause::Service(ServiceError {
            status: StatusCode::from_u16(status).expect("status"),
            code: Some(code.into()),
            ..ServiceError::default()
        })
    }

    fn failed(cause: Cause, maybe_done: bool) -> CallError {
        CallError {
            cause,
            last: None,
            call: CallKind::CompleteMultipartUpload,
            attempts: 3,
            maybe_done,
            asked_at: None,
        }
    }

    #[test]
    fn a_failed_complete_is_looked_into_unless_it_was_surely_refused() {
        use AfterComplete::{Fail, Head, HeadUploadGone};
        let corrupt = Reason::Corrupt { ours: 1, theirs: "2".into() };
        let broken = || Cause::Transport(Failure::new(FailureKind::Broken, "reset"));
        for (name, cause, maybe_done, then) in [
            ("gone", service(404, "NoSuchUpload"), false, HeadUploadGone),
            ("gone, in a 200", service(200, "NoSuchUpload"), true, HeadUploadGone),
            ("status", service(400, "InvalidUploadStatus"), false, HeadUploadGone),
            ("part, sure", service(400, "InvalidPart"), false, Fail),
            ("part, unsure", service(400, "InvalidPart"), true, Head),
            ("order", service(400, "InvalidPartOrder"), false, Fail),
            ("too small", service(400, "EntityTooSmall"), true, Fail),
            ("denied", service(403, "AccessDenied"), false, Fail),
            ("internal", service(500, "InternalError"), true, Head),
            ("internal, in a 200", service(200, "InternalError"), true, Head),
            ("conflict", service(409, "PathConflict"), true, Head),
            ("throttled only", service(429, "TooManyRequests"), false, Fail),
            ("throttled after a time-out", service(429, "TooManyRequests"), true, Head),
            ("reset", broken(), true, Head),
            ("no connection", broken(), false, Fail),
            ("no ETag", Cause::Rejected(Reason::Malformed("ETag".into())), true, Head),
            ("other CRC", Cause::Rejected(corrupt), true, Fail),
            ("deadline", Cause::Deadline, true, Head),
        ] {
            assert_eq!(after_complete(&failed(cause, maybe_done)), then, "{name}");
        }
    }

    #[test]
    fn a_failed_put_is_looked_into_when_an_attempt_may_have_been_executed() {
        let corrupt = Reason::Corrupt { ours: 1, theirs: "2".into() };
        let broken = || Cause::Transport(Failure::new(FailureKind::Broken, "reset"));
        for (name, cause, maybe_done, head) in [
            ("reset", broken(), true, true),
            ("no connection", broken(), false, false),
            ("conflict", service(409, "PathConflict"), true, true),
            ("exists, sure", service(409, "FileAlreadyExists"), false, false),
            ("exists, unsure", service(409, "FileAlreadyExists"), true, true),
            ("denied", service(403, "AccessDenied"), true, false),
            ("other CRC", Cause::Rejected(corrupt), true, false),
            ("no ETag", Cause::Rejected(Reason::Malformed("ETag".into())), true, true),
            ("deadline", Cause::Deadline, true, true),
        ] {
            assert_eq!(put_needs_head(&failed(cause, maybe_done)), head, "{name}");
        }
    }

    #[test]
    fn the_error_keeps_the_failed_call() {
        let cause = failed(service(404, "NoSuchUpload"), true);
        let error = Settled::Overwritten.into_result(cause).expect_err("overwritten");
        assert_eq!(error.kind(), &ErrorKind::Overwritten);
        assert_eq!(
            (error.code(), error.remote().map(|r| r.attempts)),
            (Some("NoSuchUpload"), Some(3))
        );
        let cause = failed(Cause::Deadline, true);
        let committed =
            Settled::Committed { etag: ETag::new("e"), verification: Verification::Verified };
        assert_eq!(
            committed.into_result(cause).expect("committed"),
            (ETag::new("e"), Verification::Verified)
        );
    }
}
