//! Our drivers with default settings, but for the number of requests in flight.

use std::{
    io::Read as _,
    net::SocketAddr,
    num::{NonZeroU64, NonZeroUsize},
};

use cos_proto::{Verification, config::Config, op::ReadAheadOptions};

use super::client::{
    BlockingClient, Checked, Client, Failed, PART, ensure, generated, pieces, small, small_content,
};

/// How many ranges of [`PART`] bytes a reader that reads ahead holds at most.
pub(super) const AHEAD_RANGES: usize = 12;

/// The parameters of a driver.
pub(super) fn config(server: SocketAddr, in_flight: usize) -> Result<Config, Failed> {
    Ok(Config::from_parameters([
        ("secretid", "AKIDexample".to_owned()),
        ("secretkey", "example".to_owned()),
        ("region", "ap-guangzhou".to_owned()),
        ("bucket", "bench-1250000000".to_owned()),
        ("endpoint", format!("http://{server}")),
        ("maxconcurrency", in_flight.max(10).to_string()),
    ])?)
}

/// `cos-tokio`.
#[derive(Clone, Debug)]
pub(super) struct CosTokio(pub(super) cos_tokio::Driver);

impl CosTokio {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Result<Self, Failed> {
        Ok(Self(cos_tokio::Driver::from_config(&config(server, in_flight)?)?))
    }

    /// Reads an object, several ranges at once.
    pub(super) async fn download_ahead(&self, size: u64) -> Checked {
        let reader = self.0.reader_ahead(&format!("/{}", generated(size)), 0, ahead()).await?;
        read_chunks(reader, size).await
    }

    /// How many files and directories there are below a path.
    pub(super) async fn walk(&self, path: &str, lists: NonZeroUsize) -> Result<(u64, u64), Failed> {
        let (mut files, mut directories) = (0, 0);
        let options = cos_tokio::WalkOptions::new().parallel(lists);
        let counted = self.0.walk_with(path, &options, |entry| {
            if entry.is_dir {
                directories += 1;
            } else {
                files += 1;
            }
            Ok::<_, cos_tokio::Error>(cos_tokio::WalkControl::Continue)
        });
        counted.await?;
        Ok((files, directories))
    }
}

impl Client for CosTokio {
    async fn get(&self) -> Checked {
        let content = self.0.get_content("/generated/1024").await?;
        ensure(content == small_content(), "small object")
    }

    async fn put(&self, number: usize) -> Checked {
        Ok(self.0.put_content(&format!("/{}", small(number)), small_content()).await?)
    }

    async fn download(&self, size: u64) -> Checked {
        read_chunks(self.0.reader(&format!("/{}", generated(size)), 0).await?, size).await
    }

    async fn upload(&self, key: &str, size: u64) -> Checked {
        let mut writer = self.0.writer(&format!("/{key}"), cos_tokio::Append::No).await?;
        for piece in pieces(size) {
            writer.write(piece).await?;
        }
        let outcome = writer.commit().await?;
        let verified = outcome.verification == Verification::Verified;
        ensure(outcome.size == size && verified, "upload")
    }
}

/// `cos-blocking`.
#[derive(Clone, Debug)]
pub(super) struct CosBlocking(pub(super) cos_blocking::Driver);

impl CosBlocking {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Result<Self, Failed> {
        Ok(Self(cos_blocking::Driver::from_config(&config(server, in_flight)?)?))
    }

    /// Reads an object, several ranges at once.
    pub(super) fn download_ahead(&self, size: u64) -> Checked {
        let path = format!("/{}", generated(size));
        read_all(self.0.reader_ahead(&path, 0, ahead())?, size)
    }

    /// How many files there are below a path.
    pub(super) fn walk(&self, path: &str, lists: NonZeroUsize) -> Result<u64, Failed> {
        let mut files = 0;
        let options = cos_blocking::WalkOptions::new().parallel(lists);
        self.0.walk_with(path, &options, |entry| {
            files += u64::from(!entry.is_dir);
            Ok::<_, cos_blocking::Error>(cos_blocking::WalkControl::Continue)
        })?;
        Ok(files)
    }
}

impl BlockingClient for CosBlocking {
    fn get(&self) -> Checked {
        let content = self.0.get_content("/generated/1024")?;
        ensure(content == small_content(), "small object")
    }

    fn put(&self, number: usize) -> Checked {
        Ok(self.0.put_content(&format!("/{}", small(number)), small_content())?)
    }

    fn download(&self, size: u64) -> Checked {
        read_all(self.0.reader(&format!("/{}", generated(size)), 0)?, size)
    }

    fn upload(&self, key: &str, size: u64) -> Checked {
        let mut writer = self.0.writer(&format!("/{key}"), cos_blocking::Append::No)?;
        for piece in pieces(size) {
            writer.write_bytes(piece)?;
        }
        let outcome = writer.commit()?;
        let verified = outcome.verification == Verification::Verified;
        ensure(outcome.size == size && verified, "upload")
    }
}

/// Ranges as large as a writer's parts, and some more of them than can be under way.
fn ahead() -> ReadAheadOptions {
    let ranges = NonZeroUsize::new(AHEAD_RANGES).unwrap_or(NonZeroUsize::MIN);
    ReadAheadOptions::new(ranges).range_bytes(NonZeroU64::new(PART).unwrap_or(NonZeroU64::MIN))
}

async fn read_chunks(mut reader: cos_tokio::Reader, size: u64) -> Checked {
    let mut read = 0;
    while let Some(bytes) = reader.chunk().await? {
        read += bytes.len() as u64;
    }
    ensure(read == size && reader.is_verified(), "download")
}

fn read_all(mut reader: cos_blocking::Reader, size: u64) -> Checked {
    let (mut read, mut buffer) = (0, vec![0; 256 * 1024]);
    loop {
        match reader.read(&mut buffer)? {
            0 => return ensure(read == size && reader.is_verified(), "download"),
            length => read += length as u64,
        }
    }
}
