//! The asynchronous driver as a subject of the suite.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use bytes::Bytes;
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
use cos_tokio::{ClientBuilder, CredentialsProvider, Driver, ProvidedCredentials, WalkControl};
use http::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    runtime::{Handle, Runtime},
    task,
};

use crate::world::World;

/// The driver of cos-tokio on some bucket.
pub struct Tokio {
    world: Arc<World>,
    runtime: Arc<Runtime>,
    builder: Builder,
    config: Config,
    driver: Driver,
}

impl Tokio {
    pub fn new(world: World) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .expect("a runtime");
        let builder = world.builder.clone();
        Self::on(Arc::new(world), Arc::new(runtime), builder, None).expect("a driver")
    }

    fn on(
        world: Arc<World>,
        runtime: Arc<Runtime>,
        builder: Builder,
        provider: Option<Provider>,
    ) -> Result<Self, Error> {
        let config = builder.clone().build()?;
        let mut client = ClientBuilder::from_config(&config);
        if let Some(provider) = provider {
            client = client.credentials(Asked(Mutex::new(provider)));
        }
        let driver = Driver::from_builder(&config, client)?;
        Ok(Self { world, runtime, builder, config, driver })
    }

    fn another(
        &self,
        builder: Builder,
        provider: Option<Provider>,
    ) -> Result<Box<dyn Subject + '_>, Error> {
        let (world, runtime) = (Arc::clone(&self.world), Arc::clone(&self.runtime));
        Ok(Box::new(Self::on(world, runtime, builder, provider)?))
    }
}

/// The suite's provider as the adapter wants it.
struct Asked(Mutex<Provider>);

impl fmt::Debug for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Asked")
    }
}

impl CredentialsProvider for Asked {
    fn credentials(&self) -> ProvidedCredentials<'_> {
        let answer: Result<Credentials, CredentialsFailed> =
            (self.0.lock().unwrap_or_else(PoisonError::into_inner))();
        Box::pin(async move { answer })
    }
}

fn walk_options(start_after: Option<&str>) -> Result<WalkOptions, Error> {
    match start_after {
        Some(path) => Ok(WalkOptions::new().start_after(DriverPath::or_root(path)?)),
        None => Ok(WalkOptions::new()),
    }
}

impl Tokio {
    fn walk_to_end(&self, from: &str, options: &WalkOptions) -> Result<Vec<WalkEntry>, Error> {
        let mut walk = self.driver.walk(from, options)?;
        wait(&self.runtime, async {
            let mut entries = Vec::new();
            while let Some(entry) = walk.next_entry().await {
                entries.push(entry?);
            }
            Ok(entries)
        })
    }
}

impl Subject for Tokio {
    fn config(&self) -> &Config {
        &self.config
    }

    fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        wait(&self.runtime, self.driver.get_content(path))
    }

    fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error> {
        wait(&self.runtime, self.driver.put_content(path, content))
    }

    fn reader(&self, path: &str, offset: i64) -> Result<Box<dyn Reader + '_>, Error> {
        let reader = wait(&self.runtime, self.driver.reader(path, offset))?;
        Ok(Box::new(TokioReader { runtime: &self.runtime, reader }))
    }

    fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Box<dyn Reader + '_>, Error> {
        let reader = wait(&self.runtime, self.driver.reader_ahead(path, offset, ahead))?;
        Ok(Box::new(TokioReader { runtime: &self.runtime, reader }))
    }

    fn writer(&self, path: &str, append: Append) -> Result<Box<dyn Writer + '_>, Error> {
        let writer = wait(&self.runtime, self.driver.writer(path, append))?;
        Ok(Box::new(TokioWriter { runtime: &self.runtime, writer, turn: Turn::Bytes }))
    }

    fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        wait(&self.runtime, self.driver.stat(path))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        wait(&self.runtime, self.driver.list(path))
    }

    fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        wait(&self.runtime, self.driver.rename(source, destination))
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        wait(&self.runtime, self.driver.delete(path))
    }

    fn walk(
        &self,
        from: &str,
        start_after: Option<&str>,
        visit: &mut dyn FnMut(&WalkEntry) -> Visit,
    ) -> Result<(), WalkError> {
        let options = walk_options(start_after)?;
        let control = |entry: WalkEntry| match visit(&entry) {
            Visit::Continue => Ok(WalkControl::Continue),
            Visit::Skip => Ok(WalkControl::Skip),
            Visit::Stop => Ok(WalkControl::Stop),
            Visit::Fail(text) => Err(WalkError::Callback(text)),
        };
        wait(&self.runtime, self.driver.walk_with(from, &options, control))
    }

    fn walk_entries(&self, from: &str, start_after: Option<&str>) -> Result<Vec<WalkEntry>, Error> {
        self.walk_to_end(from, &walk_options(start_after)?)
    }

    fn walk_parallel(&self, from: &str, lists: NonZeroUsize) -> Result<Vec<WalkEntry>, Error> {
        self.walk_to_end(from, &WalkOptions::new().parallel(lists))
    }

    fn redirect_url(
        &self,
        method: &Method,
        path: &str,
        expires: Option<Duration>,
    ) -> Result<Option<String>, Error> {
        let url = wait(&self.runtime, self.driver.redirect_url(method, path, expires))?;
        Ok(url.map(|url| url.as_str().to_owned()))
    }

    fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        wait(&self.runtime, self.driver.sweep(age))
    }

    fn put_key(&self, key: &str, content: Bytes) -> Result<(), Error> {
        let put = self.driver.client().put(Key::new(key)?, ObjectOptions::new(), content);
        wait(&self.runtime, put).map(drop)
    }

    fn head_key(&self, key: &str) -> Result<ObjectMeta, Error> {
        wait(&self.runtime, self.driver.client().head(Key::new(key)?, GetOptions::default()))
    }

    fn delete_key(&self, key: &str) -> Result<(), Error> {
        wait(&self.runtime, self.driver.client().delete(Key::new(key)?, None))
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

    /// Its tasks are gone with it; only what the system still carries may arrive.
    fn settle(&self) {
        thread::sleep(Duration::from_millis(30));
    }

    fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String> {
        self.world.fetch(method, url)
    }

    fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool {
        self.world.with_emulator(look)
    }
}

struct TokioReader<'a> {
    runtime: &'a Runtime,
    reader: cos_tokio::Reader,
}

impl Reader for TokioReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        wait(self.runtime, self.reader.read(buffer)).map_err(inner)
    }

    fn meta(&self) -> Option<ObjectMeta> {
        self.reader.meta().cloned()
    }

    fn is_verified(&self) -> bool {
        self.reader.is_verified()
    }
}

struct TokioWriter<'a> {
    runtime: &'a Runtime,
    writer: cos_tokio::Writer,
    turn: Turn,
}

/// Which of a writer's two ways of writing is next.
#[derive(Clone, Copy)]
enum Turn {
    Bytes,
    AsyncWrite,
}

impl Writer for TokioWriter<'_> {
    fn write(&mut self, content: &[u8]) -> Result<(), Error> {
        match self.turn {
            Turn::Bytes => {
                self.turn = Turn::AsyncWrite;
                wait(self.runtime, self.writer.write(Bytes::copy_from_slice(content)))
            }
            Turn::AsyncWrite => {
                self.turn = Turn::Bytes;
                wait(self.runtime, self.writer.write_all(content)).map_err(inner)
            }
        }
    }

    fn size(&self) -> u64 {
        self.writer.size()
    }

    fn close(&mut self) -> Result<(), Error> {
        wait(self.runtime, self.writer.close())
    }

    fn commit(&mut self) -> Result<UploadOutcome, Error> {
        wait(self.runtime, self.writer.commit())
    }

    fn cancel(&mut self) -> Result<(), Error> {
        wait(self.runtime, self.writer.cancel())
    }
}

/// Waits for a future, also within the callback of one that is being waited for.
fn wait<F: Future>(runtime: &Runtime, future: F) -> F::Output {
    if Handle::try_current().is_ok() {
        return task::block_in_place(|| runtime.block_on(future));
    }
    runtime.block_on(future)
}

/// The driver's error inside an I/O error.
fn inner(error: std::io::Error) -> Error {
    let text = error.to_string();
    error
        .into_inner()
        .and_then(|inner| inner.downcast::<Error>().ok())
        .map_or_else(|| Error::new(ErrorKind::Transport, text), |error| *error)
}
