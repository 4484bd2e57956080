//! Hand-written histories: what the model allows after them, and what not.

mod concurrent;
mod directories;
mod objects;
mod writers;

use std::collections::BTreeSet;

use bytes::Bytes;

use super::{Call, CallId, Entry, Failure, Millis, Model, Outcome, ProcessId, Settings, WriterId};
use crate::ErrorKind;

/// A history under way, one millisecond from each begin or end to the next.
#[derive(Clone)]
struct History {
    model: Model,
    at: Millis,
}

/// The process that most calls are of, and another one.
const ME: ProcessId = ProcessId(1);
const OTHER: ProcessId = ProcessId(2);

/// The most that a writer of these histories holds back.
const HELD_MAX: u64 = 40;

impl History {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            chunk_size: 20,
            part_bytes_min: 10,
            writer_bytes_max: HELD_MAX,
            copy_threshold: 1000,
            ..Settings::default()
        };
        change(&mut settings);
        Self { model: Model::new(settings), at: 0 }
    }

    fn lagging(lag: Millis) -> Self {
        Self::with(|settings| settings.list_lag = lag)
    }

    fn begin(&mut self, process: ProcessId, call: Call) -> CallId {
        self.at += 1;
        self.model.begin(self.at, process, call)
    }

    /// A call ends in a way that is allowed.
    #[track_caller]
    fn end(&mut self, id: CallId, outcome: Outcome) {
        self.at += 1;
        if let Err(violation) = self.model.end(self.at, id, outcome) {
            panic!("false alarm: {violation}");
        }
    }

    /// A call begins and ends, in a way that is allowed.
    #[track_caller]
    fn did(&mut self, call: Call, outcome: Outcome) {
        self.did_by(ME, call, outcome);
    }

    #[track_caller]
    fn did_by(&mut self, process: ProcessId, call: Call, outcome: Outcome) {
        let id = self.begin(process, call);
        self.end(id, outcome);
    }

    /// Whether a call that is under way may end so; what follows does not know of it.
    fn may_end(&self, id: CallId, outcome: Outcome) -> bool {
        let mut model = self.model.clone();
        model.end(self.at + 1, id, outcome).is_ok()
    }

    fn may(&self, call: Call, outcome: Outcome) -> bool {
        self.may_by(ME, call, outcome)
    }

    fn may_by(&self, process: ProcessId, call: Call, outcome: Outcome) -> bool {
        let mut history = self.clone();
        let id = history.begin(process, call);
        history.may_end(id, outcome)
    }

    /// These outcomes of a call are allowed, and none of those.
    #[track_caller]
    fn allows(&self, call: &Call, allowed: &[Outcome], forbidden: &[Outcome]) {
        for outcome in allowed {
            let mut history = self.clone();
            let id = history.begin(ME, call.clone());
            history.end(id, outcome.clone());
        }
        for outcome in forbidden {
            assert!(!self.may(call.clone(), outcome.clone()), "{call:?} must not be {outcome:?}");
        }
    }

    fn wait(&mut self, millis: Millis) {
        self.at += millis;
    }

    fn settle(&mut self) {
        self.at += 1;
        self.model.settle(self.at);
    }

    fn crash(&mut self, process: ProcessId) {
        self.at += 1;
        self.model.crash(self.at, process);
    }

    fn drop_writer(&mut self, writer: u64) {
        self.at += 1;
        self.model.drop_writer(self.at, WriterId(writer));
    }

    /// A writer opens, writes, and is there.
    #[track_caller]
    fn writes(&mut self, path: &str, writer: u64, texts: &[&str]) {
        self.did(open(path, false, writer), Outcome::Opened { size: 0 });
        for text in texts {
            self.did(write(writer, text), Outcome::Done);
        }
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn put(path: &str, text: &str) -> Call {
    Call::Put { path: path.into(), content: bytes(text) }
}

fn get(path: &str) -> Call {
    Call::Get { path: path.into() }
}

fn read(path: &str, offset: u64) -> Call {
    Call::Read { path: path.into(), offset }
}

fn open(path: &str, append: bool, writer: u64) -> Call {
    Call::Open { path: path.into(), append, writer: WriterId(writer) }
}

fn write(writer: u64, text: &str) -> Call {
    Call::Write { writer: WriterId(writer), content: bytes(text) }
}

fn close(writer: u64) -> Call {
    Call::Close { writer: WriterId(writer) }
}

fn commit(writer: u64) -> Call {
    Call::Commit { writer: WriterId(writer) }
}

fn cancel(writer: u64) -> Call {
    Call::Cancel { writer: WriterId(writer) }
}

fn stat(path: &str) -> Call {
    Call::Stat { path: path.into() }
}

fn list(path: &str) -> Call {
    Call::List { path: path.into() }
}

fn walk(from: &str, skips: &[&str]) -> Call {
    let skips = skips.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>();
    Call::Walk { from: from.into(), skips }
}

fn rename(from: &str, to: &str) -> Call {
    Call::Rename { from: from.into(), to: to.into() }
}

fn delete(path: &str) -> Call {
    Call::Delete { path: path.into() }
}

fn content(text: &str) -> Outcome {
    Outcome::Content(bytes(text))
}

fn opened(size: u64) -> Outcome {
    Outcome::Opened { size }
}

fn file(size: u64) -> Outcome {
    Outcome::Info { size, is_dir: false }
}

fn directory() -> Outcome {
    Outcome::Info { size: 0, is_dir: true }
}

fn names(paths: &[&str]) -> Outcome {
    Outcome::Names(paths.iter().map(|path| (*path).to_owned()).collect())
}

/// Paths that end in a slash are directories; files have a size.
fn entries(entries: &[(&str, u64)]) -> Outcome {
    let entry = |(path, size): &(&str, u64)| Entry {
        path: path.trim_end_matches('/').to_owned(),
        is_dir: path.ends_with('/'),
        size: *size,
    };
    Outcome::Entries(entries.iter().map(entry).collect())
}

fn failed(kind: ErrorKind) -> Outcome {
    Outcome::Failed(Failure::new(kind))
}

fn not_found() -> Outcome {
    failed(ErrorKind::PathNotFound)
}

fn broken() -> Outcome {
    failed(ErrorKind::Transport)
}

/// It failed, and the COS call that failed cannot have been executed.
fn refused(call: &'static str) -> Outcome {
    Outcome::Failed(Failure {
        kind: ErrorKind::Transport,
        call: Some(call),
        maybe_done: false,
        attempts: 8,
    })
}

fn failed_in(call: &'static str, kind: ErrorKind) -> Outcome {
    Outcome::Failed(Failure { kind, call: Some(call), maybe_done: true, attempts: 8 })
}
