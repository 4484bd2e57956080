//! The upload by hand, without a machine: what it asks for, and what it makes of the answers.

mod commit;
mod ends;
mod opening;

use http::{HeaderName, Response, StatusCode};

use super::*;
use crate::{
    Call, CallError, CallKind, Crc64, Failure, FailureKind, MemoryBudget, Operation, Recent,
    Rejected, Reply, ServiceError, Verification,
    error::Cause,
    op::record::{PartRecord, RECORD_SUFFIX},
};

const MIB: usize = 1024 * 1024;
const ID: &str = "1763609850aa";

/// An upload and the calls it has made, by name.
struct Scenario {
    upload: Upload,
    log: Vec<String>,
    /// Calls that are started and not answered.
    open: Vec<Tag>,
}

impl Scenario {
    fn driver(append: Append) -> Self {
        Self::driver_with(append, MemoryBudget::new(64 * MIB as u64))
    }

    fn driver_with(append: Append, budget: MemoryBudget) -> Self {
        let options = UploadOptions::new(budget).chunk_size(2 * MIB as u64);
        Self::of(Upload::with_record(key(), append, options).expect("short key"))
    }

    fn of(upload: Upload) -> Self {
        Self { upload, log: Vec::new(), open: Vec::new() }
    }

    /// Starts everything that can be started.
    fn start_all(&mut self) -> Option<Result<UploadOutcome, Error>> {
        loop {
            match self.upload.next() {
                Next::Call(tag) => {
                    let call = self.upload.call(tag);
                    self.log.push(describe(&call));
                    self.open.push(tag);
                }
                Next::Idle | Next::Pending => return None,
                Next::Done(output) => return Some(output),
            }
        }
    }

    /// Starts what can be started and answers it as `service` says, until it is idle or over.
    fn run(&mut self, service: &mut Service) -> Option<Result<UploadOutcome, Error>> {
        for _ in 0..10_000 {
            if let Some(output) = self.start_all() {
                return Some(output);
            }
            if self.open.is_empty() {
                return None;
            }
            let tag = self.open.remove(0);
            self.answer(tag, service);
        }
        panic!("no end: {:?}", self.log);
    }

    fn answer(&mut self, tag: Tag, service: &mut Service) {
        let call = self.upload.call(tag);
        match service.answer(&call) {
            Answer::Reply(response, repeated) => {
                // No time passes between asking and the answer.
                let asked_at = crate::api::date(response.headers());
                let reply = Reply::new(*response, repeated).with_asked_at(asked_at);
                match self.upload.on_reply(tag, reply) {
                    Ok(()) => {}
                    Err(Rejected::Retry(reason) | Rejected::Final(reason)) => {
                        let error = call_error(call.kind, Cause::Rejected(reason), true);
                        self.upload.on_error(tag, error);
                    }
                }
            }
            Answer::Error(error) => self.upload.on_error(tag, error),
        }
    }

    fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn committed(&mut self, service: &mut Service) -> Result<UploadOutcome, Error> {
        self.upload.commit().expect("open");
        self.run(service).expect("an end")
    }

    fn closed(&mut self, service: &mut Service) -> Result<UploadOutcome, Error> {
        self.upload.close().expect("open");
        self.run(service).expect("an end")
    }

    fn cancelled(&mut self, service: &mut Service) -> Result<UploadOutcome, Error> {
        self.upload.cancel().expect("open");
        self.run(service).expect("an end")
    }
}

enum Answer {
    Reply(Box<Response<Bytes>>, bool),
    Error(CallError),
}

/// What a call is answered instead of what it would be, for calls whose name begins so.
type Override = (&'static str, Box<dyn FnMut() -> Option<Answer>>);

/// One key and its record, as far as a writer sees them.
#[derive(Default)]
struct Service {
    object: Option<(usize, String, Option<u64>)>,
    record: Option<Bytes>,
    overrides: Vec<Override>,
}

impl Service {
    fn with(mut self, name: &'static str, mut answer: impl FnMut() -> Answer + 'static) -> Self {
        self.overrides.push((name, Box::new(move || Some(answer()))));
        self
    }

    fn answer(&mut self, call: &Call) -> Answer {
        let name = describe(call);
        for (prefix, answer) in &mut self.overrides {
            if name.starts_with(*prefix)
                && let Some(answer) = answer()
            {
                return answer;
            }
        }
        let is_record = call.key.as_ref().is_some_and(|key| key.as_str().ends_with(RECORD_SUFFIX));
        let body = call.body.to_bytes();
        let crc64 = Crc64::of(&body);
        match call.kind {
            CallKind::GetObject => match &self.record {
                Some(record) => reply(&[("content-length", &record.len().to_string())], record),
                None => refusal(call.kind, 404, "NoSuchKey"),
            },
            CallKind::HeadObject => self.head(),
            CallKind::PutObject => {
                if is_record {
                    self.record = Some(body);
                } else {
                    self.object = Some((body.len(), "put".into(), Some(crc64)));
                }
                reply(&[("etag", "\"put\""), ("x-cos-hash-crc64ecma", &crc64.to_string())], b"")
            }
            CallKind::UploadPart => reply(
                &[
                    ("etag", &format!("\"part-{crc64}\"")),
                    ("x-cos-hash-crc64ecma", &crc64.to_string()),
                ],
                b"",
            ),
            CallKind::InitiateMultipartUpload => created(ID),
            CallKind::DeleteObject => {
                if is_record {
                    self.record = None;
                }
                reply(&[], b"")
            }
            CallKind::AbortMultipartUpload => reply(&[], b""),
            CallKind::CompleteMultipartUpload => completed(None),
            kind => panic!("unexpected {kind:?}"),
        }
    }

    fn head(&self) -> Answer {
        let Some((size, etag, crc64)) = &self.object else {
            return refusal_at(CallKind::HeadObject, 404, None, 1000);
        };
        let (size, etag) = (size.to_string(), format!("\"{etag}\""));
        let crc64 = crc64.map(|crc64| crc64.to_string());
        let mut headers = vec![("content-length", &*size), ("etag", &*etag)];
        headers.extend(crc64.as_deref().map(|crc64| ("x-cos-hash-crc64ecma", crc64)));
        reply(&headers, b"")
    }
}

fn key() -> Key {
    Key::new("a/data").expect("key")
}

/// `PutObject a/data~upload`, `UploadPart 2`, …
fn describe(call: &Call) -> String {
    let part = call.query.iter().find(|(name, _)| name == "partNumber");
    let of_record = call.key.as_ref().is_some_and(|key| key.as_str().ends_with(RECORD_SUFFIX));
    match part {
        Some((_, number)) => format!("{} {number}", call.kind.name()),
        None if of_record => format!("{} record", call.kind.name()),
        None => call.kind.name().to_owned(),
    }
}

fn reply(headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    for (name, value) in headers {
        let name: HeaderName = name.parse().expect("name");
        response.headers_mut().insert(name, value.parse().expect("value"));
    }
    Answer::Reply(Box::new(response), false)
}

fn repeated(answer: Answer) -> Answer {
    match answer {
        Answer::Reply(response, _) => Answer::Reply(response, true),
        error @ Answer::Error(_) => error,
    }
}

fn created(id: &str) -> Answer {
    created_at(id, "")
}

fn created_at(id: &str, date: &str) -> Answer {
    let body = format!(
        "<InitiateMultipartUploadResult><Bucket>b-1</Bucket><Key>a/data</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    );
    reply(&[("date", date)], body.as_bytes())
}

fn completed(crc64: Option<u64>) -> Answer {
    let body = "<CompleteMultipartUploadResult><ETag>\"whole-1\"</ETag>\
                </CompleteMultipartUploadResult>";
    match crc64 {
        Some(crc64) => reply(&[("x-cos-hash-crc64ecma", &crc64.to_string())], body.as_bytes()),
        None => reply(&[], body.as_bytes()),
    }
}

fn refusal(call: CallKind, status: u16, code: &str) -> Answer {
    refusal_at(call, status, Some(code), 0)
}

fn refusal_at(call: CallKind, status: u16, code: Option<&str>, date: i64) -> Answer {
    let error = ServiceError {
        status: StatusCode::from_u16(status).expect("status"),
        code: code.map(str::to_owned),
        date: Some(UnixTime::from_secs(date)),
        ..ServiceError::default()
    };
    Answer::Error(call_error(call, Cause::Service(error), status >= 500))
}

fn maybe_done(answer: Answer) -> Answer {
    match answer {
        Answer::Error(mut error) => {
            error.maybe_done = true;
            Answer::Error(error)
        }
        reply @ Answer::Reply(..) => reply,
    }
}

fn asked_at(answer: Answer, at: i64) -> Answer {
    match answer {
        Answer::Error(mut error) => {
            error.asked_at = Some(UnixTime::from_secs(at));
            Answer::Error(error)
        }
        reply @ Answer::Reply(..) => reply,
    }
}

fn lost(call: CallKind) -> Answer {
    let failure = Failure::new(FailureKind::Timeout, "no answer");
    Answer::Error(call_error(call, Cause::Transport(failure), true))
}

fn call_error(call: CallKind, cause: Cause, maybe_done: bool) -> CallError {
    CallError { cause, last: None, call, attempts: 8, maybe_done, asked_at: None }
}

fn content(length: usize) -> Bytes {
    (0..length).map(|n| (n * 7 % 253) as u8).collect::<Vec<_>>().into()
}

fn kind(result: Result<UploadOutcome, Error>) -> ErrorKind {
    result.expect_err("an error").kind().clone()
}

fn record(tail: usize, base: Option<&str>, upload: Option<&str>) -> Bytes {
    let state = UploadState {
        session: 1,
        upload: upload.map(|id| UploadId::new(id).expect("id")),
        base: base.map(ETag::new),
        tail: content(tail),
        ..UploadState::default()
    };
    state.to_bytes()
}

/// A record with one part of 2 MiB and a tail of `tail` bytes.
fn record_with_part(tail: usize) -> Bytes {
    let part = content(2 * MIB);
    let mut state = UploadState::parse(&record(tail, None, Some(ID))).expect("record");
    state.parts = vec![PartRecord::new(2 * MIB as u64, ETag::new("p1"), Crc64::of(&part))];
    state.to_bytes()
}
