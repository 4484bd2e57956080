//! The steps with `cos-tokio`.

use std::{error::Error, pin::pin};

use cos_tokio::{Append, ClientBuilder, Config, Driver, Reader};
use http::Method;
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncReadExt as _, runtime::Runtime};

use crate::{
    source::{Pieces, hex},
    store::Store,
    table::Requests,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) struct Tokio {
    runtime: Runtime,
    config: Config,
    requests: Requests,
    driver: Driver,
}

impl Tokio {
    pub(crate) fn new(config: &Config, requests: Requests) -> Result<Self> {
        let driver = driver(config, &requests)?;
        Ok(Self { runtime: Runtime::new()?, config: config.clone(), requests, driver })
    }
}

fn driver(config: &Config, requests: &Requests) -> Result<Driver> {
    let builder = ClientBuilder::from_config(config).observer(requests.clone());
    Ok(Driver::from_builder(config, builder)?)
}

impl Store for Tokio {
    fn store_half(&mut self, path: &str, pieces: Pieces) -> Result<()> {
        self.runtime.block_on(async {
            let mut writer = self.driver.writer(path, Append::No).await?;
            for piece in pieces {
                writer.write(piece?).await?;
            }
            Ok(writer.close().await?)
        })
    }

    fn replace_driver(&mut self) -> Result<()> {
        self.driver = driver(&self.config, &self.requests)?;
        Ok(())
    }

    fn resume(&mut self, path: &str, pieces: Pieces) -> Result<u64> {
        self.runtime.block_on(async {
            let mut writer = self.driver.writer(path, Append::Yes).await?;
            let resumed = writer.size();
            for piece in pieces {
                writer.write(piece?).await?;
            }
            writer.commit().await?;
            Ok(resumed)
        })
    }

    fn sha256(&mut self, path: &str) -> Result<String> {
        self.runtime.block_on(async {
            let mut reader = self.driver.reader(path, 0).await?;
            let mut hash = Sha256::new();
            while let Some(chunk) = reader.chunk().await? {
                hash.update(&chunk);
            }
            if !reader.is_verified() {
                return Err("COS gave no CRC-64 for the object".into());
            }
            Ok(hex(&hash.finalize()))
        })
    }

    fn range(&mut self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>> {
        self.runtime.block_on(async {
            let mut bytes = vec![0; length];
            let reader: Reader = self.driver.reader(path, i64::try_from(offset)?).await?;
            pin!(reader).read_exact(&mut bytes).await?;
            Ok(bytes)
        })
    }

    fn size(&mut self, path: &str) -> Result<u64> {
        Ok(self.runtime.block_on(self.driver.stat(path))?.size)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>> {
        Ok(self.runtime.block_on(self.driver.list(path))?)
    }

    fn walk(&mut self, path: &str) -> Result<Vec<String>> {
        let mut walk = self.driver.walk(path, &cos_tokio::WalkOptions::default())?;
        self.runtime.block_on(async {
            let mut paths = Vec::new();
            while let Some(entry) = walk.next_entry().await {
                paths.push(entry?.path);
            }
            Ok(paths)
        })
    }

    fn rename(&mut self, source: &str, destination: &str) -> Result<()> {
        Ok(self.runtime.block_on(self.driver.rename(source, destination))?)
    }

    fn presigned(&mut self, path: &str) -> Result<String> {
        let url = self.runtime.block_on(self.driver.redirect_url(&Method::GET, path, None))?;
        Ok(url.ok_or("no redirect URL")?.as_str().to_owned())
    }

    fn delete(&mut self, path: &str) -> Result<()> {
        Ok(self.runtime.block_on(self.driver.delete(path))?)
    }
}
