//! What a driver has created lately: lists are eventually consistent and may not show it yet.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{Key, Session, Ticks, UploadId, session::LatestTicks};

/// The objects and uploads that a driver created within the last 120 seconds.
///
/// A recursive delete adds them to what the lists show. Operations know no time, but the machine
/// that handles an answer tells its session, from which an entry has its time. At most 16 384
/// entries are kept; the oldest goes first. Cloning shares the memory.
///
/// A write is noted when its call begins, since from then on it may be there, and again when that
/// has ended, since until then it may have taken effect. A deletion makes the driver forget what was
/// noted before it began; another write of the key may come after it, whoever is answered first.
#[derive(Clone, Debug)]
pub struct Recent {
    clock: LatestTicks,
    state: Arc<Mutex<State>>,
}

/// A point in the order of all notes; the default is before them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecentMark(u64);

/// How long an entry is kept.
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
    noted_at: Ticks,
}

impl Recent {
    /// An empty memory of what operations of this session create.
    pub fn new(session: &Session) -> Self {
        Self { clock: session.latest_ticks(), state: Arc::default() }
    }

    /// Where the notes end so far.
    pub fn mark(&self) -> RecentMark {
        RecentMark(self.lock().noted)
    }

    /// An object was, or may have been, created or replaced.
    pub fn note_object(&self, key: &Key) {
        self.note((key.clone(), None));
    }

    /// A multipart upload was begun.
    pub fn note_upload(&self, key: &Key, id: &UploadId) {
        self.note((key.clone(), Some(id.clone())));
    }

    /// An object was deleted by a call that began at this mark.
    pub fn forget_object(&self, key: &Key, begun: RecentMark) {
        let name = (key.clone(), None);
        let mut state = self.lock();
        if state.names.get(&name).is_some_and(|place| *place <= begun.0) {
            state.forget(&name);
        }
    }

    /// A multipart upload was completed or aborted.
    pub fn forget_upload(&self, key: &Key, id: &UploadId) {
        self.lock().forget(&(key.clone(), Some(id.clone())));
    }

    /// The objects at `key` itself and at keys that begin with `prefix`, in key order.
    pub fn objects_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<Key> {
        let mut state = self.lock();
        state.drop_expired(now);
        let names = state.below(key, prefix);
        names.filter(|(_, id)| id.is_none()).map(|(key, _)| key.clone()).collect()
    }

    /// The uploads of `key` itself and of keys that begin with `prefix`, in key order.
    pub fn uploads_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<(Key, UploadId)> {
        let mut state = self.lock();
        state.drop_expired(now);
        let names = state.below(key, prefix);
        names.filter_map(|(key, id)| Some((key.clone(), id.clone()?))).collect()
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        self.lock().order.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn note(&self, name: Name) {
        let now = self.clock.get();
        let mut state = self.lock();
        state.drop_expired(now);
        state.note(name, now);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and every state is valid on its own.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, name: Name, noted_at: Ticks) {
        self.noted = self.noted.saturating_add(1);
        // Every write is noted twice, so the name is there as often as not.
        if let Some(place) = self.names.get_mut(&name) {
            self.order.remove(&std::mem::replace(place, self.noted));
        } else {
            self.names.insert(name.clone(), self.noted);
        }
        self.order.insert(self.noted, Entry { name, noted_at });
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

    fn drop_expired(&mut self, now: Ticks) {
        while let Some(oldest) = self.order.first_entry() {
            if now.saturating_since(oldest.get().noted_at) < KEPT_FOR {
                break;
            }
            let entry = oldest.remove();
            self.names.remove(&entry.name);
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

    impl Recent {
        /// One whose time the test tells.
        pub(crate) fn at(now: Ticks) -> Self {
            let recent = Self { clock: LatestTicks::default(), state: Arc::default() };
            recent.clock.tell(now);
            recent
        }

        pub(crate) fn empty() -> Self {
            Self::at(Ticks::ZERO)
        }
    }

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
        let recent = Recent::empty();
        for text in ["a/c", "a", "ab", "a-b", "a/b/c", "b"] {
            recent.note_object(&key(text));
        }
        assert_eq!(objects(&recent, at(0), "a"), ["a", "a/b/c", "a/c"]);
        recent.forget_object(&key("a/c"), recent.mark());
        assert_eq!(objects(&recent.clone(), at(0), "a"), ["a", "a/b/c"]);
    }

    #[test]
    fn uploads_of_one_key_are_kept_apart_from_each_other_and_from_objects() {
        let recent = Recent::empty();
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
    fn a_deletion_makes_forget_only_what_was_noted_before_it_began() {
        let recent = Recent::empty();
        let before = recent.mark();
        for text in ["a/1", "a/2"] {
            recent.note_object(&key(text));
        }
        let begun = recent.mark();
        recent.note_object(&key("a/2"));
        for text in ["a/1", "a/2", "a/3"] {
            recent.forget_object(&key(text), before);
        }
        assert_eq!(objects(&recent, at(0), "a"), ["a/1", "a/2"]);
        for text in ["a/1", "a/2"] {
            recent.forget_object(&key(text), begun);
        }
        assert_eq!(objects(&recent, at(0), "a"), ["a/2"]);
    }

    #[test]
    fn an_entry_expires_120_seconds_after_it_was_noted_whoever_looks_when() {
        let recent = Recent::at(at(1000));
        recent.note_object(&key("a/1"));
        recent.clock.tell(at(1001));
        recent.note_object(&key("a/2"));
        assert_eq!(objects(&recent, at(1119), "a"), ["a/1", "a/2"]);
        assert_eq!(objects(&recent, at(1120), "a"), ["a/2"]);
        assert_eq!(objects(&recent, at(1121), "a"), Vec::<String>::new());
        assert!(recent.is_empty());
    }

    #[test]
    fn what_has_expired_goes_also_if_nobody_looks() {
        let recent = Recent::empty();
        recent.note_object(&key("a"));
        recent.clock.tell(at(120));
        recent.note_object(&key("b"));
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn noting_again_begins_anew() {
        let recent = Recent::empty();
        recent.note_object(&key("a"));
        recent.clock.tell(at(100));
        recent.note_object(&key("a"));
        assert_eq!(objects(&recent, at(219), "a"), ["a"]);
        assert_eq!(recent.len(), 1);
        assert_eq!(objects(&recent, at(220), "a"), Vec::<String>::new());
    }

    #[test]
    fn is_bounded_and_drops_the_oldest_first() {
        let recent = Recent::empty();
        for number in 0..ENTRIES_MAX + 10 {
            recent.note_object(&key(&format!("a/{number:06}")));
        }
        let left = objects(&recent, at(0), "a");
        assert_eq!(left.len(), ENTRIES_MAX);
        assert_eq!(left[0], "a/000010");
    }
}
