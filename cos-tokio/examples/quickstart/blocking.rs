//! The steps with `cos-blocking`.

use std::{error::Error, io::Read as _};

use cos_blocking::{Append, ClientBuilder, Config, Driver, WalkOptions};
use http::Method;

use crate::{
    source::Pieces,
    store::{self, Store},
    table::Requests,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) struct Blocking {
    config: Config,
    requests: Requests,
    driver: Driver,
}

impl Blocking {
    pub(crate) fn new(config: &Config, requests: Requests) -> Result<Self> {
        let driver = driver(config, &requests)?;
        Ok(Self { config: config.clone(), requests, driver })
    }
}

fn driver(config: &Config, requests: &Requests) -> Result<Driver> {
    let builder = ClientBuilder::from_config(config).observer(requests.clone());
    Ok(Driver::from_builder(config, builder)?)
}

impl Store for Blocking {
    fn store_half(&mut self, path: &str, pieces: Pieces) -> Result<()> {
        let mut writer = self.driver.writer(path, Append::No)?;
        for piece in pieces {
            writer.write_bytes(piece?)?;
        }
        Ok(writer.close()?)
    }

    fn replace_driver(&mut self) -> Result<()> {
        self.driver = driver(&self.config, &self.requests)?;
        Ok(())
    }

    fn resume(&mut self, path: &str, pieces: Pieces) -> Result<u64> {
        let mut writer = self.driver.writer(path, Append::Yes)?;
        let resumed = writer.size();
        for piece in pieces {
            writer.write_bytes(piece?)?;
        }
        writer.commit()?;
        Ok(resumed)
    }

    fn sha256(&mut self, path: &str) -> Result<String> {
        let mut reader = self.driver.reader(path, 0)?;
        let sha256 = store::sha256(&mut reader)?;
        if !reader.is_verified() {
            return Err("COS gave no CRC-64 for the object".into());
        }
        Ok(sha256)
    }

    fn range(&mut self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.driver.reader(path, i64::try_from(offset)?)?.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn size(&mut self, path: &str) -> Result<u64> {
        Ok(self.driver.stat(path)?.size)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>> {
        Ok(self.driver.list(path)?)
    }

    fn walk(&mut self, path: &str) -> Result<Vec<String>> {
        let walk = self.driver.walk(path, &WalkOptions::default())?;
        walk.map(|entry| Ok(entry?.path)).collect()
    }

    fn rename(&mut self, source: &str, destination: &str) -> Result<()> {
        Ok(self.driver.rename(source, destination)?)
    }

    fn presigned(&mut self, path: &str) -> Result<String> {
        let url = self.driver.redirect_url(&Method::GET, path, None)?;
        Ok(url.ok_or("no redirect URL")?.as_str().to_owned())
    }

    fn delete(&mut self, path: &str) -> Result<()> {
        Ok(self.driver.delete(path)?)
    }
}
