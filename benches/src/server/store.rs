//! What the bucket holds.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::request::Received;
use crate::content;

/// When everything was written.
pub(super) const MODIFIED_HTTP: &str = "Thu, 10 Dec 2020 03:37:30 GMT";
pub(super) const MODIFIED_ISO: &str = "2020-12-10T03:37:30.000Z";

#[derive(Debug, Default)]
pub(super) struct Store {
    held: Mutex<Held>,
    /// How many were accepted.
    pub(super) connections: AtomicU64,
    /// How many were answered.
    pub(super) requests: AtomicU64,
    upload_ids: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) objects: BTreeMap<String, Object>,
    /// By key and id.
    pub(super) uploads: BTreeMap<(String, String), Upload>,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) size: u64,
    pub(super) crc: u64,
    /// More than one if it was made of parts.
    pub(super) parts: usize,
    /// Without it the content is generated.
    pub(super) bytes: Option<Bytes>,
}

/// Parts by number.
pub(super) type Upload = BTreeMap<u32, Object>;

impl Store {
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn next_upload_id(&self) -> String {
        format!("1763609850{:054x}", self.upload_ids.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn find(&self, key: &str) -> Option<Object> {
        let generated = key.strip_prefix("generated/").and_then(|size| size.parse().ok());
        match generated {
            Some(size) => Some(Object { size, crc: content::crc(size), parts: 0, bytes: None }),
            None => self.held().objects.get(key).cloned(),
        }
    }

    /// Puts `count` objects of one byte below `prefix`.
    pub(super) fn seed(&self, prefix: &str, count: u64) {
        let one = Object::from(Received {
            size: 1,
            crc: content::crc(1),
            bytes: Some(content::piece(0, 1)),
        });
        let keys = (0..count).map(|number| format!("{prefix}{number:09}"));
        self.held().objects.extend(keys.map(|key| (key, one.clone())));
    }
}

impl Object {
    /// Without quotes. Not an MD5, but as one it differs where the content does.
    pub(super) fn etag(&self) -> String {
        let tag = format!("{:016x}{:016x}", self.crc, self.size);
        if self.parts == 0 { tag } else { format!("{tag}-{}", self.parts) }
    }
}

impl From<Received> for Object {
    fn from(received: Received) -> Self {
        Self { size: received.size, crc: received.crc, parts: 0, bytes: received.bytes }
    }
}
