//! The service and a client of it in one value: no sockets, virtual time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use cos_proto::{
    Bucket, CallKind, Credentials, CredentialsFailed, Endpoint, Error, Event, Failure, FailureKind,
    Key, Machine, MemoryBudget, Now, ObjectMeta, Operation, Output, Payload, Policy, Presign,
    Region, ReplyMode, Session, Ticks, Transmit, UnixTime,
    api::{CopyOptions, GetOptions, ObjectOptions},
    emulator::{Delivery, Emulator, OverTls, Received, Settings},
    op,
};
use http::{HeaderMap, Method, Request, Response, Uri, request::Parts};

pub(crate) const BUCKET: &str = "examplebucket-1250000000";
pub(crate) const OTHER_BUCKET: &str = "other-1250000000";
pub(crate) const MIB: usize = 1024 * 1024;
const START: i64 = 1_700_000_000;

/// What an interrupted request sees done before it.
type Interruption = Box<dyn FnOnce(&mut Emulator)>;

/// The service, a session of its first bucket, and the time.
pub(crate) struct World {
    pub(crate) emulator: Emulator,
    pub(crate) session: Session,
    /// What the provider of credentials answers, one after the other.
    pub(crate) provider: VecDeque<Credentials>,
    /// The requests that were sent.
    pub(crate) sent: Vec<Sent>,
    /// Answers name this version, as those of a bucket with versions do.
    pub(crate) version: Option<&'static str>,
    interruption: Option<(CallKind, Interruption)>,
    elapsed: Duration,
}

/// A request as it went out.
pub(crate) struct Sent {
    pub(crate) call: CallKind,
    pub(crate) headers: HeaderMap,
    pub(crate) uri: Uri,
}

/// What a plain HTTP client gets.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// With a second bucket, and SSE-C over TLS only, as the service has it.
    pub(crate) fn with(mut settings: Settings) -> Self {
        settings.buckets = vec![BUCKET.to_owned(), OTHER_BUCKET.to_owned()];
        settings.sse_c = cos_proto::emulator::SseCTransport::TlsOnly;
        Self {
            session: session(BUCKET).with_credentials(settings.credentials[0].clone()),
            emulator: Emulator::new(settings).unwrap(),
            provider: VecDeque::new(),
            sent: Vec::new(),
            version: None,
            interruption: None,
            elapsed: Duration::ZERO,
        }
    }

    pub(crate) fn now(&self) -> Now {
        let unix = START + i64::try_from(self.elapsed.as_secs()).unwrap();
        Now { ticks: Ticks::new(self.elapsed), unix: UnixTime::from_secs(unix) }
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.elapsed += time;
    }

    /// Has something happen just before the next call of this kind.
    pub(crate) fn before(&mut self, call: CallKind, happens: impl FnOnce(&mut Emulator) + 'static) {
        self.interruption = Some((call, Box::new(happens)));
    }

    /// Runs an operation to its end.
    pub(crate) fn run<O, T>(&mut self, operation: O) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        let mut machine = self.machine(operation);
        self.drive(&mut machine).expect("it waits for nobody")
    }

    pub(crate) fn machine<O: Operation>(&self, operation: O) -> Machine<O> {
        Machine::new(operation, self.session.clone(), Policy::default(), 1)
    }

    /// Runs until the end, or until only the application can make progress.
    pub(crate) fn drive<O: Operation>(&mut self, machine: &mut Machine<O>) -> Option<O::Output> {
        self.drive_into(machine, &mut Vec::new())
    }

    fn drive_into<O: Operation>(
        &mut self,
        machine: &mut Machine<O>,
        delivered: &mut Vec<u8>,
    ) -> Option<O::Output> {
        let mut sent = VecDeque::new();
        for _ in 0..100_000 {
            match machine.poll_output(self.now()) {
                Output::Done(output) => return Some(output),
                Output::Idle => return None,
                Output::NeedCredentials => {
                    let fresh = self.provider.pop_front();
                    let none = || CredentialsFailed::new("the provider has no more");
                    machine.handle_credentials(self.now(), fresh.ok_or_else(none));
                }
                Output::Send(transmit) => sent.push_back(transmit),
                Output::Wait(due) => match (sent.pop_front(), due) {
                    (Some(transmit), _) => self.answer(machine, *transmit, delivered),
                    (None, Some(due)) => self.elapsed = due.since_epoch(),
                    (None, None) => panic!("it waits for an answer that does not come"),
                },
            }
        }
        panic!("no end");
    }

    fn answer<O: Operation>(
        &mut self,
        machine: &mut Machine<O>,
        transmit: Transmit,
        delivered: &mut Vec<u8>,
    ) {
        let (mut head, body) = transmit.request.into_parts();
        self.sent.push(Sent {
            call: transmit.call,
            headers: head.headers.clone(),
            uri: head.uri.clone(),
        });
        if self.interruption.as_ref().is_some_and(|(call, _)| *call == transmit.call) {
            let (_, happens) = self.interruption.take().unwrap();
            happens(&mut self.emulator);
        }
        let Some(answer) = self.exchange(&mut head, body) else {
            let failure = Failure::new(FailureKind::Broken, "no answer");
            return machine.handle(self.now(), transmit.id, Event::Failed(failure));
        };
        let streamed = transmit.reply == ReplyMode::Stream && answer.status().is_success();
        if !streamed {
            return machine.handle(self.now(), transmit.id, Event::Reply(Box::new(answer)));
        }
        let (head, body) = answer.into_parts();
        machine.handle(self.now(), transmit.id, Event::Head(Response::from_parts(head, ())));
        for piece in body.chunks(1000) {
            let taken = machine.handle_data(transmit.id, piece);
            delivered.extend_from_slice(&piece[taken]);
        }
        machine.handle(self.now(), transmit.id, Event::End);
    }

    fn exchange(&mut self, head: &mut Parts, body: Payload) -> Option<Response<Bytes>> {
        if head.uri.scheme_str() == Some("https") {
            head.extensions.insert(OverTls);
        }
        let now_ms = self.now().unix.as_secs() * 1000;
        let answer = self.emulator.handle(now_ms, head, Received::from(body));
        if answer.delivery == Delivery::NoReply {
            return None;
        }
        let mut response = answer.response.map(|body| body.to_bytes());
        if let Some(version) = self.version {
            let version = http::HeaderValue::from_static(version);
            response.headers_mut().insert("x-cos-version-id", version);
        }
        Some(response)
    }

    /// Sends as a plain HTTP client does: the target in origin form, the host in its header.
    pub(crate) fn http(
        &mut self,
        method: &Method,
        url: &str,
        headers: &HeaderMap,
        body: &str,
    ) -> Got {
        let url: Uri = url.parse().unwrap();
        let mut request = Request::new(());
        request.method_mut().clone_from(method);
        *request.uri_mut() = url.path_and_query().unwrap().as_str().parse().unwrap();
        *request.headers_mut() = headers.clone();
        let host = url.authority().unwrap().as_str().parse().unwrap();
        request.headers_mut().insert("host", host);
        if matches!(*method, Method::PUT | Method::POST) {
            request.headers_mut().insert("content-length", body.len().into());
        }
        let (mut head, ()) = request.into_parts();
        let answer = self.exchange(&mut head, body.to_owned().into()).expect("an answer");
        let (head, body) = answer.into_parts();
        Got { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The same by a presigned URL, with the headers that it demands.
    pub(crate) fn presigned(&mut self, presign: &Presign, body: &str) -> Got {
        let url = self.session.presign(self.now().unix, presign).unwrap();
        self.http(&presign.method, url.as_str(), &presign.headers, body)
    }

    /// Stores an object.
    pub(crate) fn put(&mut self, name: &str, options: ObjectOptions, body: impl Into<Payload>) {
        self.run(op::Put::new(key(name), options, body.into(), None)).unwrap();
    }

    /// What a HEAD says.
    pub(crate) fn head(&mut self, name: &str) -> Result<ObjectMeta, Error> {
        self.run(op::Head::new(key(name), GetOptions::new()))
    }

    /// Reads an object.
    pub(crate) fn get(&mut self, name: &str, options: GetOptions) -> Result<op::Fetched, Error> {
        self.run(op::Fetch::new(key(name), options, op::Fetch::DEFAULT_LIMIT))
    }

    /// Streams an object.
    pub(crate) fn stream(
        &mut self,
        name: &str,
        options: op::DownloadOptions,
    ) -> (Result<op::DownloadOutcome, Error>, Vec<u8>, Option<ObjectMeta>) {
        let mut machine = self.machine(op::Download::new(key(name), options));
        let mut delivered = Vec::new();
        let outcome = self.drive_into(&mut machine, &mut delivered).expect("it waits for nobody");
        (outcome, delivered, machine.operation().meta().cloned())
    }

    /// Uploads in parts of 1 MiB, and commits.
    pub(crate) fn upload(
        &mut self,
        name: &str,
        options: ObjectOptions,
        content: Vec<u8>,
    ) -> Result<op::UploadOutcome, Error> {
        let mut machine = self.machine(op::Upload::start(key(name), upload_options(options)));
        let mut rest = Bytes::from(content);
        while !rest.is_empty() {
            rest = machine.operation_mut().push(rest);
            if let Some(outcome) = self.drive(&mut machine) {
                return outcome;
            }
        }
        machine.operation_mut().commit().unwrap();
        self.drive(&mut machine).expect("it waits for nobody")
    }

    /// Copies by one call, or in parts of 1 MiB.
    pub(crate) fn copy(
        &mut self,
        source: impl Into<cos_proto::CopySource>,
        name: &str,
        options: CopyOptions,
        way: Way,
    ) -> Result<op::CopyOutcome, Error> {
        self.run(op::Copy::new(source, key(name), options, way.limits()))
    }

    /// The object as the emulator stores it.
    pub(crate) fn content(&self, name: &str) -> Bytes {
        self.emulator.object(BUCKET, name).expect(name).body.to_bytes()
    }

    /// A header as the emulator stores it, also one that no answer shows.
    pub(crate) fn stored(&self, name: &str, header: &str) -> Option<String> {
        self.emulator.object(BUCKET, name).expect(name).headers.get(header).cloned()
    }

    /// The header `name` of the requests of one kind.
    pub(crate) fn sent_headers(&self, call: CallKind, name: &str) -> Vec<Option<&str>> {
        let of_kind = self.sent.iter().filter(|sent| sent.call == call);
        of_kind.map(|sent| Some(sent.headers.get(name)?.to_str().unwrap())).collect()
    }
}

/// How an object is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    OneCall,
    Parts,
}

impl Way {
    pub(crate) const BOTH: [Self; 2] = [Self::OneCall, Self::Parts];

    fn limits(self) -> op::CopyLimits {
        match self {
            Self::OneCall => op::CopyLimits::default(),
            Self::Parts => op::CopyLimits::new(0, MIB as u64),
        }
    }
}

impl Got {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// The texts of all elements of this name.
    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let unescape = |text: &str| text.replace("&lt;", "<").replace("&amp;", "&");
        self.text()
            .split(&open)
            .skip(1)
            .filter_map(|rest| rest.split_once(&close).map(|(text, _)| unescape(text)))
            .collect()
    }

    /// Status and error code.
    pub(crate) fn outcome(&self) -> String {
        let code = self.elements("Code").pop().unwrap_or_default();
        format!("{} {code}", self.status).trim_end().to_owned()
    }
}

/// A session without credentials.
pub(crate) fn session(bucket: &str) -> Session {
    let (bucket, region) = (Bucket::new(bucket).unwrap(), region());
    let endpoint = Endpoint::of(&bucket, &region, true);
    Session::new(bucket, region, endpoint)
}

pub(crate) fn region() -> Region {
    Region::new("ap-guangzhou").unwrap()
}

pub(crate) fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

pub(crate) fn upload_options(object: ObjectOptions) -> op::UploadOptions {
    op::UploadOptions::new(MemoryBudget::new(64 * MIB as u64)).object(object).chunk_size(MIB as u64)
}

pub(crate) fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 999 + at % 7).to_le_bytes()[0]).collect()
}

/// The URL of an object, unsigned.
pub(crate) fn url_of(name: &str) -> String {
    format!("https://{BUCKET}.cos.ap-guangzhou.myqcloud.com/{name}")
}

/// Whatever an object says of itself, by header name.
pub(crate) fn shown(meta: &ObjectMeta) -> BTreeMap<String, String> {
    let mut shown = meta.content_headers.clone();
    shown.extend(meta.encryption.clone());
    shown.extend(meta.metadata.iter().map(|(k, v)| (format!("x-cos-meta-{k}"), v.clone())));
    shown.insert("x-cos-storage-class".to_owned(), meta.storage_class.to_string());
    shown.insert("content-type".to_owned(), meta.content_type.clone().unwrap_or_default());
    shown
}

/// Status and code of a refusal.
pub(crate) fn refusal(error: &Error) -> String {
    let remote = error.remote().expect("an answer");
    let status = remote.status.map_or(0, |status| status.as_u16());
    format!("{status} {}", remote.code.as_deref().unwrap_or("")).trim_end().to_owned()
}
