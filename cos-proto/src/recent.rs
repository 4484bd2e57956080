//! What a driver has created lately: lists are eventually consistent and may not show it yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Key, Ticks, UploadId};

/// The objects and uploads that a driver created within the last 120 seconds.
///
/// A recursive delete adds them to what the lists show. Operations know no time, so an entry is
/// stamped at the first look after it was noted, and counts from there. At most 16 384 entries are
/// kept; the oldest goes first. Cloning shares the memory.
#[derive(Clone, Debug, Default)]
pub struct Recent(Arc<Mutex<State>>);

/// How long an entry is kept after the first look at it.
const KEPT_FOR: Duration = Duration::from_secs(120);
/// How many entries are kept.
const ENTRIES_MAX: usize = 16_384;

#[derive(Debug, Default)]
struct State {
    /// By name, in key order; the value is the entry's place in `order`.
    names: BTreeMap<Name, u64>,
    /// Oldest first.
    order: BTreeMap<u64, Entry>,
    noted: u64,
}

/// An object, or an upload of that key.
type Name = (Key, Option<UploadId>);

#[derive(Debug)]
struct Entry {
    name: Name,
    /// The first look since it was noted.
    seen: Option<Ticks>,
}

impl Recent {
    /// An empty memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// An object was, or may have been, created or replaced.
    pub fn note_object(&self, key: &Key) {
        self.lock().note((key.clone(), None));
    }

    /// A multipart upload was begun.
    pub fn note_upload(&self, key: &Key, id: &UploadId) {
        self.lock().note((key.clone(), Some(id.clone())));
    }

    /// An object was deleted.
    pub fn forget_object(&self, key: &Key) {
        self.lock().forget(&(key.clone(), None));
    }

    /// A multipart upload was completed or aborted.
    pub fn forget_upload(&self, key: &Key, id: &UploadId) {
        self.lock().forget(&(key.clone(), Some(id.clone())));
    }

    /// The objects at `key` itself and at keys that begin with `prefix`, in key order.
    pub fn objects_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<Key> {
        let mut state = self.lock();
        state.look(now);
        let names = state.below(key, prefix);
        names.filter(|(_, id)| id.is_none()).map(|(key, _)| key.clone()).collect()
    }

    /// The uploads of `key` itself and of keys that begin with `prefix`, in key order.
    pub fn uploads_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<(Key, UploadId)> {
        let mut state = self.lock();
        state.look(now);
        let names = state.below(key, prefix);
        names.filter_map(|(key, id)| Some((key.clone(), id.clone()?))).collect()
    }

    /// Stamps what was noted since the last look, and drops what has expired.
    pub fn look(&self, now: Ticks) {
        self.lock().look(now);
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.lock().order.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and every state is valid on its own.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, name: Name) {
        self.forget(&name);
        self.noted = self.noted.saturating_add(1);
        self.names.insert(name.clone(), self.noted);
        self.order.insert(self.noted, Entry { name, seen: None });
        if self.order.len() > ENTRIES_MAX
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.names.remove(&oldest.name);
        }
    }

    fn forget(&mut self, name: &Name) {
        if let Some(place) = self.names.remove(name) {
            self.order.remove(&place);
        }
    }

    fn look(&mut self, now: Ticks) {
        // Unstamped entries are younger than all others, so both ends are found without a search.
        for entry in self.order.values_mut().rev().take_while(|entry| entry.seen.is_none()) {
            entry.seen = Some(now);
        }
        while let Some(oldest) = self.order.first_entry() {
            match oldest.get().seen {
                Some(seen) if now.saturating_since(seen) >= KEPT_FOR => {
                    let entry = oldest.remove();
                    self.names.remove(&entry.name);
                }
                _ => break,
            }
        }
    }

    fn below<'a>(&'a self, key: &'a Key, prefix: &'a str) -> impl Iterator<Item = &'a Name> {
        let matches = move |name: &&Name| &name.0 == key || name.0.as_str().starts_with(prefix);
        self.names.keys().filter(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::new(text).expect("key")
    }

    fn at(seconds: u64) -> Ticks {
        Ticks::new(Duration::from_secs(seconds))
    }

    fn objects(recent: &Recent, now: Ticks, path: &str) -> Vec<String> {
        let found = recent.objects_below(now, &key(path), &format!("{path}/"));
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn finds_the_key_and_what_is_below_it_but_no_sibling() {
        let recent = Recent::new();
        for text in ["a/c", "a", "ab", "a-b", "a/b/c", "b"] {
            recent.note_object(&key(text));
        }
        assert_eq!(objects(&recent, at(0), "a"), ["a", "a/b/c", "a/c"]);
        recent.forget_object(&key("a/c"));
        assert_eq!(objects(&recent.clone(), at(0), "a"), ["a", "a/b/c"]);
    }

    #[test]
    fn uploads_of_one_key_are_kept_apart_from_each_other_and_from_objects() {
        let recent = Recent::new();
        let ids = ["1", "2"].map(|id| UploadId::new(id).expect("id"));
        for id in &ids {
            recent.note_upload(&key("a/b"), id);
        }
        recent.note_object(&key("a/b"));
        recent.forget_upload(&key("a/b"), &ids[0]);
        let left = recent.uploads_below(at(0), &key("a"), "a/");
        assert_eq!(left, [(key("a/b"), ids[1].clone())]);
        assert_eq!(objects(&recent, at(0), "a"), ["a/b"]);
    }

    #[test]
    fn an_entry_expires_120_seconds_after_the_first_look_at_it() {
        let recent = Recent::new();
        recent.note_object(&key("a/1"));
        assert_eq!(objects(&recent, at(1000), "a"), ["a/1"]);
        recent.note_object(&key("a/2"));
        assert_eq!(objects(&recent, at(1119), "a"), ["a/1", "a/2"]);
        assert_eq!(objects(&recent, at(1120), "a"), ["a/2"]);
        assert_eq!(objects(&recent, at(1239), "a"), Vec::<String>::new());
        assert!(recent.is_empty());
    }

    #[test]
    fn noting_again_begins_anew() {
        let recent = Recent::new();
        recent.note_object(&key("a"));
        recent.look(at(0));
        recent.note_object(&key("a"));
        recent.look(at(100));
        assert_eq!(objects(&recent, at(130), "a"), ["a"]);
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn is_bounded_and_drops_the_oldest_first() {
        let recent = Recent::new();
        for number in 0..ENTRIES_MAX + 10 {
            recent.note_object(&key(&format!("a/{number:06}")));
        }
        let left = objects(&recent, at(0), "a");
        assert_eq!(left.len(), ENTRIES_MAX);
        assert_eq!(left[0], "a/000010");
    }
}
