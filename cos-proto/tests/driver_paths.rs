//! The façade's copying, moving, deleting and sweeping against the strict emulator: every request
//! is signed, verified and parsed as the service would.

#![cfg(feature = "emulator")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use cos_proto::{
    Bucket, CallKind, Credentials, Endpoint, Error, ErrorKind, Event, Failure, FailureKind,
    Machine, Now, Operation, Output, Policy, Region, ReplyMode, Session, Ticks, UnixTime,
    driver::{Driver, DriverSettings},
    emulator::{BodyHasher, Delivery, Effect, Emulator, Fault, Settings},
    op::{Append, CopyLimits, Upload},
};

const BUCKET: &str = "examplebucket-1250000000";
const MIB: usize = 1024 * 1024;
const START: i64 = 1_700_000_000;

/// A driver, the service, and the time.
struct World {
    driver: Driver,
    emulator: Emulator,
    elapsed: Duration,
}

impl World {
    fn new(root: &str, list_lag: Duration) -> Self {
        let credentials = Credentials::new("AKIDtest", "secret");
        let settings = Settings {
            buckets: vec![BUCKET.to_owned()],
            credentials: vec![credentials.clone()],
            list_lag,
            ..Settings::default()
        };
        let bucket = Bucket::new(BUCKET).unwrap();
        let region = Region::new(&settings.region).unwrap();
        let endpoint = Endpoint::of(&bucket, &region, false);
        let session = Session::new(bucket, region, endpoint).with_credentials(credentials);
        let mut settings_of_driver = DriverSettings::default();
        settings_of_driver.root_directory = cos_proto::RootDirectory::new(root).unwrap();
        settings_of_driver.chunk_size = 5 * MIB as u64;
        settings_of_driver.copy_limits = CopyLimits::new(2 * MIB as u64, MIB as u64);
        Self {
            driver: Driver::with_settings(session, settings_of_driver),
            emulator: Emulator::new(settings).unwrap(),
            elapsed: Duration::ZERO,
        }
    }

    fn now(&self) -> Now {
        let unix = START + i64::try_from(self.elapsed.as_secs()).unwrap();
        Now { ticks: Ticks::new(self.elapsed), unix: UnixTime::from_secs(unix) }
    }

    /// Polls until nothing can be done without the application.
    fn drive<O: Operation>(&mut self, machine: &mut Machine<O>) -> Option<O::Output> {
        let mut sent = VecDeque::new();
        for _ in 0..1_000_000 {
            match machine.poll_output(self.now()) {
                Output::Done(output) => return Some(output),
                Output::Idle => return None,
                Output::NeedCredentials => panic!("there are credentials"),
                Output::Send(transmit) => sent.push_back(transmit),
                Output::Wait(due) => match (sent.pop_front(), due) {
                    (None, None) => return None,
                    (None, Some(due)) => self.elapsed = due.since_epoch(),
                    (Some(transmit), _) => {
                        let (id, reply) = (transmit.id, transmit.reply);
                        for event in self.exchange(transmit.request, reply) {
                            machine.handle(self.now(), id, event);
                        }
                    }
                },
            }
        }
        panic!("no end");
    }

    fn exchange(
        &mut self,
        request: http::Request<cos_proto::Payload>,
        reply: ReplyMode,
    ) -> Vec<Event> {
        let (head, payload) = request.into_parts();
        let mut body = BodyHasher::new();
        payload.chunks().iter().for_each(|chunk| body.update(chunk.clone()));
        let now_ms = self.now().unix.as_secs() * 1000;
        let answer = self.emulator.handle(now_ms, &head, body.finish());
        match (answer.delivery, reply) {
            (Delivery::Whole | Delivery::Chunked { .. }, ReplyMode::Collect { .. }) => {
                vec![Event::Reply(Box::new(answer.response.map(|body| body.to_bytes())))]
            }
            (Delivery::Whole | Delivery::Chunked { .. }, ReplyMode::Stream) => {
                panic!("nothing here is streamed")
            }
            _ => vec![Event::Failed(Failure::new(FailureKind::Broken, "no answer"))],
        }
    }

    fn run<O, T>(&mut self, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        let session = self.driver.session().clone();
        let mut machine = Machine::new(operation, session, policy, 1);
        self.drive(&mut machine).expect("an operation that ends by itself")
    }

    fn put(&mut self, path: &str, content: impl Into<Bytes>) {
        let operation = self.driver.put_content(path, content).unwrap();
        self.run(operation, self.driver.policy()).unwrap();
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), Error> {
        let operation = self.driver.rename(from, to).unwrap();
        let policy = self.driver.copy_policy();
        let moved = self.run(operation, policy).map(drop);
        moved.map_err(|error| self.driver.error(from, error))
    }

    fn delete(&mut self, path: &str) -> Result<(), Error> {
        let operation = self.driver.delete(self.now().ticks, path).unwrap();
        let deleted = self.run(operation, self.driver.policy()).map(drop);
        deleted.map_err(|error| self.driver.error(path, error))
    }

    /// Writes `content` and closes the writer without committing.
    fn leave_open(&mut self, path: &str, content: Vec<u8>) {
        let upload = self.driver.writer(path, Append::No).unwrap();
        let session = self.driver.session().clone();
        let mut machine: Machine<Upload> =
            Machine::new(upload, session, self.driver.bulk_policy(), 1);
        let mut rest = Bytes::from(content);
        while !rest.is_empty() {
            assert!(self.drive(&mut machine).is_none());
            rest = machine.operation_mut().push(rest);
        }
        machine.operation_mut().close().unwrap();
        self.drive(&mut machine).expect("closed").unwrap();
    }

    fn keys(&self) -> Vec<String> {
        self.emulator.keys(BUCKET)
    }

    fn content(&self, key: &str) -> Bytes {
        self.emulator.object(BUCKET, key).expect(key).body.to_bytes()
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 999).to_le_bytes()[0]).collect()
}

#[test]
fn moves_by_one_call_and_by_parts() {
    let mut world = World::new("registry", Duration::ZERO);
    for length in [0, 10, 2 * MIB, 3 * MIB + 1] {
        world.put("/a", content(length));
        world.put("/b", "old");
        world.rename("/a", "/b").unwrap();
        assert_eq!(world.keys(), ["registry/b"]);
        assert_eq!(world.content("registry/b"), content(length));
        assert!(world.emulator.open_uploads().is_empty());
    }
    let log = world.emulator.request_log();
    assert!(log.iter().any(|logged| logged.call == Some(CallKind::UploadPartCopy)));
    let error = world.rename("/no", "/b").unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/no")));
    assert_eq!(world.content("registry/b"), content(3 * MIB + 1));
}

#[test]
fn moves_through_every_single_fault() {
    let effects = || {
        [
            Effect::slow_down(),
            Effect::internal_error(),
            Effect::LostReply,
            Effect::RefuseBefore,
            Effect::ErrorIn200 { code: "InternalError".into() },
            Effect::WrongCrc,
            Effect::NoCrc,
        ]
    };
    for call in [
        CallKind::HeadObject,
        CallKind::PutObjectCopy,
        CallKind::InitiateMultipartUpload,
        CallKind::UploadPartCopy,
        CallKind::CompleteMultipartUpload,
        CallKind::DeleteObject,
    ] {
        for (number, effect) in effects().into_iter().enumerate() {
            // COS does so only where it answers before it is done.
            let early = [
                CallKind::PutObjectCopy,
                CallKind::UploadPartCopy,
                CallKind::CompleteMultipartUpload,
            ];
            if matches!(effect, Effect::ErrorIn200 { .. }) && !early.contains(&call) {
                continue;
            }
            let length = if call == CallKind::PutObjectCopy { MIB } else { 3 * MIB };
            let mut world = World::new("", Duration::ZERO);
            world.put("/a", content(length));
            world.emulator.inject(Fault::on(call, effect));
            match world.rename("/a", "/b") {
                Ok(()) => assert_eq!(world.keys(), ["b"], "{call:?} {number}"),
                Err(error) => {
                    assert_eq!(error.kind(), &ErrorKind::Corrupt, "{call:?} {number}: {error}");
                    assert_eq!(world.content("a"), content(length), "the source is still there");
                }
            }
            if world.keys().contains(&"b".to_owned()) {
                assert_eq!(world.content("b"), content(length), "{call:?} {number}");
            }
            // A lost answer to Create leaves an upload that only a sweep can find.
            if call == CallKind::InitiateMultipartUpload {
                world.elapsed += Duration::from_secs(3);
                let sweep = world.driver.sweep(Duration::ZERO);
                world.run(sweep, world.driver.policy()).unwrap();
            }
            assert!(world.emulator.open_uploads().is_empty(), "{call:?} {number}");
        }
    }
}

#[test]
fn deletes_a_tree_with_its_uploads_although_lists_lag() {
    let mut world = World::new("registry", Duration::from_secs(60));
    for path in ["/d", "/d/a", "/d/a/b", "/d-x", "/dx/a"] {
        world.put(path, path.to_owned());
    }
    world.leave_open("/d/upload", content(12 * MIB));
    world.leave_open("/d", content(6 * MIB));
    assert_eq!(world.emulator.open_uploads().len(), 2);
    world.delete("/d").unwrap();
    assert_eq!(world.keys(), ["registry/d-x", "registry/dx/a"]);
    assert!(world.emulator.open_uploads().is_empty());
    // The lists have forgotten it after their lag.
    world.emulator.advance(Duration::from_secs(61));
    let error = world.delete("/d").unwrap_err();
    assert_eq!((error.kind(), error.path()), (&ErrorKind::PathNotFound, Some("/d")));
}

#[test]
fn a_record_damaged_on_its_way_does_not_replace_the_one_that_is_there() {
    let mut world = World::new("", Duration::ZERO);
    world.leave_open("/a", content(6 * MIB));
    let damage = Fault::on(CallKind::PutObject, Effect::CorruptBody).key_contains("~upload");
    let damage = world.emulator.inject(damage.times(100));
    let resume = |world: &mut World| {
        let upload = world.driver.writer("/a", Append::Yes).unwrap();
        let session = world.driver.session().clone();
        let mut machine = Machine::new(upload, session, world.driver.bulk_policy(), 1);
        assert!(world.drive(&mut machine).is_none(), "it opens");
        assert_eq!(machine.operation().size(), 6 * MIB as u64);
        machine
    };
    let mut machine = resume(&mut world);
    assert!(machine.operation_mut().push(content(MIB).into()).is_empty());
    machine.operation_mut().close().unwrap();
    world.drive(&mut machine).expect("over").expect_err("no record arrives as it was sent");
    assert!(world.emulator.fired(damage) > 1, "sent again");

    world.emulator.clear_faults();
    let mut machine = resume(&mut world);
    machine.operation_mut().commit().unwrap();
    world.drive(&mut machine).expect("over").expect("committed");
    assert_eq!(world.content("a"), content(6 * MIB));
}

#[test]
fn deletes_more_than_a_page() {
    let mut world = World::new("", Duration::ZERO);
    for number in 0..2_345 {
        assert!(world.emulator.put_raw(BUCKET, &format!("d/{number:04}é&<+%"), Bytes::new()));
    }
    assert!(world.emulator.put_raw(BUCKET, "d/\u{1}control", Bytes::new()));
    assert!(world.emulator.put_raw(BUCKET, "d-", Bytes::new()));
    world.delete("/d").unwrap();
    assert_eq!(world.keys(), ["d-"]);
}

#[test]
fn sweeps_what_is_older_and_spares_what_is_in_use() {
    let mut world = World::new("r", Duration::ZERO);
    world.leave_open("/old", content(6 * MIB));
    world.elapsed += Duration::from_secs(1000);
    world.leave_open("/young", content(6 * MIB));
    let sweep = world.driver.sweep(Duration::from_secs(500));
    let outcome = world.run(sweep, world.driver.policy()).unwrap();
    assert_eq!((outcome.aborted, outcome.records), (1, 1));
    assert_eq!(world.keys(), ["r/young~upload"]);
    assert_eq!(world.emulator.open_uploads().len(), 1);
}
