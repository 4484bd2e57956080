//! One driver against the emulator at a small scale: one operation after the other, the oldest
//! request answered first, and everything written down.

use std::{
    collections::VecDeque,
    num::{NonZeroU64, NonZeroUsize},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, header::CONTENT_RANGE, response::Parts};

use crate::{
    Bucket, CallKind, Crc64, Credentials, Endpoint, Error, Event, Failure, FailureKind, Key,
    Machine, Now, Operation, Output, Policy, Region, ReplyMode, Session, Ticks, Transmit, UnixTime,
    driver::{Driver, DriverSettings},
    emulator::{BodyHasher, Delivery, Effect, Emulator, Fault, Settings},
    op::{
        Append, CopyLimits, ReadAhead, ReadAheadOptions, Upload, WalkControl, WalkEntry,
        WalkOptions,
    },
    sim::OpenOnce,
};

const BUCKET: &str = "examplebucket-1250000000";
const CHUNK: u64 = 100;
/// What one operation may poll and answer at most.
const STEPS_MAX: usize = 400;

pub(super) struct Play {
    pub(super) emulator: Emulator,
    pub(super) now: Now,
    driver: Driver,
    log: Vec<String>,
    meanwhile: Option<(String, Vec<u8>)>,
    shifts_range: bool,
}

impl Play {
    /// `settings` at a small scale.
    pub(super) fn new(mut settings: DriverSettings) -> Self {
        settings.part_bytes_min = CHUNK;
        settings.chunk_size = CHUNK;
        settings.max_concurrency = NonZeroUsize::new(3).expect("not 0");
        settings.copy_limits = CopyLimits::new(2 * CHUNK, CHUNK);
        let service =
            Settings { part_bytes_min: CHUNK, page_entries_max: 3, ..Settings::default() };
        let bucket = Bucket::new(BUCKET).expect("bucket");
        let region = Region::new("ap-guangzhou").expect("region");
        let endpoint = Endpoint::of(&bucket, &region, true);
        let credentials = service.credentials[0].clone();
        let session = Session::new(bucket, region, endpoint).with_credentials(credentials);
        Self {
            emulator: Emulator::new(service).expect("settings"),
            now: Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(1_700_000_000) },
            driver: Driver::with_settings(session, settings),
            log: Vec::new(),
            meanwhile: None,
            shifts_range: false,
        }
    }

    /// What happened, and what is left.
    pub(super) fn finish(mut self) -> Vec<String> {
        for key in self.emulator.keys(BUCKET) {
            self.show(&format!("/{key}"));
        }
        let uploads = self.emulator.open_uploads().into_iter();
        self.log.extend(uploads.map(|(_, key, _)| format!("upload of {key}")));
        self.log
    }

    pub(super) fn fault(&mut self, call: CallKind, effect: Effect, times: u32) {
        self.emulator.inject(Fault::on(call, effect).times(times));
    }

    /// At the next back-off another object takes the place of this one.
    pub(super) fn replace_while_waiting(&mut self, key: &str, content: Vec<u8>) {
        self.meanwhile = Some((key.to_owned(), content));
    }

    /// Answers with a part of an object begin ten bytes late.
    pub(super) fn shift_range(&mut self) {
        self.shifts_range = true;
    }

    /// The service takes other credentials from now on.
    pub(super) fn expire(&mut self) {
        let fresh = Credentials::new("AKIDFRESH", "fresh").with_token("fresh");
        self.emulator.set_credentials(vec![fresh]);
    }

    pub(super) fn show(&mut self, path: &str) {
        let object = self.emulator.object(BUCKET, path.trim_start_matches('/'));
        let body = object.map(|object| object.body.to_bytes()).unwrap_or_default();
        self.log.push(format!("{path}: {} {:x}", body.len(), Crc64::of(&body)));
    }

    pub(super) fn put(&mut self, path: &str, content: Bytes) {
        let put = self.driver.put_content(path, content).expect("path");
        self.run(put, self.driver.policy(), |_, _| {});
    }

    pub(super) fn read(&mut self, path: &str, offset: i64) {
        let download = self.driver.reader(path, offset).expect("path");
        self.run(download, self.driver.policy(), |_, _| {});
    }

    /// Three ranges of twenty bytes at once.
    pub(super) fn read_ahead(&mut self, path: &str, offset: i64) {
        let ranges = NonZeroUsize::new(3).expect("not 0");
        let bytes = NonZeroU64::new(20).expect("not 0");
        let ahead = ReadAheadOptions::new(ranges).range_bytes(bytes);
        let (key, options) = self.driver.read_from(path, offset).expect("path");
        let reading = ReadAhead::new(key, options, ahead);
        self.run(reading, self.driver.bulk_policy(), |reading, log| {
            while let Some(bytes) = reading.take() {
                log.push(format!("{} {:x}", bytes.len(), Crc64::of(&bytes)));
            }
        });
    }

    pub(super) fn write(
        &mut self,
        path: &str,
        append: Append,
        length: usize,
        end: impl Fn(&mut Upload) -> Result<(), Error>,
    ) {
        let upload = self.driver.writer(path, append).expect("path");
        let mut rest = super::bytes(length);
        self.run(upload, self.driver.bulk_policy(), |upload, _| {
            rest = upload.push(std::mem::take(&mut rest));
            if rest.is_empty() {
                end(upload).expect("open");
            }
        });
    }

    /// Writes into a writer that is not polled, until it takes no more.
    pub(super) fn fill(&mut self, path: &str, length: usize) {
        let upload = self.driver.writer(path, Append::No).expect("path");
        let mut filled = false;
        self.run(upload, self.driver.bulk_policy(), |upload, log| {
            if !filled {
                let rest = upload.push(super::bytes(length));
                log.push(format!("{} too many", rest.len()));
                filled = true;
            } else if upload.is_open() {
                upload.commit().expect("open");
            }
        });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let rename = self.driver.rename(from, to).expect("paths");
        self.run(rename, self.driver.copy_policy(), |_, _| {});
    }

    pub(super) fn delete(&mut self, path: &str) {
        let delete = self.driver.delete(self.now.ticks, path).expect("path");
        self.run(delete, self.driver.policy(), |_, _| {});
    }

    pub(super) fn sweep(&mut self, age: Duration) {
        self.run(self.driver.sweep(age), self.driver.policy(), |_, _| {});
    }

    pub(super) fn list(&mut self, path: &str) {
        self.run(self.driver.list(path).expect("path"), self.driver.policy(), |_, _| {});
    }

    pub(super) fn stat(&mut self, path: &str) {
        self.run(self.driver.stat(path).expect("path"), self.driver.policy(), |_, _| {});
    }

    pub(super) fn open_once(&mut self, key: &str) {
        let open = OpenOnce::new(Key::new(key).expect("key"));
        self.run(open, self.driver.policy(), |_, _| {});
    }

    pub(super) fn walk(
        &mut self,
        path: &str,
        options: &WalkOptions,
        visit: impl Fn(&WalkEntry) -> WalkControl,
    ) {
        let walk = self.driver.walk(path, options).expect("path");
        self.run(walk, self.driver.policy(), |walk, log| {
            while let Some(entry) = walk.next_entry() {
                log.push(format!("visit {}", entry.path));
                walk.go_on(visit(&entry), &entry);
            }
        });
    }

    /// Runs to the end, or until nothing would ever happen; `idle` is the application's turn.
    fn run<O>(
        &mut self,
        operation: O,
        policy: Policy,
        mut idle: impl FnMut(&mut O, &mut Vec<String>),
    ) where
        O: Operation<Output: std::fmt::Debug>,
    {
        let session = self.driver.session().clone();
        let mut machine = Machine::new(operation, session, policy, 1);
        let mut in_flight = VecDeque::new();
        for _ in 0..STEPS_MAX {
            match machine.poll_output(self.now) {
                Output::Send(transmit) => in_flight.push_back(transmit),
                Output::NeedCredentials => {
                    let fresh = Credentials::new("AKIDFRESH", "fresh").with_token("fresh");
                    machine.handle_credentials(self.now, Ok(fresh));
                }
                Output::Wait(due) => match (in_flight.pop_front(), due) {
                    (Some(transmit), _) => self.exchange(&mut machine, *transmit),
                    (None, Some(due)) => self.wait(due.saturating_since(self.now.ticks)),
                    (None, None) => return self.log.push("waits for ever".to_owned()),
                },
                Output::Idle => idle(machine.operation_mut(), &mut self.log),
                Output::Done(output) => return self.log.push(format!("{output:?}")),
            }
        }
        self.log.push("has no end".to_owned());
    }

    fn wait(&mut self, pause: Duration) {
        self.log.push(format!("waits {pause:?}"));
        self.now.ticks = self.now.ticks + pause;
        if let Some((key, content)) = self.meanwhile.take() {
            assert!(self.emulator.put_raw(BUCKET, &key, content));
        }
    }

    fn exchange<O: Operation>(&mut self, machine: &mut Machine<O>, transmit: Transmit) {
        let (id, reply) = (transmit.id, transmit.reply);
        let (head, body) = transmit.request.into_parts();
        let mut hasher = BodyHasher::new();
        for chunk in body.chunks() {
            hasher.update(chunk.clone());
        }
        let answer = self.emulator.handle(self.now.unix.as_secs() * 1000, &head, hasher.finish());
        let (mut head, body) = answer.response.into_parts();
        self.log.push(format!("{} -> {}", transmit.call.name(), head.status));
        let mut body = body.to_bytes();
        let broken = || Event::Failed(Failure::new(FailureKind::Broken, "reset"));
        let end = match answer.delivery {
            Delivery::NoReply => return machine.handle(self.now, id, broken()),
            Delivery::CutAfter(bytes) => {
                body.truncate(usize::try_from(bytes).expect("small"));
                broken()
            }
            Delivery::Whole | Delivery::Chunked { .. } | Delivery::Trickle { .. } => Event::End,
        };
        if self.shifts_range && head.headers.contains_key(CONTENT_RANGE) {
            self.shifts_range = false;
            body = shifted(&mut head, &body);
        }
        if reply == ReplyMode::Stream && head.status.is_success() {
            machine.handle(self.now, id, Event::Head(Response::from_parts(head, ())));
            let taken = machine.handle_data(id, &body);
            let crc = Crc64::of(&body[taken.clone()]);
            self.log.push(format!("{} of {} {crc:x}", taken.len(), body.len()));
            machine.handle(self.now, id, end);
        } else if matches!(end, Event::Failed(_)) {
            machine.handle(self.now, id, end);
        } else {
            let response = Response::from_parts(head, body);
            machine.handle(self.now, id, Event::Reply(Box::new(response)));
        }
    }
}

/// The answer to a request for ten bytes fewer.
fn shifted(head: &mut Parts, body: &Bytes) -> Bytes {
    let range = head.headers[CONTENT_RANGE].to_str().expect("ASCII");
    let (first, rest) = range["bytes ".len()..].split_once('-').expect("a range");
    let first = first.parse::<usize>().expect("a number") + 10;
    let range = format!("bytes {first}-{rest}").parse().expect("a value");
    head.headers.insert(CONTENT_RANGE, range);
    body.slice(10..)
}
