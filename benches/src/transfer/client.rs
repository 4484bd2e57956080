//! What every client that is measured can do, ours, peer and floor alike, and checks.

use std::error::Error;

use bytes::Bytes;

use crate::content;

/// An error of any client, or a wrong result.
pub type Failed = Box<dyn Error + Send + Sync>;
pub(super) type Checked = Result<(), Failed>;

/// The size of a small object.
pub(super) const SMALL: u64 = 1024;
/// The size of a part, which is the drivers' default.
pub(super) const PART: u64 = 16 * 1024 * 1024;
/// Parts in flight at once. The drivers keep one of their ten permits for other calls.
pub(super) const PARTS_IN_FLIGHT: usize = 9;
/// How much is given to a writer at once.
const PIECE: u64 = 1024 * 1024;

/// A client on tokio.
pub(super) trait Client: Clone + Send + Sync + 'static {
    /// Gets a small object.
    fn get(&self) -> impl Future<Output = Checked> + Send;

    /// Puts a small object.
    fn put(&self, number: usize) -> impl Future<Output = Checked> + Send;

    /// Reads an object of this size, piece by piece.
    fn download(&self, size: u64) -> impl Future<Output = Checked> + Send;

    /// Writes an object of this size in parts.
    fn upload(&self, key: &str, size: u64) -> impl Future<Output = Checked> + Send;
}

/// A client on threads.
pub(super) trait BlockingClient: Clone + Send + Sync + 'static {
    /// Gets a small object.
    fn get(&self) -> Checked;

    /// Puts a small object.
    fn put(&self, number: usize) -> Checked;

    /// Reads an object of this size, piece by piece.
    fn download(&self, size: u64) -> Checked;

    /// Writes an object of this size in parts.
    fn upload(&self, key: &str, size: u64) -> Checked;
}

/// The key of an object of this size that is always there.
pub(super) fn generated(size: u64) -> String {
    format!("generated/{size}")
}

/// The key of a small object that is put.
pub(super) fn small(number: usize) -> String {
    format!("small/{number}")
}

/// The content of a small object.
pub(super) fn small_content() -> Bytes {
    content::piece(0, SMALL)
}

/// The content of an object in pieces that are shared, not copied.
pub(super) fn pieces(size: u64) -> impl Iterator<Item = Bytes> + Send {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let piece = content::piece(offset, PIECE.min(size - offset));
        offset += piece.len() as u64;
        (!piece.is_empty()).then_some(piece)
    })
}

/// An error unless the result is right.
pub(super) fn ensure(right: bool, what: &str) -> Checked {
    if right { Ok(()) } else { Err(format!("wrong result: {what}").into()) }
}
