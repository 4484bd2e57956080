//! Every operation under a machine whose peer does anything at all: it ends, within its bounds.

use std::{
    num::{NonZeroU64, NonZeroUsize},
    time::Duration,
};

use bytes::Bytes;

use super::{choice::Choice, replies};
use crate::{
    Bucket, Credentials, CredentialsFailed, DriverPath, Endpoint, Event, Failure, FailureKind, Key,
    Machine, MemoryBudget, Now, Operation, Output, Policy, Recent, Region, RequestId,
    RootDirectory, Session, Ticks, Transmit, UnixTime, UploadId,
    api::{CopyOptions, GetOptions, ListOptions, ListUploadsOptions, ObjectOptions},
    op::{self, Paged},
};

/// 2026-11-20T00:00:00Z.
const START: i64 = 1_795_132_800;
/// More than any run of a few hundred bytes needs: one call per entry of a page, and its retries.
const STEPS_MAX: usize = 20_000;

pub(super) fn machine(data: &[u8]) {
    let mut choice = Choice::of(data);
    let key = || Key::new("k").expect("a key");
    let run = &mut Run::new(&mut choice);
    match run.choice.byte() % 20 {
        0 => {
            let body = run.choice.bytes(50).to_vec().into();
            run.plain(op::Put::new(key(), ObjectOptions::new(), body, None));
        }
        1 => run.plain(op::Fetch::new(key(), GetOptions::new(), 150)),
        2 => run.download(key()),
        3 => run.upload(|options| op::Upload::start(key(), options)),
        4 | 5 => run.upload(|options| {
            op::Upload::with_record(key(), op::Append::No, options).expect("a short key")
        }),
        6 | 7 => run.upload(|options| {
            op::Upload::with_record(key(), op::Append::Yes, options).expect("a short key")
        }),
        8 => run.copy(key()),
        9 => {
            let limits = op::CopyLimits::default();
            let target = Key::new("t").expect("a key");
            let (options, recent) = (CopyOptions::default(), Recent::new(&run.session));
            run.plain(op::Move::new(key(), target, options, limits).with_recent(recent));
        }
        10 | 11 => {
            let recent = Recent::new(&run.session);
            recent.note_object(&Key::new("k/new").expect("a key"));
            recent.note_upload(&key(), &UploadId::new("u9").expect("an id"));
            run.plain(op::DeleteTree::new(key()).with_recent(recent, Ticks::ZERO));
        }
        12 => run.walk(),
        13 => run.paged(op::List::new(ListOptions::new("k").delimiter("/"))),
        14 => run.paged(op::ListUploads::new(ListUploadsOptions::new("k"))),
        15 => run.paged(op::ListParts::new(key(), UploadId::new("u1").expect("an id"))),
        16 => run.plain(op::Sweep::new("k", Duration::from_secs(86_400))),
        17 => {
            let names = (0..run.choice.byte()).map(|number| format!("k/{number}"));
            let keys: Vec<Key> = names.map(|name| Key::new(name).expect("a key")).collect();
            run.plain(op::DeleteKeys::new(keys));
        }
        18 => {
            let directory = DriverPath::new("/k").expect("a path");
            run.plain(op::ListChildren::new(&RootDirectory::default(), directory));
        }
        _ => match run.choice.byte() % 5 {
            0 => run.plain(op::Stat::new(Some(key()), "k/")),
            1 => run.plain(op::Head::new(key(), GetOptions::new())),
            2 => run.plain(op::HeadBucket::new()),
            3 => run.plain(op::DeleteObject::new(key(), None)),
            _ => run.plain(op::AbortUpload::new(key(), UploadId::new("u1").expect("an id"))),
        },
    }
}

/// What all runs have.
struct Run<'c, 'a> {
    choice: &'c mut Choice<'a>,
    session: Session,
    policy: Policy,
}

/// What the application does when only it can: never `false` for ever.
type Act<'f, O> = &'f mut dyn FnMut(&mut O, &mut Choice<'_>);

impl<'c, 'a> Run<'c, 'a> {
    fn new(choice: &'c mut Choice<'a>) -> Self {
        let bucket = Bucket::new("b-1").expect("a bucket");
        let region = Region::new("ap-x").expect("a region");
        let endpoint = Endpoint::of(&bucket, &region, true);
        let session = Session::new(bucket, region, endpoint);
        let session = match choice.byte() % 4 {
            0 => session,
            1 => session.with_credentials(
                Credentials::new("AKID1", "secret")
                    .with_token("token")
                    .expiring(UnixTime::from_secs(START + i64::from(choice.byte()) * 10)),
            ),
            _ => session.with_credentials(Credentials::new("AKID0", "secret")),
        };
        let bound = NonZeroUsize::new(1 + choice.below(4)).expect("not zero");
        let policy =
            Policy::default().in_flight_max(bound).attempts_max(1 + u32::from(choice.byte() % 4));
        Self { choice, session, policy }
    }

    fn plain<O: Operation>(&mut self, operation: O) {
        self.drive(operation, &mut |_, _| panic!("idle, though it needs nobody"), &mut |_, _| {});
    }

    fn paged<O: Paged>(&mut self, operation: O) {
        let mut take = |list: &mut O, _: &mut Choice<'_>| {
            assert!(list.take_page().is_some(), "idle without a page");
            assert!(list.take_page().is_none(), "a page twice");
        };
        self.drive(operation, &mut take, &mut |_, _| {});
    }

    fn walk(&mut self) {
        let (root, from) = (RootDirectory::default(), DriverPath::or_root("/").expect("a path"));
        let options = op::WalkOptions::new().parallel(self.policy.in_flight_max);
        let operation = op::Walk::new(&root, &from, &options);
        let mut visit = |walk: &mut op::Walk, choice: &mut Choice<'_>| {
            let entry = walk.next_entry().expect("idle without an entry");
            assert!(DriverPath::new(&entry.path).is_ok(), "{entry:?}");
            match choice.byte() % 16 {
                1 => walk.skip(&entry.path),
                2 => walk.stop(),
                _ => {}
            }
        };
        self.drive(operation, &mut visit, &mut |_, _| {});
    }

    fn copy(&mut self, source: Key) {
        let part_size = 5 << 20;
        let limits = op::CopyLimits::new(self.choice.pick(&[0, 100, 1 << 30]), part_size);
        let target = Key::new("t").expect("a key");
        self.plain(op::Copy::new(source, target, CopyOptions::default(), limits));
    }

    fn download(&mut self, key: Key) {
        let mut options = op::DownloadOptions::new();
        if self.choice.flag() {
            options = options.offset(self.choice.byte().into());
        }
        if self.choice.flag() {
            options = options.length(self.choice.byte().into());
        }
        if self.choice.flag() {
            return self.read_ahead(key, options);
        }
        self.plain(op::Download::new(key, options));
    }

    fn read_ahead(&mut self, key: Key, options: op::DownloadOptions) {
        let ranges = NonZeroUsize::new(1 + self.choice.below(4)).expect("not zero");
        let bytes = NonZeroU64::new(1 + u64::from(self.choice.byte())).expect("not zero");
        let ahead = op::ReadAheadOptions::new(ranges).range_bytes(bytes);
        let mut take = |reading: &mut op::ReadAhead, _: &mut Choice<'_>| {
            let offset = reading.offset();
            let taken = reading.take().map_or(0, |data| data.len() as u64);
            assert!(
                taken <= bytes.get() && reading.offset() > offset,
                "idle, but nothing is there"
            );
        };
        self.drive(op::ReadAhead::new(key, options, ahead), &mut take, &mut |_, _| {});
    }

    fn upload(&mut self, open: impl FnOnce(op::UploadOptions) -> op::Upload) {
        let chunk = 1 << 20;
        let budget = MemoryBudget::new(2 * chunk);
        let options = op::UploadOptions::new(budget.clone()).chunk_size(chunk);
        // One allocation for all pieces.
        let zeros = Bytes::from(vec![0; 700 * 1024]);
        let mut pushes = 0;
        let mut act = |upload: &mut op::Upload, choice: &mut Choice<'_>| {
            assert!(budget.used() <= budget.limit());
            let more = !choice.is_empty() && pushes < 6 && upload.capacity() > 0;
            match choice.byte() {
                byte if more && byte % 4 != 0 => {
                    pushes += 1;
                    let length = if byte % 4 == 1 { byte.into() } else { zeros.len() };
                    let _ = upload.push(zeros.slice(..length));
                }
                byte => {
                    let ended = match byte % 3 {
                        0 => upload.close(),
                        1 => upload.commit(),
                        _ => upload.cancel(),
                    };
                    ended.expect("it is idle, so it can be ended");
                }
            }
        };
        let mut early = |upload: &mut op::Upload, choice: &mut Choice<'_>| match choice.byte() % 16
        {
            1 => drop(upload.push(zeros.slice(..usize::from(choice.byte())))),
            2 => drop(upload.push(zeros.clone())),
            3 => drop(upload.commit()),
            4 => drop(upload.close()),
            5 => drop(upload.cancel()),
            _ => drop((upload.state(), upload.size(), upload.check_writable())),
        };
        self.drive(open(options), &mut act, &mut early);
    }

    /// Plays an operation to its end: the fuzzer's bytes decide what happens, and when they are
    /// used up all that is sent fails.
    fn drive<O: Operation>(&mut self, operation: O, idle: Act<'_, O>, early: Act<'_, O>) {
        let bound = self.policy.in_flight_max.get();
        let mut machine = Machine::new(operation, self.session.clone(), self.policy.clone(), 0);
        let mut now = Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(START) };
        let mut peer = Peer::default();
        for _ in 0..STEPS_MAX {
            let choice = &mut *self.choice;
            match machine.poll_output(now) {
                Output::Send(transmit) => {
                    peer.under_way.push(*transmit);
                    assert!(machine.in_flight() <= bound);
                }
                Output::NeedCredentials => {
                    let fresh = match choice.byte() % 4 {
                        0 => Err(CredentialsFailed::new("none")),
                        number => Ok(Credentials::new(format!("AKID{number}"), "secret")),
                    };
                    machine.handle_credentials(now, fresh);
                }
                Output::Done(_) => {
                    assert!(matches!(machine.poll_output(now), Output::Idle), "done twice");
                    return;
                }
                Output::Idle => idle(machine.operation_mut(), choice),
                Output::Wait(due) => {
                    assert!(machine.in_flight() > 0, "waits for nothing");
                    assert!(machine.in_flight() <= bound);
                    peer.prune(bound);
                    let asleep = due.filter(|_| !choice.flag() || peer.current() == 0);
                    match asleep {
                        Some(due) => {
                            let pause = due.saturating_since(now.ticks);
                            assert!(pause < Duration::from_secs(400), "{pause:?}");
                            now.ticks = now.ticks.max(due);
                        }
                        None => peer.act(&mut machine, choice, now),
                    }
                    if !choice.is_empty() {
                        early(machine.operation_mut(), choice);
                    }
                }
            }
            now.ticks = now.ticks + Duration::from_millis(1);
        }
        panic!("no end: {machine:?}");
    }
}

/// The other end: what it was asked, and what it is still streaming.
#[derive(Default)]
struct Peer {
    under_way: Vec<Transmit>,
    streaming: Vec<RequestId>,
    answered: Vec<RequestId>,
}

impl Peer {
    fn current(&self) -> usize {
        self.under_way.len() + self.streaming.len()
    }

    fn prune(&mut self, bound: usize) {
        let old = self.streaming.len().saturating_sub(2 * bound);
        self.streaming.drain(..old);
        assert!(self.under_way.len() <= bound, "more under way than may be");
    }

    /// One event: about a request under way, a stream, or one that is over long since.
    fn act<O: Operation>(&mut self, machine: &mut Machine<O>, choice: &mut Choice<'_>, now: Now) {
        let fails = choice.is_empty();
        if !fails && choice.byte() % 8 == 1 && !self.answered.is_empty() {
            let late = choice.pick_ref(&self.answered);
            return machine.handle(now, *late, any_event(choice));
        }
        let failure = |kind| Event::Failed(Failure::new(kind, "fuzz"));
        if self.under_way.is_empty() || (!self.streaming.is_empty() && choice.flag()) {
            let Some(&id) = self.streaming.last() else { return };
            match choice.byte() % 4 {
                0 => {
                    self.streaming.pop();
                    machine.handle(now, id, failure(FailureKind::Broken));
                }
                1 => {
                    self.streaming.pop();
                    machine.handle(now, id, Event::End);
                }
                _ => {
                    let data = vec![choice.byte(); choice.below(256)];
                    let taken = machine.handle_data(id, &data);
                    assert!(taken.start <= taken.end && taken.end <= data.len());
                }
            }
            return;
        }
        let transmit = self.under_way.swap_remove(choice.below(self.under_way.len()));
        let id = transmit.id;
        self.answered.push(id);
        let event = match choice.byte() % 8 {
            _ if fails => failure(FailureKind::Tls),
            0 => failure(choice.pick(&[
                FailureKind::Connect,
                FailureKind::Timeout,
                FailureKind::Broken,
                FailureKind::Malformed,
                FailureKind::ReplyTooLarge,
            ])),
            _ if transmit.reply == crate::ReplyMode::Stream && choice.byte() % 4 != 1 => {
                self.streaming.push(id);
                Event::Head(replies::head(choice, &transmit))
            }
            1 if choice.flag() => any_event(choice),
            _ => Event::Reply(Box::new(replies::reply(choice, &transmit))),
        };
        machine.handle(now, id, event);
        if choice.byte() % 16 == 1 {
            machine.handle_queued(id, Duration::from_secs(choice.byte().into()));
        }
    }
}

fn any_event(choice: &mut Choice<'_>) -> Event {
    match choice.byte() % 4 {
        0 => Event::End,
        1 => Event::Head(http::Response::new(())),
        2 => Event::Failed(Failure::new(FailureKind::Timeout, "late")),
        _ => Event::Reply(Box::new(http::Response::new(Bytes::new()))),
    }
}
