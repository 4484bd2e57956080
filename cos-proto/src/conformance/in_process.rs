//! The driver against the emulator in one process, without sockets, in virtual time.

mod drive;
mod handles;
mod world;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::Method;

use self::{
    drive::{Drive, Shared, Step},
    handles::{InProcessReader, InProcessWriter},
    world::World,
};
use super::{Fetched, Job, Outcome, Provider, Random, Reader, Subject, Visit, WalkError, Writer};
use crate::{
    DriverPath, Error, Key, ObjectMeta, Operation, Policy,
    api::{GetOptions, ObjectOptions},
    config::{Builder, Config, Value},
    driver::{Driver, FileInfo},
    emulator::{Emulator, Settings},
    op::{self, Append, ReadAhead, ReadAheadOptions, SweepOutcome, WalkEntry, WalkOptions},
};

/// The driver on an emulator of its own.
#[allow(missing_debug_implementations, reason = "a provider cannot be shown")]
pub struct InProcess {
    shared: Shared,
    driver: Driver,
    config: Config,
    builder: Builder,
}

impl InProcess {
    /// A driver under the root directory `conformance`, on the emulator's first bucket.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if the settings are not
    /// valid, or name no credentials.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let mut builder = Config::builder()
            .bucket(settings.buckets.first().map_or("", String::as_str))
            .region(&*settings.region)
            .root_directory("/conformance")
            .secure(false);
        if let Some(credentials) = settings.credentials.first() {
            builder = builder.secret(credentials.secret_id(), credentials.secret_key().expose());
        }
        let seed = settings.seed;
        let world = Arc::new(Mutex::new(World::new(Emulator::new(settings)?)));
        Self::on(world, builder, None, seed)
    }

    fn on(
        world: Arc<Mutex<World>>,
        builder: Builder,
        provider: Option<Provider>,
        seed: u64,
    ) -> Result<Self, Error> {
        let config = builder.clone().build()?;
        let session = config.session();
        Ok(Self {
            driver: Driver::new(&config, session.clone()),
            shared: Shared {
                world,
                session,
                provider: Mutex::new(provider),
                random: Mutex::new(Random::new(seed)),
            },
            config,
            builder,
        })
    }

    /// Another driver on the same emulator, with these parameters changed.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter).
    pub fn another_process(&self, changed: &[(&str, Value)]) -> Result<Self, Error> {
        let changed = changed.iter().map(|(name, value)| (*name, value.clone()));
        self.another(self.builder.clone().parameters(changed), None)
    }

    fn another(&self, builder: Builder, provider: Option<Provider>) -> Result<Self, Error> {
        let mut random = self.shared.random.lock().unwrap_or_else(PoisonError::into_inner);
        let seed = random.next_u64();
        Self::on(Arc::clone(&self.shared.world), builder, provider, seed)
    }

    fn run<O, T>(&self, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        Drive::new(&self.shared, operation, policy).finish()
    }

    /// Runs an operation on a path.
    fn on_path<O, T>(&self, path: &str, operation: O, policy: Policy) -> Result<T, Error>
    where
        O: Operation<Output = Result<T, Error>>,
    {
        self.run(operation, policy).map_err(|error| self.driver.error(path, error))
    }

    fn walk_to_end(&self, from: &str, options: &WalkOptions) -> Result<Vec<WalkEntry>, Error> {
        let mut entries = Vec::new();
        self.walk_with(from, options, |_, entry| {
            entries.push(entry);
            None::<()>
        })?;
        Ok(entries)
    }

    /// Hands every entry to `visit`, until that has something to say.
    fn walk_with<T>(
        &self,
        from: &str,
        options: &WalkOptions,
        mut visit: impl FnMut(&mut op::Walk, WalkEntry) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let walk = self.driver.walk(from, options)?;
        let mut drive = Drive::new(&self.shared, walk, self.driver.bulk_policy());
        loop {
            while let Some(entry) = drive.operation_mut().next_entry() {
                if let Some(end) = visit(drive.operation_mut(), entry) {
                    return Ok(Some(end));
                }
            }
            if let Step::Done(output) = drive.step() {
                return output.map(|()| None).map_err(|error| self.driver.error(from, error));
            }
        }
    }
}

fn walk_options(start_after: Option<&str>) -> Result<WalkOptions, Error> {
    match start_after {
        Some(path) => Ok(WalkOptions::new().start_after(DriverPath::or_root(path)?)),
        None => Ok(WalkOptions::new()),
    }
}

impl Subject for InProcess {
    fn config(&self) -> &Config {
        &self.config
    }

    fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        let fetch = self.driver.get_content(path)?;
        Ok(self.on_path(path, fetch, self.driver.policy())?.body)
    }

    fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error> {
        let put = self.driver.put_content(path, content)?;
        self.on_path(path, put, self.driver.policy()).map(drop)
    }

    fn reader(&self, path: &str, offset: i64) -> Result<Box<dyn Reader + '_>, Error> {
        let download = self.driver.reader(path, offset)?;
        let drive = Drive::new(&self.shared, download, self.driver.policy());
        Ok(Box::new(InProcessReader::open(drive, &self.driver, path)?))
    }

    fn reader_ahead(
        &self,
        path: &str,
        offset: i64,
        ahead: ReadAheadOptions,
    ) -> Result<Box<dyn Reader + '_>, Error> {
        let (key, options) = self.driver.read_from(path, offset)?;
        let reading = ReadAhead::new(key, options, ahead);
        let drive = Drive::new(&self.shared, reading, self.driver.bulk_policy());
        Ok(Box::new(InProcessReader::open(drive, &self.driver, path)?))
    }

    fn writer(&self, path: &str, append: Append) -> Result<Box<dyn Writer + '_>, Error> {
        let upload = self.driver.writer(path, append)?;
        let drive = Drive::new(&self.shared, upload, self.driver.bulk_policy());
        Ok(Box::new(InProcessWriter::open(drive, &self.driver, path)?))
    }

    fn stat(&self, path: &str) -> Result<FileInfo, Error> {
        let stat = self.driver.stat(path)?;
        let info = self.on_path(path, stat, self.driver.policy())?;
        Ok(self.driver.file_info(path, &info))
    }

    fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        let list = self.driver.list(path)?;
        self.on_path(path, list, self.driver.policy())
    }

    fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        let rename = self.driver.rename(source, destination)?;
        self.on_path(source, rename, self.driver.copy_policy()).map(drop)
    }

    fn delete(&self, path: &str) -> Result<(), Error> {
        let now = self.shared.world().now().ticks;
        let delete = self.driver.delete(now, path)?;
        self.on_path(path, delete, self.driver.policy()).map(drop)
    }

    fn walk(
        &self,
        from: &str,
        start_after: Option<&str>,
        visit: &mut dyn FnMut(&WalkEntry) -> Visit,
    ) -> Result<(), WalkError> {
        let options = walk_options(start_after)?;
        let ended = self.walk_with(from, &options, |walk, entry| match visit(&entry) {
            Visit::Continue => None,
            Visit::Skip => {
                if entry.is_dir {
                    walk.skip(&entry.path);
                }
                None
            }
            Visit::Stop => Some(Ok(())),
            Visit::Fail(text) => Some(Err(WalkError::Callback(text))),
        });
        ended?.unwrap_or(Ok(()))
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
        let now = self.shared.world().now().unix;
        let url = self.driver.redirect_url(now, method, path, expires)?;
        Ok(url.map(|url| url.as_str().to_owned()))
    }

    fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        self.run(self.driver.sweep(age), self.driver.policy())
    }

    fn put_key(&self, key: &str, content: Bytes) -> Result<(), Error> {
        let put = op::Put::new(Key::new(key)?, ObjectOptions::new(), content.into(), None);
        self.run(put, self.driver.policy()).map(drop)
    }

    fn head_key(&self, key: &str) -> Result<ObjectMeta, Error> {
        self.run(op::Head::new(Key::new(key)?, GetOptions::default()), self.driver.policy())
    }

    fn delete_key(&self, key: &str) -> Result<(), Error> {
        self.run(op::DeleteObject::new(Key::new(key)?, None), self.driver.policy())
    }

    fn open(&self, changed: &[(&str, Value)]) -> Result<Box<dyn Subject + '_>, Error> {
        Ok(Box::new(self.another_process(changed)?))
    }

    fn open_with_provider(&self, provider: Provider) -> Result<Box<dyn Subject + '_>, Error> {
        let builder = self.builder.clone().secret("", "").credentials_by_program();
        Ok(Box::new(self.another(builder, Some(provider))?))
    }

    /// One after the other: there is one thread, and the core names none.
    fn concurrently(&self, jobs: Vec<Job<'_>>) -> Vec<Outcome> {
        jobs.into_iter().map(|job| job(self)).collect()
    }

    fn advance(&self, by: Duration) {
        self.shared.world().advance(by);
    }

    /// Nothing to do: what is not answered yet never reaches the service.
    fn settle(&self) {}

    fn fetch(&self, method: &Method, url: &str) -> Result<Fetched, String> {
        self.shared.world().fetch(method, url)
    }

    fn with_emulator(&self, look: &mut dyn FnMut(&mut Emulator)) -> bool {
        look(&mut self.shared.world().emulator);
        true
    }
}
