//! The drivers of both adapters behind one face, for tests that must hold on both.

#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part of this")]

use std::{io::Read as _, time::Duration};

use bytes::Bytes;
use cos_proto::{
    Error, Key, Observer,
    api::GetOptions,
    config::Config,
    op::{Append, SweepOutcome, UploadOutcome, WalkOptions},
};
use tokio::runtime::{Builder, Runtime};

/// Which crate drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Adapter {
    Tokio,
    Blocking,
}

impl Adapter {
    pub const ALL: [Self; 2] = [Self::Tokio, Self::Blocking];

    pub fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Blocking => "blocking",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|adapter| adapter.name() == name)
    }
}

/// A driver of either adapter. Every method blocks, so any thread may call it that is not
/// asynchronous.
pub enum Driver {
    Tokio(Runtime, cos_tokio::Driver),
    Blocking(cos_blocking::Driver),
}

impl Driver {
    /// A driver that is told to go by `proxy`, or by none at all.
    ///
    /// # Errors
    /// What the adapter refuses.
    pub fn new(
        adapter: Adapter,
        config: &Config,
        observer: impl Observer + 'static,
        proxy: Option<&str>,
    ) -> Result<Self, Error> {
        Ok(match adapter {
            Adapter::Tokio => {
                let proxy = proxy
                    .map_or(cos_tokio::Proxy::Direct, |url| cos_tokio::Proxy::Url(url.to_owned()));
                let builder = cos_tokio::ClientBuilder::from_config(config);
                let builder = builder.observer(observer).proxy(proxy);
                let driver = cos_tokio::Driver::from_builder(config, builder)?;
                let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
                Self::Tokio(runtime.expect("a runtime"), driver)
            }
            Adapter::Blocking => {
                let proxy = proxy.map_or(cos_blocking::Proxy::Direct, |url| {
                    cos_blocking::Proxy::Url(url.to_owned())
                });
                let builder = cos_blocking::ClientBuilder::from_config(config);
                let builder = builder.observer(observer).proxy(proxy);
                Self::Blocking(cos_blocking::Driver::from_builder(config, builder)?)
            }
        })
    }

    pub fn get_content(&self, path: &str) -> Result<Bytes, Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.get_content(path)),
            Self::Blocking(driver) => driver.get_content(path),
        }
    }

    /// Reads an object of at most `limit` bytes through the client.
    pub fn get_key(&self, key: Key, limit: u64) -> Result<Bytes, Error> {
        let options = GetOptions::new();
        let fetched = match self {
            Self::Tokio(runtime, driver) => {
                runtime.block_on(driver.client().get(key, options, limit))
            }
            Self::Blocking(driver) => driver.client().get(key, options, limit),
        };
        Ok(fetched?.body)
    }

    pub fn put_content(&self, path: &str, content: Bytes) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.put_content(path, content)),
            Self::Blocking(driver) => driver.put_content(path, content),
        }
    }

    /// Reads a file through a reader, to its end.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(async {
                let mut reader = driver.reader(path, 0).await?;
                while let Some(data) = reader.chunk().await? {
                    all.extend_from_slice(&data);
                }
                Ok(all)
            }),
            Self::Blocking(driver) => {
                let read = driver.reader(path, 0)?.read_to_end(&mut all);
                // What `Read` fails with is the driver's own error.
                read.map_err(|error| error.downcast().expect("a driver's error"))?;
                Ok(all)
            }
        }
    }

    pub fn writer(&self, path: &str, append: Append) -> Result<Writer<'_>, Error> {
        Ok(match self {
            Self::Tokio(runtime, driver) => {
                Writer::Tokio(runtime, runtime.block_on(driver.writer(path, append))?)
            }
            Self::Blocking(driver) => Writer::Blocking(driver.writer(path, append)?),
        })
    }

    pub fn rename(&self, source: &str, destination: &str) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.rename(source, destination)),
            Self::Blocking(driver) => driver.rename(source, destination),
        }
    }

    pub fn delete(&self, path: &str) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.delete(path)),
            Self::Blocking(driver) => driver.delete(path),
        }
    }

    /// The size of a file.
    pub fn stat(&self, path: &str) -> Result<u64, Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.stat(path)).map(|it| it.size),
            Self::Blocking(driver) => driver.stat(path).map(|it| it.size),
        }
    }

    pub fn list(&self, path: &str) -> Result<Vec<String>, Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.list(path)),
            Self::Blocking(driver) => driver.list(path),
        }
    }

    /// The files below a directory, in the walk's order.
    pub fn walk(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut files = Vec::new();
        let visit = |entry: cos_proto::op::WalkEntry| {
            if !entry.is_dir {
                files.push(entry.path);
            }
            Ok::<_, Error>(cos_proto::op::WalkControl::Continue)
        };
        match self {
            Self::Tokio(runtime, driver) => {
                runtime.block_on(driver.walk_with(path, &WalkOptions::new(), visit))?;
            }
            Self::Blocking(driver) => driver.walk_with(path, &WalkOptions::new(), visit)?,
        }
        Ok(files)
    }

    pub fn sweep(&self, age: Duration) -> Result<SweepOutcome, Error> {
        match self {
            Self::Tokio(runtime, driver) => runtime.block_on(driver.sweep(age)),
            Self::Blocking(driver) => driver.sweep(age),
        }
    }

    /// How many requests hold a permit.
    pub fn permits_in_use(&self) -> usize {
        match self {
            Self::Tokio(_, driver) => driver.client().permits_in_use(),
            Self::Blocking(driver) => driver.client().permits_in_use(),
        }
    }
}

/// A writer of either adapter.
pub enum Writer<'a> {
    Tokio(&'a Runtime, cos_tokio::Writer),
    Blocking(cos_blocking::Writer),
}

impl Writer<'_> {
    pub fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, writer) => runtime.block_on(writer.write(bytes)),
            Self::Blocking(writer) => writer.write_bytes(bytes),
        }
    }

    pub fn size(&self) -> u64 {
        match self {
            Self::Tokio(_, writer) => writer.size(),
            Self::Blocking(writer) => writer.size(),
        }
    }

    pub fn close(&mut self) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, writer) => runtime.block_on(writer.close()),
            Self::Blocking(writer) => writer.close(),
        }
    }

    pub fn commit(&mut self) -> Result<UploadOutcome, Error> {
        match self {
            Self::Tokio(runtime, writer) => runtime.block_on(writer.commit()),
            Self::Blocking(writer) => writer.commit(),
        }
    }

    pub fn cancel(&mut self) -> Result<(), Error> {
        match self {
            Self::Tokio(runtime, writer) => runtime.block_on(writer.cancel()),
            Self::Blocking(writer) => writer.cancel(),
        }
    }
}
