//! The reading operations and put, by the real machine against the strict emulator, without
//! sockets and in virtual time.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use super::{
    Download, DownloadOptions, Fetch, List, ListChildren, Put, Stat, Walk, WalkOptions,
    testing::key,
};
use crate::{
    Bucket, Credentials, DriverPath, Endpoint, ErrorKind, Event, Failure, FailureKind, Machine,
    Now, Operation, Output, Payload, Policy, Recent, Region, ReplyMode, RootDirectory, Session,
    Ticks, Transmit, UnixTime, Verification,
    api::{GetOptions, ListOptions, ObjectOptions},
    emulator::{BodyHasher, Delivery, Effect, Emulator, Fault, Settings},
};

const BUCKET: &str = "examplebucket-1250000000";

struct World {
    emulator: Emulator,
    session: Session,
    now: Now,
    /// How many requests were sent.
    sent: usize,
    /// What a streamed download delivered.
    received: Vec<u8>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let bucket = Bucket::new(BUCKET).expect("bucket");
        let region = Region::new("ap-guangzhou").expect("region");
        let endpoint = Endpoint::of(&bucket, &region, true);
        let credentials = settings.credentials[0].clone();
        Self {
            emulator: Emulator::new(settings).expect("settings"),
            session: Session::new(bucket, region, endpoint).with_credentials(credentials),
            now: Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(1_700_000_000) },
            sent: 0,
            received: Vec::new(),
        }
    }

    fn with(keys: impl IntoIterator<Item = String>) -> Self {
        let mut world = Self::new(Settings::default());
        for key in keys {
            assert!(world.emulator.put_raw(BUCKET, &key, key.clone()), "{key}");
        }
        world
    }

    /// Runs to the end; `idle` is the application's turn.
    fn run<O: Operation>(&mut self, operation: O, mut idle: impl FnMut(&mut O)) -> O::Output {
        let mut machine = Machine::new(operation, self.session.clone(), Policy::default(), 1);
        for _ in 0..10_000 {
            match machine.poll_output(self.now) {
                Output::Send(transmit) => self.exchange(&mut machine, *transmit),
                Output::NeedCredentials => {
                    let fresh = Credentials::new("AKIDFRESH", "fresh").with_token("fresh");
                    machine.handle_credentials(self.now, Ok(fresh));
                }
                Output::Wait(Some(due)) => {
                    let pause = due.saturating_since(self.now.ticks);
                    self.now.ticks = self.now.ticks + pause;
                }
                Output::Wait(None) => panic!("nothing is in flight"),
                Output::Idle => idle(machine.operation_mut()),
                Output::Done(output) => return output,
            }
        }
        panic!("no end");
    }

    fn exchange<O: Operation>(&mut self, machine: &mut Machine<O>, transmit: Transmit) {
        self.sent += 1;
        let (id, reply) = (transmit.id, transmit.reply);
        let (head, body) = transmit.request.into_parts();
        let mut hasher = BodyHasher::new();
        for chunk in body.chunks() {
            hasher.update(chunk.clone());
        }
        let now_ms = self.now.unix.as_secs() * 1000;
        let answer = self.emulator.handle(now_ms, &head, hasher.finish());
        let broken = || Event::Failed(Failure::new(FailureKind::Broken, "reset"));
        let (head, body) = answer.response.into_parts();
        let mut body = body.to_bytes();
        let mut end = Event::End;
        match answer.delivery {
            Delivery::NoReply => return machine.handle(self.now, id, broken()),
            Delivery::CutAfter(bytes) => {
                body.truncate(usize::try_from(bytes).expect("small"));
                end = broken();
            }
            Delivery::Whole | Delivery::Chunked { .. } | Delivery::Trickle { .. } => {}
        }
        if reply == ReplyMode::Stream && head.status.is_success() {
            machine.handle(self.now, id, Event::Head(Response::from_parts(head, ())));
            for data in body.chunks(7) {
                let taken = machine.handle_data(id, data);
                self.received.extend_from_slice(&data[taken]);
            }
            machine.handle(self.now, id, end);
        } else if matches!(end, Event::Failed(_)) {
            machine.handle(self.now, id, end);
        } else {
            let reply: Response<Bytes> = Response::from_parts(head, body);
            machine.handle(self.now, id, Event::Reply(Box::new(reply)));
        }
    }

    fn walk(&mut self, skip: Option<&str>) -> Vec<String> {
        let mut seen = Vec::new();
        let from = DriverPath::or_root("/").expect("root");
        let walk = Walk::new(&RootDirectory::default(), &from, &WalkOptions::new());
        self.run(walk, |walk| {
            while let Some(entry) = walk.next_entry() {
                if Some(&*entry.path) == skip {
                    walk.skip(&entry.path);
                }
                seen.push(entry.path);
            }
        })
        .expect("walked");
        seen
    }

    fn stat(&mut self, path: &str) -> Result<super::StatInfo, crate::Error> {
        let prefix = format!("{path}/");
        self.run(Stat::new(Some(key(path)), prefix), |_| panic!("never idle"))
    }
}

#[test]
fn a_walk_jumps_over_a_large_directory_and_over_nothing_else() {
    let large = (0..2500).map(|number| format!("d/{number:05}"));
    let others = ["a", "d-", "d.", "d0", "d0/x", "e~upload", "z/y~upload"].map(str::to_owned);
    let mut world = World::with(large.chain(others));
    assert_eq!(world.walk(Some("/d")), ["/a", "/d-", "/d.", "/d", "/d0", "/d0", "/d0/x", "/z"]);
    assert_eq!(world.sent, 2);
    assert_eq!(world.walk(None).len(), 2508);
    assert_eq!(world.sent, 2 + 3);
}

#[test]
fn lists_follow_pages_with_any_key() {
    let names = (0..2100).map(|number| format!("d/{number:04} +%&<é"));
    let mut world = World::with(names.chain(["d/".to_owned(), "e".to_owned()]));
    let mut listed = Vec::new();
    world
        .run(List::new(ListOptions::new("d/")), |list| {
            let page = list.take_page().expect("a page");
            listed.extend(page.objects.into_iter().map(|object| String::from(object.key)));
        })
        .expect("listed");
    assert_eq!(listed, &world.emulator.keys(BUCKET)[..2101]);
    assert_eq!(world.sent, 3);
}

#[test]
fn children_come_from_all_pages_and_directories_cost_no_page_each() {
    let files = (0..1200).map(|number| format!("r/f{number:04}"));
    let folders = (0..600).flat_map(|n| ["a", "b", "c~upload"].map(|f| format!("r/g{n:03}/{f}")));
    let mut world = World::with(files.chain(folders));
    let directory = DriverPath::new("/r").expect("path");
    let list = ListChildren::new(&RootDirectory::default(), directory);
    let children = world.run(list, |_| panic!("never idle")).expect("children");
    assert_eq!((children.len(), world.sent), (1800, 2));
    assert_eq!([&*children[0], &*children[1799]], ["/r/f0000", "/r/g599"]);
}

#[test]
fn stat_tells_objects_directories_and_siblings_apart() {
    let mut world = World::with(["ab", "d/x~upload", "f"].map(str::to_owned));
    assert!(world.stat("d").expect("directory").is_dir);
    assert_eq!(world.stat("f").expect("object").size, 1);
    assert_eq!(world.stat("a").expect_err("a sibling only").kind(), &ErrorKind::PathNotFound);
}

#[test]
fn a_skewed_clock_is_learned_even_from_a_head() {
    for skew_seconds in [7200, -7200] {
        let mut world = World::new(Settings { skew_seconds, ..Settings::default() });
        world.emulator.put_raw(BUCKET, "f", &b"content"[..]);
        assert_eq!(world.stat("f").expect("object").size, 7);
        assert_eq!(world.sent, 2, "refused once, then signed for the service's clock");
        assert_eq!(world.session.skew(), skew_seconds);
    }
}

#[test]
fn an_expired_token_is_replaced_even_on_a_head() {
    let stale = Credentials::new("AKIDSTALE", "stale").with_token("stale");
    let mut world = World::new(Settings { credentials: vec![stale], ..Settings::default() });
    let fresh = Credentials::new("AKIDFRESH", "fresh").with_token("fresh");
    world.emulator.set_credentials(vec![fresh]);
    world.emulator.put_raw(BUCKET, "f", &b"content"[..]);
    assert_eq!(world.stat("f").expect("object").size, 7);
    assert_eq!(world.sent, 2);
}

/// COS's answer to an expired token is a 400, and to a HEAD it says no more than that.
#[test]
fn a_token_that_expires_is_replaced_even_on_a_head() {
    let old = Credentials::new("AKIDOLD", "old").with_token("old");
    let mut world = World::new(Settings { credentials: vec![old.clone()], ..Settings::default() });
    let fresh = Credentials::new("AKIDFRESH", "fresh").with_token("fresh");
    world.emulator.set_credentials(vec![old.expiring(UnixTime::from_secs(1)), fresh]);
    world.emulator.put_raw(BUCKET, "f", &b"content"[..]);
    assert_eq!(world.stat("f").expect("object").size, 7);
    assert_eq!(world.sent, 2);
}

#[test]
fn a_download_survives_a_cut_at_every_byte() {
    let content = b"The quick brown fox jumps over the lazy dog";
    for cut in 0..content.len() {
        let mut world = World::new(Settings::default());
        world.emulator.put_raw(BUCKET, "f", content.to_vec());
        world.emulator.inject(Fault::next(Effect::CutBody(cut as u64)));
        let download = Download::new(key("f"), DownloadOptions::new());
        let outcome = world.run(download, |_| panic!("never idle")).expect("downloaded");
        assert_eq!(world.received, content, "cut at {cut}");
        assert_eq!(outcome.verification, Verification::Verified);
    }
}

#[test]
fn a_download_from_beyond_the_end_is_empty() {
    let mut world = World::with(["f".to_owned()]);
    for offset in [1, 2, 1000] {
        let download = Download::new(key("f"), DownloadOptions::new().offset(offset));
        let outcome = world.run(download, |_| panic!("never idle")).expect("empty");
        assert_eq!((outcome.delivered, world.received.len()), (0, 0));
    }
    let missing = Download::new(key("g"), DownloadOptions::new().offset(64));
    let error = world.run(missing, |_| panic!("never idle")).expect_err("missing");
    assert_eq!(error.kind(), &ErrorKind::PathNotFound);
}

#[test]
fn corrupt_bytes_never_pass_for_the_object() {
    let mut world = World::with(["f".to_owned()]);
    world.emulator.inject(Fault::next(Effect::CorruptBody));
    let download = Download::new(key("f"), DownloadOptions::new());
    let error = world.run(download, |_| panic!("never idle")).expect_err("corrupt");
    assert_eq!(error.kind(), &ErrorKind::Corrupt);
    world.emulator.inject(Fault::next(Effect::CorruptBody));
    let fetch = Fetch::new(key("f"), GetOptions::new(), 10);
    let fetched = world.run(fetch, |_| panic!("never idle")).expect("read again");
    assert_eq!((&*fetched.body, fetched.verification), (&b"f"[..], Verification::Verified));
}

#[test]
fn a_put_whose_replies_are_lost_is_settled() {
    for times in [1, 8] {
        let mut world = World::new(Settings::default());
        let recent = Recent::new(&world.session);
        let lost = Fault::on(crate::CallKind::PutObject, Effect::LostReply).times(times);
        world.emulator.inject(lost);
        let payload = Payload::from(b"content".to_vec());
        let put = Put::new(key("f"), ObjectOptions::new(), payload, Some(recent.clone()));
        let outcome = world.run(put, |_| panic!("never idle")).expect("stored");
        assert_eq!(outcome.verification, Verification::Verified);
        assert_eq!(world.emulator.keys(BUCKET), ["f"]);
        assert_eq!(recent.len(), 1);
        let until_head = if times == 8 { 9 } else { 2 };
        assert_eq!(world.sent, until_head);
    }
}

/// Nobody looks into the memory between.
#[test]
fn what_was_put_is_remembered_for_two_minutes_from_then() {
    let mut world = World::new(Settings::default());
    let recent = Recent::new(&world.session);
    for seconds in [1000, 2000] {
        world.now.ticks = Ticks::new(Duration::from_secs(seconds));
        let payload = Payload::from(b"content".to_vec());
        let put = Put::new(key("a/f"), ObjectOptions::new(), payload, Some(recent.clone()));
        world.run(put, |_| panic!("never idle")).expect("stored");
        let at = |after| Ticks::new(Duration::from_secs(seconds + after));
        let remembered = |after| !recent.objects_below(at(after), &key("a"), "a/").is_empty();
        assert!(remembered(120) && !remembered(121));
    }
}

#[test]
fn throttling_passes_by_itself() {
    let mut world = World::with(["f".to_owned()]);

    world.emulator.inject(
        Fault::next(Effect::Error {
            status: 503,
            code: "SlowDown".to_owned(),
            message: String::new(),
            retry_after: Some(2),
        })
        .times(3),
    );
    assert_eq!(world.stat("f").expect("object").size, 1);
    assert!(world.now.ticks.since_epoch() >= Duration::from_secs(6));
}
