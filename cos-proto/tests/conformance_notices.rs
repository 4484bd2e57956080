//! The suite notices what it is there to notice: drivers with one fault each fail it.

#![allow(clippy::expect_used, reason = "a test that panics is a test that fails")]

use std::{num::NonZeroUsize, time::Duration};

use bytes::Bytes;
use cos_proto::{
    Error, ErrorKind, ObjectMeta,
    config::{Config, Value},
    conformance::{
        Cell, Fetched, InProcess, Job, Options, Outcome, Provider, Reader, Report, Results,
        Subject, Visit, WalkError, Writer, cases, run_case,
    },
    driver::FileInfo,
    emulator::{Emulator, Settings},
    op::{Append, ReadAheadOptions, SweepOutcome, UploadOutcome, WalkEntry},
};
use http::Method;

/// What a driver does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    ContentOfAnotherLength,
    ErrorWithoutPath,
    ReaderIgnoresOffset,
    ReaderNeverVerifies,
    StatTakesSiblings,
    ListForgetsOne,
    MoveKeepsSource,
    MoveDropsSourceOnFailure,
    DeleteTakesSiblings,
    DeleteDoesNothing,
    WalkTellsFilesOnly,
    ParallelWalkSwapsEntries,
    SkipTakesSiblings,
    HeadSignedAsGet,
    CloseIsCommit,
    CancelDoesNothing,
    AppendStartsAnew,
    WriterLosesAByte,
    SecondCloseIsFine,
}

/// A flaw, and a case that must fail with it.
const NOTICED: [(Flaw, &str); 27] = [
    (Flaw::ContentOfAnotherLength, "WriteRead1"),
    (Flaw::ErrorWithoutPath, "ReadNonexistent"),
    (Flaw::ErrorWithoutPath, "List"),
    (Flaw::ReaderIgnoresOffset, "ReaderWithOffset"),
    (Flaw::ReaderIgnoresOffset, "ConcurrentStreamReads"),
    (Flaw::ReaderNeverVerifies, "ReaderTellsMetadata"),
    (Flaw::ReaderIgnoresOffset, "ReadAheadFromAnyOffset"),
    (Flaw::ReaderNeverVerifies, "ReadAheadFromAnyOffset"),
    (Flaw::ErrorWithoutPath, "ReadAheadOfNothing"),
    (Flaw::StatTakesSiblings, "StatSiblings"),
    (Flaw::ListForgetsOne, "List"),
    (Flaw::ListForgetsOne, "ListOverThousand"),
    (Flaw::MoveKeepsSource, "Move"),
    (Flaw::MoveDropsSourceOnFailure, "MoveUnconfirmedKeepsSource"),
    (Flaw::DeleteTakesSiblings, "DeleteOnlyDeletesSubpaths"),
    (Flaw::DeleteDoesNothing, "Delete"),
    (Flaw::DeleteDoesNothing, "WriteRead1"),
    (Flaw::WalkTellsFilesOnly, "Walk"),
    (Flaw::ParallelWalkSwapsEntries, "WalkParallel"),
    (Flaw::SkipTakesSiblings, "WalkSkipBoundary"),
    (Flaw::HeadSignedAsGet, "RedirectURL"),
    (Flaw::CloseIsCommit, "CloseWithoutContent"),
    (Flaw::CloseIsCommit, "RegistryPush"),
    (Flaw::CancelDoesNothing, "CancelLeavesNothing"),
    (Flaw::AppendStartsAnew, "ContinueStreamAppendSmall"),
    (Flaw::WriterLosesAByte, "WriteReadStreams3"),
    (Flaw::SecondCloseIsFine, "CloseTwice"),
];

#[test]
fn flawed_drivers_fail_the_cases_made_for_them() {
    for (flaw, name) in NOTICED {
        let case = cases().find(|case| case.name == name).expect(name);
        let cell = run_case(case, &Flawed::new(flaw), Options::new());
        assert!(matches!(cell, Cell::Failed(_)), "{flaw:?} in {name}: {cell:?}");
        let cell = run_case(case, &Flawed::new(Flaw::None), Options::new());
        assert_eq!(cell, Cell::Passed, "no flaw in {name}");
    }
}

#[test]
fn an_empty_cell_and_a_failed_one_fail_the_report() {
    let mut report = Report::new();
    report.add("nothing", Results::new());
    assert_eq!(report.failures().len(), cases().count());
    let all = |cell: &dyn Fn(usize) -> Cell| {
        cases().enumerate().map(|(number, case)| (case.name, cell(number))).collect()
    };
    let mut report = Report::new();
    report.add("good", all(&|_| Cell::Passed));
    report.add("skipping", all(&|_| Cell::Skipped("why not".to_owned())));
    assert_eq!(report.failures(), Vec::<String>::new());
    assert!(report.to_string().contains("why not"));
    report.add(
        "bad",
        all(&|number| match number {
            3 => Cell::Failed("this is wrong".to_owned()),
            _ => Cell::Passed,
        }),
    );
    let failures = report.failures();
    assert!(failures.len() == 1 && failures.concat().contains("this is wrong"), "{failures:?}");
    assert!(report.to_string().contains("1 failures"), "{report}");
}

/// A driver in process, with a flaw.
struct Flawed {
    inner: InProcess,
    flaw: Flaw,
}

impl Flawed {
    fn new(flaw: Flaw) -> Self {
        Self { inner: InProcess::new(Settings::default()).expect("valid settings"), flaw }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Err(error) if self.has(Flaw::ErrorWithoutPath) => {
                Err(Error::new(error.kind().clone(), "somewhere"))
            }
            other => other,
        }
    }
}

fn is_sibling(path: &str, other: &str) -> bool {
    other.starts_with(path) && other != path && !other[path.len()..].starts_with('/')
}

impl Subject for Flawed {
    fn config(&self) -> &Config {
        self.inner.config()
    }

    fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        let content = self.told(self.inner.get_content(path))?;
        if self.has(Flaw::ContentOfAnotherLength) {
            return Ok(content.slice(..content.len().saturating_sub(1)));
        }
        Ok(content)
    }

    fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.inner.put_content(path, content)
    }

    fn reader(&self, path: &str, offset: i64) -> Result<Box<dyn Reader + '_>, Error> {
        let offset = if self.has(Flaw::ReaderIgnoresOffset) { offset.min(0) } else { offset };
        let inner = self.told(self.inner.reader(path, offset))?;
        Ok(Box::new(FlawedReader { inner, flaw: self.flaw }))
    }

    fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Box<dyn Reader + '_>, Error> {
        let offset = if self.has(Flaw::ReaderIgnoresOffset) { offset.min(0) } else { offset };
        let inner = self.told(self.inner.reader_ahead(path, offset, ahead))?;
        Ok(Box::new(FlawedReader { inner, flaw: self.flaw }))
    }

    fn writer(&self, path: &str, append: Append) -> Result<Box<dyn Writer + '_>, Error> {
        let append = if self.has(Flaw::AppendStartsAnew) { Append::No } else { append };
        let inner = self.told(self.inner.writer(path, append))?;
        Ok(Box::new(FlawedWriter { inner, flaw: self.flaw, closed: false }))
    }

    fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        if self.has(Flaw::StatTakesSiblings)
            && let Ok(siblings) = self.inner.list(parent)
            && let Some(sibling) = siblings.iter().find(|other| is_sibling(path, other))
        {
            return self.inner.stat(sibling);
        }
        self.told(self.inner.stat(path))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut listed = self.told(self.inner.list(path))?;
        if self.has(Flaw::ListForgetsOne) && listed.len() > 1 {
            listed.pop();
        }
        Ok(listed)
    }

    fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        match self.flaw {
            Flaw::MoveKeepsSource => {
                let content = self.inner.get_content(source)?;
                self.inner.put_content(destination, content)
            }
            Flaw::MoveDropsSourceOnFailure => {
                let moved = self.inner.rename(source, destination);
                if moved.is_err() {
                    self.inner.delete(source).ok();
                }
                moved
            }
            _ => self.told(self.inner.rename(source, destination)),
        }
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        match self.flaw {
            Flaw::DeleteDoesNothing => Ok(()),
            Flaw::DeleteTakesSiblings => {
                let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
                for other in self.inner.list(if parent.is_empty() { "/" } else { parent })? {
                    if is_sibling(path, &other) {
                        self.inner.delete(&other)?;
                    }
                }
                self.inner.delete(path)
            }
            _ => self.told(self.inner.delete(path)),
        }
    }

    fn walk(
        &self,
        from: &str,
        start_after: Option<&str>,
        visit: &mut dyn FnMut(&WalkEntry) -> Visit,
    ) -> Result<(), WalkError> {
        let mut skipped: Option<String> = None;
        self.inner.walk(from, start_after, &mut |entry| {
            if self.has(Flaw::WalkTellsFilesOnly) && entry.is_dir {
                return Visit::Continue;
            }
            if self.has(Flaw::SkipTakesSiblings)
                && skipped.as_ref().is_some_and(|skipped| entry.path.starts_with(skipped))
            {
                return Visit::Skip;
            }
            let next = visit(entry);
            if next == Visit::Skip {
                skipped = Some(entry.path.clone());
            }
            next
        })
    }

    fn walk_entries(&self, from: &str, start_after: Option<&str>) -> Result<Vec<WalkEntry>, Error> {
        self.inner.walk_entries(from, start_after)
    }

    fn walk_parallel(&self, from: &str, lists: NonZeroUsize) -> Result<Vec<WalkEntry>, Error> {
        let mut entries = self.inner.walk_parallel(from, lists)?;
        if self.has(Flaw::ParallelWalkSwapsEntries) && entries.len() > 1 {
            entries.swap(0, 1);
        }
        Ok(entries)
    }

    fn redirect_url(
        &self,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<String>, Error> {
        let as_get = self.has(Flaw::HeadSignedAsGet) && *method == Method::HEAD;
        let method = if as_get { &Method::GET } else { method };
        self.inner.redirect_url(method, path, expires)
    }

    fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        self.inner.sweep(age)
    }

    fn put_key(&self, key: &str, content: Bytes) -> Result<(), Error> {
        self.inner.put_key(key, content)
    }

    fn head_key(&self, key: &str) -> Result<ObjectMeta, Error> {
        self.inner.head_key(key)
    }

    fn delete_key(&self, key: &str) -> Result<(), Error> {
        self.inner.delete_key(key)
    }

    fn open(&self, changed: &[(&str, Value)]) -> Result<Box<dyn Subject + '_>, Error> {
        Ok(Box::new(Self { inner: self.inner.another_process(changed)?, flaw: self.flaw }))
    }

    fn open_with_provider(&self, provider: Provider) -> Result<Box<dyn Subject + '_>, Error> {
        self.inner.open_with_provider(provider)
    }

    fn concurrently(&self, jobs: Vec<Job<'_>>) -> Vec<Outcome> {
        jobs.into_iter().map(|job| job(self)).collect()
    }

    fn advance(&self, by: Duration) {
        self.inner.advance(by);
    }

    fn settle(&self) {}

    fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String> {
        self.inner.fetch(method, url)
    }

    fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool {
        self.inner.with_emulator(look)
    }
}

struct FlawedReader<'a> {
    inner: Box<dyn Reader + 'a>,
    flaw: Flaw,
}

impl Reader for FlawedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.inner.read(buffer)
    }

    fn meta(&self) -> Option<ObjectMeta> {
        self.inner.meta()
    }

    fn is_verified(&self) -> bool {
        self.flaw != Flaw::ReaderNeverVerifies && self.inner.is_verified()
    }
}

struct FlawedWriter<'a> {
    inner: Box<dyn Writer + 'a>,
    flaw: Flaw,
    closed: bool,
}

impl Writer for FlawedWriter<'_> {
    fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        let lost = usize::from(self.flaw == Flaw::WriterLosesAByte).min(content.len());
        self.inner.write(&content[lost..])
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn close(&mut self) -> Result<(), Error> {
        match self.flaw {
            Flaw::CloseIsCommit if !self.closed => {
                self.closed = true;
                match self.inner.commit() {
                    Err(error) if *error.kind() == ErrorKind::Misuse => self.inner.close(),
                    committed => committed.map(drop),
                }
            }
            Flaw::SecondCloseIsFine if self.closed => Ok(()),
            _ => {
                self.closed = true;
                self.inner.close()
            }
        }
    }

    fn commit(&mut self) -> Result<UploadOutcome, Error> {
        self.inner.commit()
    }

    fn cancel(&mut self) -> Result<(), Error> {
        if self.flaw == Flaw::CancelDoesNothing { Ok(()) } else { self.inner.cancel() }
    }
}
