//! What a case works with.

use std::{
    fmt::Debug,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{
    Options, Outcome, Random, Stop, Subject,
    case::{ensure, equal},
};
use crate::{
    CallKind, Error, ErrorKind, Payload,
    driver::NAME,
    emulator::{Emulator, Fault},
    op::{Append, WalkEntry},
};

/// A case's subject, with names and contents of its own; it knows what to tidy up.
#[allow(missing_debug_implementations, reason = "a subject need not be shown")]
pub struct Trial<'a> {
    /// The driver.
    pub subject: &'a dyn Subject,
    /// How much to do.
    pub options: Options,
    random: Mutex<Random>,
    /// The first components of the case's paths.
    tops: Mutex<Vec<String>>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(subject: &'a dyn Subject, options: Options, case: &str) -> Self {
        let seed = crate::Crc64::of(case.as_bytes()) ^ options.seed;
        Self {
            subject,
            options,
            random: Mutex::new(Random::new(seed)),
            tops: Mutex::new(Vec::new()),
        }
    }

    /// The case's own generator.
    pub fn random(&self) -> MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Random bytes, other ones each time.
    pub fn content(&self, length: usize) -> Bytes {
        self.random().bytes(length)
    }

    /// A fresh random path of about so many characters; its first component is tidied up.
    pub fn path(&self, length: usize) -> String {
        let path = self.random().path(length);
        self.tidy_later(&path);
        path
    }

    /// A fresh path of one component, for a tree below it.
    pub fn directory(&self) -> String {
        let name = self.random().name(16);
        let path = format!("/{name}");
        self.tidy_later(&path);
        path
    }

    /// Has the first component of a path tidied up.
    pub fn tidy_later(&self, path: &str) {
        let top = path.split('/').nth(1).unwrap_or_default();
        let top = format!("/{top}");
        let mut tops = self.tops.lock().unwrap_or_else(PoisonError::into_inner);
        if !tops.contains(&top) {
            tops.push(top);
        }
    }

    /// The key of a path.
    pub fn key(&self, path: &str) -> String {
        format!("{}{}", self.subject.config().root_directory().prefix(), path.trim_matches('/'))
    }

    /// Reads an object from an offset to its end.
    pub fn read(&self, path: &str, offset: i64) -> Result<Vec<u8>, Error> {
        read_all(self.subject, path, offset)
    }

    /// Writes an object by a writer in one go.
    pub fn write(&self, path: &str, content: &[u8]) -> Outcome {
        write_all(self.subject, path, content)
    }

    /// Another driver on the same bucket: another process.
    pub fn fresh(&self) -> Result<Box<dyn Subject + 'a>, Error> {
        self.subject.open(&[])
    }

    /// Looks into the emulator; a real bucket ends the case here.
    #[track_caller]
    pub fn emulator<T>(&self, look: impl FnOnce(&mut Emulator) -> T) -> Result<T, Stop> {
        let (mut look, mut seen) = (Some(look), None);
        self.subject.with_emulator(&mut |emulator| {
            seen = look.take().map(|look| look(emulator));
        });
        seen.ok_or_else(|| Stop::Skipped("needs the emulator".to_owned()))
    }

    /// Ends all faults.
    pub fn clear_faults(&self) -> Outcome {
        self.emulator(Emulator::clear_faults)
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) -> Outcome {
        self.emulator(Emulator::clear_log)
    }

    /// The bytes of a part.
    pub fn chunk(&self) -> usize {
        self.subject.config().chunk_size() as usize
    }

    /// Has something go wrong; a real bucket ends the case here.
    pub fn inject(&self, fault: Fault) -> Outcome {
        self.emulator(|emulator| {
            emulator.inject(fault);
        })
    }

    /// The lag of lists from now on; nothing on a real bucket, whose lag is its own.
    pub fn list_lag(&self, lag: Duration) {
        self.subject.with_emulator(&mut |emulator| emulator.set_list_lag(lag));
    }

    /// Fails unless a fault injected since the log was cleared has met a request.
    #[track_caller]
    pub fn ensure_fault_met(&self) -> Outcome {
        let met = self.emulator(|emulator| {
            emulator.request_log().iter().any(|logged| logged.fault.is_some())
        })?;
        ensure(met, "the fault met no request")
    }

    /// How many requests of a kind the emulator has seen since the log was cleared.
    pub fn count(&self, call: CallKind) -> Result<usize, Stop> {
        self.emulator(|emulator| {
            emulator.request_log().iter().filter(|logged| logged.call == Some(call)).count()
        })
    }

    /// On the emulator, fails unless exactly these paths' objects exist and no upload is open,
    /// whatever lists show yet.
    #[track_caller]
    pub fn ensure_only(&self, paths: &[&str]) -> Outcome {
        let Ok((keys, uploads)) = self.leftovers() else { return Ok(()) };
        let mut expected: Vec<String> = paths.iter().map(|path| self.key(path)).collect();
        expected.sort();
        equal(keys, expected, "the bucket's keys")?;
        equal(uploads, Vec::<String>::new(), "the keys of open uploads")
    }

    /// All keys, and the keys of all open uploads.
    pub fn leftovers(&self) -> Result<(Vec<String>, Vec<String>), Stop> {
        let bucket = self.subject.config().bucket().as_str().to_owned();
        self.emulator(|emulator| {
            let uploads = emulator.open_uploads().into_iter();
            let uploads = uploads.filter(|(name, ..)| *name == bucket).map(|(_, key, _)| key);
            (emulator.keys(&bucket), uploads.collect())
        })
    }

    /// Stores an object past the protocol and past the driver: another process's work.
    pub fn put_behind(&self, path: &str, content: Bytes) -> Result<(), Error> {
        let key = self.key(path);
        let bucket = self.subject.config().bucket().as_str().to_owned();
        let body = Payload::from(content.clone());
        if self.subject.with_emulator(&mut |emulator| {
            emulator.put_raw(&bucket, &key, body.clone());
        }) {
            return Ok(());
        }
        self.subject.put_key(&key, content)
    }

    /// Aborts all uploads. A real bucket ends the case here.
    pub fn sweep_all(&self) -> Outcome {
        const HOURS: Duration = Duration::from_secs(3 * 60 * 60);
        self.emulator(|_| ())?;
        self.subject.advance(HOURS);
        self.fresh()?.sweep(HOURS / 2)?;
        Ok(())
    }

    /// Deletes everything that the case made, then fails if anything is left.
    pub(super) fn tidy(&self) -> Outcome {
        let tops = std::mem::take(&mut *self.tops.lock().unwrap_or_else(PoisonError::into_inner));
        self.subject.settle();
        let lagging = self.subject.with_emulator(&mut |emulator| {
            emulator.clear_faults();
            emulator.set_fault_rate(0.0);
            emulator.set_list_lag(Duration::ZERO);
        });
        if lagging {
            self.subject.advance(LAG_MAX);
        }
        for top in &tops {
            match self.subject.delete(top) {
                Err(error) if *error.kind() != ErrorKind::PathNotFound => {
                    return Err(Stop::failed(format!("tidying {top}: {error}")));
                }
                _ => {}
            }
        }
        let listed = self.subject.list("/")?;
        let left = self.leftovers().unwrap_or_default();
        if listed.is_empty() && left.0.is_empty() && left.1.is_empty() {
            return Ok(());
        }
        // So that one case's fault is not the next one's.
        for key in &left.0 {
            self.subject.delete_key(key)?;
        }
        self.sweep_all()?;
        let (keys, uploads) = left;
        Err(Stop::failed(format!(
            "left behind: paths {listed:?}, keys {keys:?}, open uploads {uploads:?}"
        )))
    }
}

/// The longest lag of lists that cases set.
pub(super) const LAG_MAX: Duration = Duration::from_secs(61);

/// Reads an object from an offset to its end.
pub(super) fn read_all(subject: &dyn Subject, path: &str, offset: i64) -> Result<Vec<u8>, Error> {
    let mut reader = subject.reader(path, offset)?;
    let mut content = Vec::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            return Ok(content);
        }
        content.extend_from_slice(&buffer[..read]);
    }
}

/// Writes an object by a writer in one go, as the source suite does: Commit, then Close.
pub(super) fn write_all(subject: &dyn Subject, path: &str, content: &[u8]) -> Outcome {
    let mut writer = subject.writer(path, Append::No)?;
    writer.write(content)?;
    writer.commit()?;
    writer.close()?;
    equal(writer.size(), content.len() as u64, "the writer's size")
}

/// Fails unless this is the error of the contract: its kind, the caller's path, the driver's name.
#[track_caller]
pub(super) fn refused<T>(result: Result<T, Error>, kind: &ErrorKind, path: &str) -> Outcome {
    let Err(error) = result else {
        return Err(Stop::failed(format!("{path:?}: no error, expected {kind:?}")));
    };
    equal(error.kind(), kind, format!("{path:?}: {error}"))?;
    equal(error.path(), Some(path), format!("the path in: {error}"))?;
    equal(error.driver(), Some(NAME), format!("the driver in: {error}"))?;
    ensure(error.to_string().contains(NAME), format!("the driver's name is not in: {error}"))
}

/// Fails unless the path is not found.
#[track_caller]
pub(super) fn not_found<T>(result: Result<T, Error>, path: &str) -> Outcome {
    refused(result, &ErrorKind::PathNotFound, path)
}

/// Fails unless the call was a misuse.
#[track_caller]
pub(super) fn misuse<T: Debug>(result: Result<T, Error>, what: &str) -> Outcome {
    match result {
        Ok(value) => Err(Stop::failed(format!("{what}: {value:?}, expected an error"))),
        Err(error) => equal(error.kind(), &ErrorKind::Misuse, format!("{what}: {error}")),
    }
}

/// The paths of a walk's entries, directories with a trailing slash.
pub(super) fn shown(entries: &[WalkEntry]) -> Vec<String> {
    let slash = |is_dir| if is_dir { "/" } else { "" };
    entries.iter().map(|entry| format!("{}{}", entry.path, slash(entry.is_dir))).collect()
}
