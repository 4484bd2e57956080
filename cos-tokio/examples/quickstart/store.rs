//! What the quickstart does with a driver, whichever it is.

use std::{
    error::Error,
    io::{self, Read},
};

use sha2::{Digest as _, Sha256};

use crate::source::{Pieces, hex};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The steps, on paths.
pub(crate) trait Store {
    /// Writes, closes without committing, and drops the writer.
    fn store_half(&mut self, path: &str, pieces: Pieces) -> Result<()>;
    /// Drops the driver with all it knows, and makes another.
    fn replace_driver(&mut self) -> Result<()>;
    /// Continues the upload and commits it; answers how much was there already.
    fn resume(&mut self, path: &str, pieces: Pieces) -> Result<u64>;
    /// Reads everything; the driver has verified its CRC-64.
    fn sha256(&mut self, path: &str) -> Result<String>;
    /// Reads some bytes.
    fn range(&mut self, path: &str, offset: u64, length: usize) -> Result<Vec<u8>>;
    /// The size by Stat.
    fn size(&mut self, path: &str) -> Result<u64>;
    /// The children of a directory.
    fn list(&mut self, path: &str) -> Result<Vec<String>>;
    /// Every path below, directories included.
    fn walk(&mut self, path: &str) -> Result<Vec<String>>;
    /// Moves an object.
    fn rename(&mut self, source: &str, destination: &str) -> Result<()>;
    /// A URL that anybody can GET.
    fn presigned(&mut self, path: &str) -> Result<String>;
    /// Deletes a path and all below it.
    fn delete(&mut self, path: &str) -> Result<()>;
}

/// Fetches a URL as any program could.
pub(crate) fn fetch_sha256(url: &str) -> Result<String> {
    let mut response = ureq::get(url).call()?;
    Ok(sha256(response.body_mut().as_reader())?)
}

pub(crate) fn sha256(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            length => hash.update(&buffer[..length]),
        }
    }
}
