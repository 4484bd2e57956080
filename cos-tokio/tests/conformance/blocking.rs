//! The blocking driver as a subject of the suite.

use std::{
    io::{Read as _, Write as _},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use bytes::Bytes;
use cos_blocking::{ClientBuilder, CredentialsProvider, Driver, WalkControl};
use cos_proto::{
    Credentials, CredentialsFailed, DriverPath, Error, ErrorKind, Key, ObjectMeta,
    api::{GetOptions, ObjectOptions},
    config::{Builder, Config, Value},
    conformance::{
        Fetched, Job, Outcome, Provider, Reader, Stop, Subject, Visit, WalkError, Writer,
    },
    driver::FileInfo,
    emulator::Emulator,
    op::{Append, ReadAheadOptions, SweepOutcome, UploadOutcome, WalkEntry, WalkOptions},
};
use http::Method;

use crate::world::World;

/// The driver of cos-blocking on some bucket.
pub struct Blocking {
    world: Arc<World>,
    builder: Builder,
    config: Config,
    driver: Driver,
}

impl Blocking {
    pub fn new(world: World) -> Self {
        let builder = world.builder.clone();
        Self::on(Arc::new(world), builder, None).expect("a driver")
    }

    fn on(world: Arc<World>, builder: Builder, provider: Option<Provider>) -> Result<Self, Error> {
        let config = builder.clone().build()?;
        let mut client = ClientBuilder::from_config(&config);
        if let Some(provider) = provider {
            client = client.credentials(Asked(Mutex::new(provider)));
        }
        let driver = Driver::from_builder(&config, client)?;
        Ok(Self { world, builder, config, driver })
    }

    fn another(
        &self,
        builder: Builder,
        provider: Option<Provider>,
    ) -> Result<Box<dyn Subject + '_>, Error> {
        Ok(Box::new(Self::on(Arc::clone(&self.world), builder, provider)?))
    }
}

/// The suite's provider as the adapter wants it.
struct Asked(Mutex<Provider>);

impl CredentialsProvider for Asked {
    fn credentials(&self) -> Result<Credentials, CredentialsFailed> {
        (self.0.lock().unwrap_or_else(PoisonError::into_inner))()
    }
}

fn walk_options(start_after: Option<&str>) -> Result<WalkOptions, Error> {
    match start_after {
        Some(path) => Ok(WalkOptions::new().start_after(DriverPath::or_root(path)?)),
        None => Ok(WalkOptions::new()),
    }
}

impl Subject for Blocking {
    fn config(&self) -> &Config {
        &self.config
    }

    fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        self.driver.get_content(path)
    }

    fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error> {
        self.driver.put_content(path, content)
    }

    fn reader(&self, path: &str, offset: i64) -> Result<Box<dyn Reader + '_>, Error> {
        Ok(Box::new(BlockingReader(self.driver.reader(path, offset)?)))
    }

    fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Box<dyn Reader + '_>, Error> {
        Ok(Box::new(BlockingReader(self.driver.reader_ahead(path, offset, ahead)?)))
    }

    fn writer(&self, path: &str, append: Append) -> Result<Box<dyn Writer + '_>, Error> {
        let writer = self.driver.writer(path, append)?;
        Ok(Box::new(BlockingWriter { writer, turn: Turn::Bytes }))
    }

    fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        self.driver.stat(path)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        self.driver.list(path)
    }

    fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        self.driver.rename(source, destination)
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        self.driver.delete(path)
    }

    fn walk(
        &self,
        from: &str,
        start_after: Option<&str>,
        visit: &mut dyn FnMut(&WalkEntry) -> Visit,
    ) -> Result<(), WalkError> {
        self.driver.walk_with(from, &walk_options(start_after)?, |entry| match visit(&entry) {
            Visit::Continue => Ok(WalkControl::Continue),
            Visit::Skip => Ok(WalkControl::Skip),
            Visit::Stop => Ok(WalkControl::Stop),
            Visit::Fail(text) => Err(WalkError::Callback(text)),
        })
    }

    fn walk_entries(&self, from: &str, start_after: Option<&str>) -> Result<Vec<WalkEntry>, Error> {
        self.driver.walk(from, &walk_options(start_after)?)?.collect()
    }

    fn walk_parallel(&self, from: &str, lists: NonZeroUsize) -> Result<Vec<WalkEntry>, Error> {
        self.driver.walk(from, &WalkOptions::new().parallel(lists))?.collect()
    }

    fn redirect_url(
        &self,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<String>, Error> {
        let url = self.driver.redirect_url(method, path, expires)?;
        Ok(url.map(|url| url.as_str().to_owned()))
    }

    fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        self.driver.sweep(age)
    }

    fn put_key(&self, key: &str, content: Bytes) -> Result<(), Error> {
        let client = self.driver.client();
        client.put(Key::new(key)?, ObjectOptions::new(), content).map(drop)
    }

    fn head_key(&self, key: &str) -> Result<ObjectMeta, Error> {
        self.driver.client().head(Key::new(key)?, GetOptions::default())
    }

    fn delete_key(&self, key: &str) -> Result<(), Error> {
        self.driver.client().delete(Key::new(key)?, None)
    }

    fn open(&self, changed: &[(&str, Value)]) -> Result<Box<dyn Subject + '_>, Error> {
        let changed = changed.iter().map(|(name, value)| (*name, value.clone()));
        self.another(self.builder.clone().parameters(changed), None)
    }

    fn open_with_provider(&self, provider: Provider) -> Result<Box<dyn Subject + '_>, Error> {
        let builder = self.builder.clone().secret("", "").session_token("");
        self.another(builder.credentials_by_program(), Some(provider))
    }

    fn concurrently(&self, jobs: Vec<Job<'_>>) -> Vec<Outcome> {
        thread::scope(|scope| {
            let running: Vec<_> =
                jobs.into_iter().map(|job| scope.spawn(move || job(self))).collect();
            let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
            joined
                .map(|ended| ended.unwrap_or_else(|_| Err(Stop::failed("a job panicked"))))
                .collect()
        })
    }

    fn advance(&self, by: Duration) {
        self.world.advance(by);
    }

    /// Its request threads end their exchanges.
    fn settle(&self) {
        while self.driver.client().permits_in_use() > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(30));
    }

    fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String> {
        self.world.fetch(method, url)
    }

    fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool {
        self.world.with_emulator(look)
    }
}

struct BlockingReader(cos_blocking::Reader);

impl Reader for BlockingReader {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.read(buffer).map_err(inner)
    }

    fn meta(&self) -> Option<ObjectMeta> {
        self.0.meta().cloned()
    }

    fn is_verified(&self) -> bool {
        self.0.is_verified()
    }
}

struct BlockingWriter {
    writer: cos_blocking::Writer,
    turn: Turn,
}

/// Which of a writer's two ways of writing is next.
#[derive(Clone, Copy)]
enum Turn {
    Bytes,
    Write,
}

impl Writer for BlockingWriter {
    fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        match self.turn {
            Turn::Bytes => {
                self.turn = Turn::Write;
                self.writer.write_bytes(Bytes::copy_from_slice(content))
            }
            Turn::Write => {
                self.turn = Turn::Bytes;
                self.writer.write_all(content).map_err(inner)
            }
        }
    }

    fn size(&self) -> u64 {
        self.writer.size()
    }

    fn close(&mut self) -> Result<(), Error> {
        self.writer.close()
    }

    fn commit(&mut self) -> Result<UploadOutcome, Error> {
        self.writer.commit()
    }

    fn cancel(&mut self) -> Result<(), Error> {
        self.writer.cancel()
    }
}

/// The driver's error inside an I/O error.
fn inner(error: std::io::Error) -> Error {
    let text = error.to_string();
    error
        .into_inner()
        .and_then(|inner| inner.downcast::<Error>().ok())
        .map_or_else(|| Error::new(ErrorKind::Transport, text), |error| *error)
}
