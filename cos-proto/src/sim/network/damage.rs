//! What was damaged on its way and stored so, until it is written anew.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::Ticks;

/// A content that no client wrote, and when a key had it.
#[derive(Clone, Debug)]
pub struct Damaged {
    /// The bytes.
    pub content: Bytes,
    /// From when on.
    pub from: Ticks,
    /// Until when; `None` if it still has it.
    pub until: Option<Ticks>,
}

/// All damaged contents by key. They spread by copies.
#[derive(Debug, Default)]
pub(super) struct Damage {
    by_key: BTreeMap<String, Vec<Damaged>>,
    /// By upload: the damaged contents that were copied into it.
    by_upload: BTreeMap<String, Bytes>,
}

impl Damage {
    pub(super) fn by_key(&self) -> &BTreeMap<String, Vec<Damaged>> {
        &self.by_key
    }

    /// The damaged content that a key has now.
    pub(super) fn current(&self, key: &str) -> Option<Bytes> {
        let last = self.by_key.get(key)?.last()?;
        last.until.is_none().then(|| last.content.clone())
    }

    /// The key has another content now: this one, if it is damaged.
    pub(super) fn written(&mut self, now: Ticks, key: &str, damaged: Option<Bytes>) {
        if damaged.is_none() && self.by_key.is_empty() {
            return;
        }
        if let Some(last) = self.by_key.get_mut(key).and_then(|all| all.last_mut()) {
            last.until.get_or_insert(now);
        }
        if let Some(content) = damaged {
            let new = Damaged { content, from: now, until: None };
            self.by_key.entry(key.to_owned()).or_default().push(new);
        }
    }

    pub(super) fn copied_into(&mut self, upload: &str, source: &str) {
        if let Some(content) = self.current(source) {
            self.by_upload.insert(upload.to_owned(), content);
        }
    }

    pub(super) fn of_upload(&self, upload: &str) -> Option<Bytes> {
        self.by_upload.get(upload).cloned()
    }
}
