//! The core alone: its machines at every step, what they send, what the emulator keeps of it.

use std::fmt::Write as _;

use cos_proto::{
    Credentials, CvmMetadata, Error, Event, FailureKind, Machine, MemoryBudget, Now, Operation,
    Output, Payload, Policy, Presign, ReplyMode, Secret, Session, Ticks, UnixTime,
    api::{CopyOptions, GetOptions, MetadataDirective, SseC},
    config::{Config, Value},
    emulator::{BodyHasher, Delivery, Effect, Emulator, Fault, Settings},
    op::{Copy, CopyLimits, Download, DownloadOptions, Fetch, Put, Upload, UploadOptions},
};
use http::{Method, Response};

use crate::{scene::*, shown::Shown};

/// Shows all it can and gives what was sent.
pub fn run(scene: &Scene, shown: &mut Shown) -> String {
    let settings =
        Settings { credentials: vec![first(), second(), permanent()], ..Settings::default() };
    let emulator = Emulator::new(settings).expect("an emulator");
    let session = scene.session().with_credentials(first());
    let now = Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(1_700_000_000) };
    let mut core = Core { emulator, session, now, sent: String::new(), shown };
    core.operations();
    let sent = core.sent;
    values(shown, &scene.session());
    sent
}

struct Core<'a> {
    emulator: Emulator,
    session: Session,
    now: Now,
    sent: String,
    shown: &'a mut Shown,
}

impl Core<'_> {
    fn operations(&mut self) {
        let put = || Put::new(key("c"), under(sse_c()), Payload::from("text".to_owned()), None);
        self.run(put()).expect("stored");
        let kms = Put::new(key("kms"), under_kms(), Payload::from("text".to_owned()), None);
        self.run(kms).expect("stored");
        for effect in [
            Effect::slow_down(),
            Effect::error(403, "ExpiredToken"),
            Effect::error(403, "RequestTimeTooSkewed"),
            Effect::error(403, "AccessDenied"),
            Effect::LostReply,
            Effect::CutBody(1),
        ] {
            self.emulator.inject(Fault::next(effect));
            let _ = self.run(put());
            let read = GetOptions::new().sse_c(sse_c());
            self.run(Fetch::new(key("c"), read, 9)).expect("read");
        }
        self.run(Fetch::new(key("c"), GetOptions::new(), 9)).expect_err("without its key");
        self.run(Download::new(key("c"), DownloadOptions::new().sse_c(sse_c()))).expect("read");
        let options = CopyOptions::new(under(other_sse_c()), MetadataDirective::Replaced)
            .expect("options")
            .source_sse_c(sse_c());
        for threshold in [0, 1 << 30] {
            let limits = CopyLimits::new(threshold, 5 << 20);
            let copy = Copy::new(key("c"), key("d"), options.clone(), limits);
            self.run(copy).expect("copied");
        }
        let options = UploadOptions::new(MemoryBudget::new(64 << 20))
            .chunk_size(1 << 20)
            .object(under(sse_c()));
        self.shown.debug(&options);
        let mut upload = Upload::start(key("u"), options);
        let _ = upload.push(vec![7; 1 << 20].into());
        upload.commit().expect("open");
        self.run(upload).expect("committed");
        self.shown.debug(&self.emulator);
        self.shown.debug(&self.emulator.request_log());
        self.shown.debug(&self.emulator.object(&Settings::default().buckets[0], "c"));
        self.shown.debug(self.emulator.credentials());
    }

    fn run<T: std::fmt::Debug, O>(&mut self, operation: O) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>> + std::fmt::Debug,
    {
        self.shown.debug(&operation);
        let mut machine = Machine::new(operation, self.session.clone(), Policy::default(), 1);
        loop {
            let output = machine.poll_output(self.now);
            self.shown.debug(&output);
            self.shown.debug(&machine);
            self.shown.debug(machine.operation());
            self.shown.debug(&self.session);
            match output {
                Output::Send(transmit) => self.exchange(&mut machine, *transmit),
                Output::NeedCredentials => machine.handle_credentials(self.now, Ok(second())),
                Output::Wait(Some(due)) => self.now.ticks = due,
                Output::Wait(None) | Output::Idle => panic!("it waits for nobody"),
                Output::Done(result) => {
                    if let Err(error) = &result {
                        self.shown.error(error);
                    }
                    return result;
                }
            }
        }
    }

    fn exchange<O: Operation>(&mut self, machine: &mut Machine<O>, transmit: cos_proto::Transmit) {
        let (id, reply) = (transmit.id, transmit.reply);
        let (head, body) = transmit.request.into_parts();
        self.shown.debug(&head);
        for (name, value) in &head.headers {
            let _ = write!(self.sent, "{name}: {}\r\n", value.to_str().expect("ASCII"));
        }
        let mut hasher = BodyHasher::new();
        for chunk in body.chunks() {
            hasher.update(chunk.clone());
        }
        let now_ms = self.now.unix.as_secs() * 1000;
        let answer = self.emulator.handle(now_ms, &head, hasher.finish());
        self.shown.debug(&answer.response);
        let whole = matches!(answer.delivery, Delivery::Whole | Delivery::Chunked { .. });
        let (head, body) = answer.response.into_parts();
        let event = if !whole {
            Event::Failed(cos_proto::Failure::new(FailureKind::Broken, "it broke"))
        } else if reply == ReplyMode::Stream && head.status.is_success() {
            machine.handle(self.now, id, Event::Head(Response::from_parts(head, ())));
            let _ = machine.handle_data(id, &body.to_bytes());
            Event::End
        } else {
            Event::Reply(Box::new(Response::from_parts(head, body.to_bytes())))
        };
        self.shown.debug(&event);
        machine.handle(self.now, id, event);
    }
}

/// Values that hold secrets, and errors about such.
fn values(shown: &mut Shown, session: &Session) {
    shown.debug(&[permanent(), first(), second()]);
    shown.debug(&Secret::new(SECRET_KEY));
    shown.debug(&session.clone().with_credentials(first()));
    shown.debug(&sse_c());
    shown.result(SseC::from_base64(&format!("{SECRET_KEY}!")));
    shown.result(SseC::from_base64("AP8Hc3NlLWMia2V5XArIb2aAdGhpcnR5LXR3b/5ieXR"));
    let now = UnixTime::from_secs(1_700_000_000);
    let presign = Presign::new(Method::GET, key("c"));
    shown.result(session.presign(now, &presign));
    shown.result(session.clone().with_credentials(first()).presign(now, &presign));
    let expired = first().expiring(now);
    shown.result(session.clone().with_credentials(expired).presign(now, &presign));
    shown.debug(&Value::from(SECRET_KEY));
    for (name, value) in [
        ("secretkey", format!("{SECRET_KEY}\n")),
        ("sessiontoken", format!("{TOKEN} ")),
        ("credentials", "environment".to_owned()),
        ("secretkeyy", SECRET_KEY.to_owned()),
        ("endpoint", format!("https://user:{PROXY_PASSWORD}@host/path")),
        ("redirectendpoint", format!("user:{PROXY_PASSWORD}@host/ path")),
    ] {
        let builder = Config::builder()
            .secret("AKID", SECRET_KEY)
            .session_token(TOKEN)
            .bucket("a-1250000000")
            .region("ap-guangzhou")
            .parameter(name, value);
        shown.debug(&builder);
        assert!(shown.result(builder.build()).is_none(), "{name}");
    }
    let half = |name: &str| (name == "COS_SECRET_KEY").then(|| SECRET_KEY.to_owned());
    shown.result(Credentials::from_variables(half));
    for missing in ["TmpSecretId", "TmpSecretKey", "Token", "ExpiredTime"] {
        let member = |name: &str| match name {
            _ if name == missing => None,
            "TmpSecretKey" => Some(SECRET_KEY),
            "Token" => Some(TOKEN),
            "Expiration" => Some(SECOND_TOKEN),
            _ => Some("Success"),
        };
        shown.result(CvmMetadata::credentials(member, |_| None));
    }
}
