//! Runs an operation by hand, without a machine, against a small store in memory.

#![allow(
    clippy::result_large_err,
    clippy::wildcard_enum_match_arm,
    reason = "a store that answers some calls, in tests only"
)]

mod answers;

use std::{collections::BTreeMap, fmt::Write as _};

use bytes::Bytes;
use http::{HeaderValue, Response};

pub(crate) use self::answers::refusal;
use self::answers::{
    CRC, call_error, crc_element, describe, describe_object, head_404, quoted, reply, sent,
};
use crate::{
    Call, CallError, CallKind, Crc64, Error, Failure, FailureKind, Key, Next, ObjectMeta,
    Operation, Rejected, Reply, UnixTime, error::Cause,
};

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).expect(text)
}

/// What becomes of a call that a [`Fault`] hits.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    /// Refused for good, before anything was done.
    Refuse(u16, &'static str),
    /// Executed, but no attempt's answer arrived.
    Lose,
    /// Not executed, but nobody can tell.
    Vanish,
    /// Executed; an earlier attempt may have been, too.
    Repeat,
    /// Executed, and the answer is this body.
    Say(String),
    /// Executed, and the answer has no CRC, neither as a header nor as an element.
    NoCrc,
    /// Executed, and the answer has another CRC.
    WrongCrc,
}

pub(crate) struct Fault {
    /// The beginning of the call's line in the log.
    call: String,
    times: usize,
    effect: Effect,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) modified: i64,
    no_crc: bool,
}

impl Object {
    fn etag(&self) -> String {
        format!("{:x}", Crc64::of(&self.body))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Upload {
    initiated: i64,
    headers: BTreeMap<String, String>,
    parts: BTreeMap<u16, Bytes>,
}

/// One bucket.
#[derive(Default)]
pub(crate) struct Store {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) uploads: BTreeMap<(String, String), Upload>,
    /// Names that lists do not show yet.
    pub(crate) lagging: Vec<String>,
    pub(crate) log: Vec<String>,
    pub(crate) page: usize,
    /// When all calls are first made, as answers tell; `None` if they have no `Date`.
    pub(crate) asked_at: Option<i64>,
    /// The most calls that were open at once.
    pub(crate) open_max: usize,
    faults: Vec<Fault>,
    ids: u32,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { page: 1000, ..Self::default() }
    }

    pub(crate) fn with(mut self, key: &str, body: impl Into<Bytes>) -> Self {
        self.objects.insert(key.into(), Object { body: body.into(), ..Object::default() });
        self
    }

    pub(crate) fn without_crc(mut self, key: &str) -> Self {
        self.objects.get_mut(key).expect("object").no_crc = true;
        self
    }

    pub(crate) fn with_upload(mut self, key: &str, id: &str, initiated: i64) -> Self {
        self.uploads.insert((key.into(), id.into()), Upload { initiated, ..Upload::default() });
        self
    }

    /// The next `times` calls whose line in the log begins so.
    pub(crate) fn fault(mut self, call: &str, times: usize, effect: Effect) -> Self {
        self.faults.push(Fault { call: call.into(), times, effect });
        self
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.objects.keys().map(String::as_str).collect()
    }

    pub(crate) fn calls(&self, kind: CallKind) -> usize {
        self.log.iter().filter(|line| line.starts_with(kind.name())).count()
    }

    /// What a HEAD of the object says.
    pub(crate) fn meta(&self, key: &str) -> ObjectMeta {
        let response = describe_object(&self.objects[key], CallKind::HeadObject);
        crate::api::head_object::decode(&Reply::new(response, false)).expect("a description")
    }

    /// Where in the log the first line with this beginning stands.
    pub(crate) fn position(&self, line: &str) -> usize {
        let found = self.log.iter().position(|logged| logged.starts_with(line));
        found.unwrap_or_else(|| panic!("no {line} in {:#?}", self.log))
    }

    /// Runs an operation to its end, at most `width` calls at once, the newest answered first.
    pub(crate) fn run<O, T>(&mut self, mut operation: O, width: usize) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        let mut open: Vec<O::Tag> = Vec::new();
        for _ in 0..1_000_000 {
            while open.len() < width {
                match operation.next() {
                    Next::Call(tag) => {
                        assert!(!open.contains(&tag), "{tag:?} named twice");
                        open.push(tag);
                    }
                    Next::Done(result) => {
                        assert!(open.is_empty(), "over with {open:?} in flight");
                        return result;
                    }
                    Next::Pending | Next::Idle => break,
                }
            }
            self.open_max = self.open_max.max(open.len());
            let tag = open.pop().expect("neither over nor anything in flight");
            self.deliver(&mut operation, tag);
        }
        panic!("no end");
    }

    /// One call over all its attempts, as a machine would make them.
    fn deliver<O: Operation>(&mut self, operation: &mut O, tag: O::Tag) {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let call = operation.call(tag);
            let rejected = match self.answer(&call) {
                Err(error) => return operation.on_error(tag, error),
                Ok(reply) => operation.on_reply(tag, reply),
            };
            let reason = match rejected {
                Ok(()) => return,
                Err(Rejected::Retry(_)) if attempts < 3 => continue,
                Err(Rejected::Retry(reason) | Rejected::Final(reason)) => reason,
            };
            return operation.on_error(tag, call_error(call.kind, Cause::Rejected(reason), true));
        }
    }

    fn answer(&mut self, call: &Call) -> Result<Reply, CallError> {
        let line = describe(call);
        let fault =
            self.faults.iter_mut().find(|fault| fault.times > 0 && line.starts_with(&fault.call));
        let effect = fault.map(|fault| {
            fault.times -= 1;
            fault.effect.clone()
        });
        self.log.push(line);
        let broken = || {
            let failure = Failure::new(FailureKind::Broken, "reset");
            call_error(call.kind, Cause::Transport(failure), true)
        };
        match effect {
            Some(Effect::Refuse(status, code)) => return Err(refusal(call.kind, status, code)),
            Some(Effect::Vanish) => return Err(broken()),
            _ => {}
        }
        let mut response = self.execute(call)?;
        match &effect {
            Some(Effect::Lose) => return Err(broken()),
            Some(Effect::Say(body)) => *response.body_mut() = body.clone().into(),
            Some(Effect::NoCrc | Effect::WrongCrc) => {
                let body = String::from_utf8(response.body().to_vec()).expect("XML");
                let crc =
                    if matches!(effect, Some(Effect::NoCrc)) { "" } else { "<CRC64>1</CRC64>" };
                let element = body.find("<CRC64>").zip(body.find("</CRC64>"));
                if let Some((start, end)) = element {
                    let changed = format!("{}{crc}{}", &body[..start], &body[end + 8..]);
                    *response.body_mut() = changed.into();
                }
                if response.headers_mut().remove(CRC).is_some() && !crc.is_empty() {
                    response.headers_mut().insert(CRC, HeaderValue::from_static("1"));
                }
            }
            _ => {}
        }
        let reply = Reply::new(response, matches!(effect, Some(Effect::Repeat)));
        Ok(reply.with_asked_at(self.asked_at.map(UnixTime::from_secs)))
    }

    fn execute(&mut self, call: &Call) -> Result<Response<Bytes>, CallError> {
        let name = call.key.as_ref().map_or("", Key::as_str).to_owned();
        let query = |wanted: &str| {
            let found = call.query.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.to_string()).unwrap_or_default()
        };
        let no_such_key = || refusal(call.kind, 404, "NoSuchKey");
        let no_such_upload = || refusal(call.kind, 404, "NoSuchUpload");
        let upload = (name.clone(), query("uploadId"));
        match call.kind {
            CallKind::HeadObject | CallKind::GetObject => {
                let object = self.objects.get(&name).ok_or_else(|| {
                    if call.kind == CallKind::HeadObject { head_404() } else { no_such_key() }
                })?;
                if call.headers.get("if-match").is_some_and(|etag| etag != &*quoted(&object.etag()))
                {
                    return Err(refusal(call.kind, 412, "PreconditionFailed"));
                }
                if object.body.len() > 4 * 1024 * 1024 && call.kind == CallKind::GetObject {
                    let failure = Failure::new(FailureKind::ReplyTooLarge, "too large");
                    return Err(call_error(call.kind, Cause::Transport(failure), true));
                }
                Ok(describe_object(object, call.kind))
            }
            CallKind::DeleteObject => {
                self.objects.remove(&name);
                Ok(reply(204, ""))
            }
            CallKind::DeleteMultipleObjects => {
                let body = String::from_utf8(call.body.to_bytes().to_vec()).expect("UTF-8");
                let keys = body.split("<Key>").skip(1).map(|rest| rest.split("</Key>").next());
                for key in keys.flatten() {
                    self.objects.remove(&key.replace("&amp;", "&"));
                }
                Ok(reply(200, "<DeleteResult/>"))
            }
            CallKind::PutObject => {
                let object = Object {
                    body: call.body.to_bytes(),
                    headers: sent(&call.headers),
                    ..Object::default()
                };
                let response = describe_object(&object, CallKind::HeadObject);
                self.objects.insert(name, object);
                Ok(response)
            }
            CallKind::GetBucket => {
                Ok(self.list(&query("prefix"), &query("delimiter"), &query("marker")))
            }
            CallKind::ListMultipartUploads => {
                let after = (query("key-marker"), query("upload-id-marker"));
                Ok(self.list_uploads(&query("prefix"), &after))
            }
            CallKind::AbortMultipartUpload => {
                self.uploads.remove(&upload).ok_or_else(no_such_upload)?;
                Ok(reply(204, ""))
            }
            CallKind::PutObjectCopy => {
                let source = self.copy_source(call)?;
                let copy = Object { headers: sent(&call.headers), ..source };
                let (etag, crc) = (copy.etag(), crc_element(&copy));
                self.objects.insert(name, copy);
                Ok(reply(
                    200,
                    &format!("<CopyObjectResult><ETag>\"{etag}\"</ETag>{crc}</CopyObjectResult>"),
                ))
            }
            CallKind::InitiateMultipartUpload => {
                self.ids += 1;
                let id = format!("id{}", self.ids);
                let new = Upload { headers: sent(&call.headers), ..Upload::default() };
                self.uploads.insert((name, id.clone()), new);
                let xml = format!(
                    "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
                );
                Ok(reply(200, &xml))
            }
            CallKind::UploadPartCopy => {
                let source = self.copy_source(call)?;
                let number: u16 = query("partNumber").parse().expect("part number");
                let range = call.headers["x-cos-copy-source-range"].to_str().expect("ASCII");
                let (first, last) = range["bytes=".len()..].split_once('-').expect("range");
                let bytes = first.parse::<usize>().expect("first")..=last.parse().expect("last");
                let part = Object { body: source.body.slice(bytes), ..source };
                let (etag, crc) = (part.etag(), crc_element(&part));
                let upload = self.uploads.get_mut(&upload).ok_or_else(no_such_upload)?;
                upload.parts.insert(number, part.body);
                Ok(reply(
                    200,
                    &format!("<CopyPartResult><ETag>\"{etag}\"</ETag>{crc}</CopyPartResult>"),
                ))
            }
            CallKind::CompleteMultipartUpload => {
                let upload = self.uploads.remove(&upload).ok_or_else(no_such_upload)?;
                let parts: Vec<&[u8]> = upload.parts.values().map(|part| &**part).collect();
                let body = parts.concat();
                let object =
                    Object { body: body.into(), headers: upload.headers, ..Object::default() };
                let etag = object.etag();
                let xml = format!(
                    "<CompleteMultipartUploadResult><ETag>\"{etag}\"</ETag></CompleteMultipartUploadResult>"
                );
                let mut response = reply(200, &xml);
                let crc = HeaderValue::from(Crc64::of(&object.body));
                response.headers_mut().insert(CRC, crc);
                self.objects.insert(name, object);
                Ok(response)
            }
            kind => panic!("{kind:?}"),
        }
    }

    fn copy_source(&self, call: &Call) -> Result<Object, CallError> {
        let source = call.copy_source.as_ref().expect("copy source").key().as_str();
        let object = self.objects.get(source);
        let object = object.ok_or_else(|| refusal(call.kind, 404, "NoSuchKey"))?;
        let etag = call.headers.get("x-cos-copy-source-if-match").expect("pinned");
        if etag == &*quoted(&object.etag()) {
            Ok(object.clone())
        } else {
            Err(refusal(call.kind, 412, "PreconditionFailed"))
        }
    }

    fn list(&self, prefix: &str, delimiter: &str, marker: &str) -> Response<Bytes> {
        let shown = self.objects.iter().filter(|(key, _)| {
            key.starts_with(prefix) && key.as_str() > marker && !self.lagging.contains(key)
        });
        let rest: Vec<_> = shown.collect();
        let truncated = rest.len() > self.page;
        let mut xml =
            format!("<ListBucketResult><EncodingType/><IsTruncated>{truncated}</IsTruncated>");
        for (key, object) in rest.iter().take(self.page) {
            let name = &key[prefix.len()..];
            if let Some(end) = name.find(delimiter).filter(|_| !delimiter.is_empty()) {
                // Repeated where several keys have it, which a reader must bear.
                let common = &key[..prefix.len() + end + delimiter.len()];
                let _ = write!(xml, "<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>");
                continue;
            }
            let (etag, size) = (object.etag(), object.body.len());
            let modified = UnixTime::from_secs(object.modified).to_iso8601();
            let key = key.replace('&', "&amp;");
            let _ = write!(
                xml,
                "<Contents><Key>{key}</Key><ETag>{etag}</ETag><Size>{size}</Size>\
                 <LastModified>{modified}</LastModified></Contents>"
            );
        }
        reply(200, &(xml + "</ListBucketResult>"))
    }

    fn list_uploads(&self, prefix: &str, after: &(String, String)) -> Response<Bytes> {
        let shown = self.uploads.iter().filter(|(name, _)| {
            // By the key alone, all its uploads are behind the marker.
            let past = if after.1.is_empty() { name.0 > after.0 } else { *name > after };
            name.0.starts_with(prefix) && past && !self.lagging.contains(&name.1)
        });
        let rest: Vec<_> = shown.collect();
        let truncated = rest.len() > self.page;
        let mut xml = format!(
            "<ListMultipartUploadsResult><EncodingType/><IsTruncated>{truncated}</IsTruncated>"
        );
        for ((key, id), upload) in rest.iter().take(self.page) {
            let initiated = UnixTime::from_secs(upload.initiated).to_iso8601();
            let _ = write!(
                xml,
                "<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{initiated}</Initiated></Upload>"
            );
        }
        if let Some(((key, id), _)) = rest.get(self.page - 1).filter(|_| truncated) {
            let _ = write!(
                xml,
                "<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>"
            );
        }
        reply(200, &(xml + "</ListMultipartUploadsResult>"))
    }
}
