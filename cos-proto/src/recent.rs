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
/// objects are kept, and as many uploads; of more than that the oldest eighth is forgotten. Cloning
/// shares the memory.
///
/// A write is noted when its call begins, since from then on it may be there, and again when that
/// has ended, since until then it may have taken effect. A deletion makes the driver forget what was
/// noted before it began; another write of the key may come after it, whoever is answered first.
#[derive(Clone, Debug)]
pub struct Recent(Arc<Inner>);

/// A point in the order of all notes; the default is before them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecentMark(u64);

/// How long an entry is kept: 120 seconds, and one more since its time and the time it is compared
/// with are whole seconds, rounded up.
const KEPT_FOR: Duration = Duration::from_secs(121);
/// How many entries of a kind are kept.
const ENTRIES_MAX: usize = 16_384;

#[derive(Debug)]
struct Inner {
    clock: LatestTicks,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objects: Entries<Key>,
    uploads: Entries<(Key, UploadId)>,
    last: RecentMark,
}

/// A write notes its key twice, so noting must be cheap: it only sets an entry. What has expired, or
/// is too much, is removed now and then.
#[derive(Debug)]
struct Entries<N> {
    noted: BTreeMap<N, Noted>,
    /// When the expired ones went.
    cleared_at: Ticks,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    mark: RecentMark,
    at: Ticks,
}

impl Recent {
    /// An empty memory of what operations of this session create.
    pub fn new(session: &Session) -> Self {
        Self::by(session.latest_ticks())
    }

    fn by(clock: LatestTicks) -> Self {
        Self(Arc::new(Inner { clock, state: Mutex::default() }))
    }

    /// Where the notes end so far.
    pub fn mark(&self) -> RecentMark {
        self.lock().last
    }

    /// An object was, or may have been, created or replaced.
    pub fn note_object(&self, key: &Key) {
        let now = self.0.clock.get();
        let mut state = self.lock();
        let noted = state.next(now);
        state.objects.note(key, noted);
    }

    /// A multipart upload was begun.
    pub fn note_upload(&self, key: &Key, id: &UploadId) {
        let now = self.0.clock.get();
        let mut state = self.lock();
        let noted = state.next(now);
        state.uploads.note(&(key.clone(), id.clone()), noted);
    }

    /// An object was deleted by a call that began at this mark.
    pub fn forget_object(&self, key: &Key, begun: RecentMark) {
        let mut state = self.lock();
        if state.objects.noted.get(key).is_some_and(|noted| noted.mark <= begun) {
            state.objects.noted.remove(key);
        }
    }

    /// A multipart upload was completed or aborted.
    pub fn forget_upload(&self, key: &Key, id: &UploadId) {
        self.lock().uploads.noted.remove(&(key.clone(), id.clone()));
    }

    /// The objects at `key` itself and at keys that begin with `prefix`, in key order.
    pub fn objects_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<Key> {
        let mut state = self.lock();
        let all = state.objects.kept(now);
        all.filter(|own| *own == key || own.as_str().starts_with(prefix)).cloned().collect()
    }

    /// The uploads of `key` itself and of keys that begin with `prefix`, in key order.
    pub fn uploads_below(&self, now: Ticks, key: &Key, prefix: &str) -> Vec<(Key, UploadId)> {
        let mut state = self.lock();
        let all = state.uploads.kept(now);
        all.filter(|(own, _)| own == key || own.as_str().starts_with(prefix)).cloned().collect()
    }

    /// How many entries are kept.
    pub fn len(&self) -> usize {
        let state = self.lock();
        state.objects.noted.len().saturating_add(state.uploads.noted.len())
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, and every state is valid on its own.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, at: Ticks) -> Noted {
        self.last = RecentMark(self.last.0.saturating_add(1));
        Noted { mark: self.last, at }
    }
}

impl<N: Ord + Clone> Entries<N> {
    fn note(&mut self, name: &N, noted: Noted) {
        if noted.at.saturating_since(self.cleared_at) >= KEPT_FOR {
            self.clear_expired(noted.at);
        }
        // Every write is noted twice, so the name is there as often as not.
        if let Some(entry) = self.noted.get_mut(name) {
            *entry = noted;
            return;
        }
        if self.noted.len() >= ENTRIES_MAX {
            self.clear_expired(noted.at);
        }
        if self.noted.len() >= ENTRIES_MAX {
            self.drop_oldest();
        }
        self.noted.insert(name.clone(), noted);
    }

    fn kept(&mut self, now: Ticks) -> impl Iterator<Item = &N> {
        self.clear_expired(now);
        self.noted.keys()
    }

    fn clear_expired(&mut self, now: Ticks) {
        self.cleared_at = now;
        self.noted.retain(|_, noted| now.saturating_since(noted.at) < KEPT_FOR);
    }

    /// An eighth at once: it costs a look at all.
    fn drop_oldest(&mut self) {
        let mut marks: Vec<RecentMark> = self.noted.values().map(|noted| noted.mark).collect();
        let (_, last, _) = marks.select_nth_unstable(ENTRIES_MAX / 8);
        let last = *last;
        self.noted.retain(|_, noted| noted.mark >= last);
    }
}

impl<N> Default for Entries<N> {
    fn default() -> Self {
        Self { noted: BTreeMap::new(), cleared_at: Ticks::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Recent {
        /// One whose time the test tells.
        pub(crate) fn at(now: Ticks) -> Self {
            let recent = Self::by(LatestTicks::default());
            recent.0.clock.tell(now);
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
    fn an_entry_expires_after_120_seconds_whoever_looks_when() {
        let recent = Recent::at(at(1000));
        recent.note_object(&key("a/1"));
        recent.0.clock.tell(at(1001));
        recent.note_object(&key("a/2"));
        assert_eq!(objects(&recent, at(1120), "a"), ["a/1", "a/2"]);
        assert_eq!(objects(&recent, at(1121), "a"), ["a/2"]);
        assert_eq!(objects(&recent, at(1122), "a"), Vec::<String>::new());
        assert!(recent.is_empty());
    }

    #[test]
    fn what_has_expired_goes_also_if_nobody_looks() {
        let recent = Recent::empty();
        recent.note_object(&key("a"));
        recent.0.clock.tell(at(121));
        recent.note_object(&key("b"));
        assert_eq!(recent.len(), 1);
    }

    #[test]
    fn an_entry_is_kept_120_seconds_whatever_the_fraction_at_which_it_was_noted() {
        for fraction in (0..1000_u64).step_by(90) {
            let later = |millis: u64| Ticks::new(Duration::from_millis(10_000 + fraction + millis));
            let recent = Recent::at(later(0));
            recent.note_object(&key("a"));
            recent.0.clock.tell(later(119_990));
            recent.note_object(&key("b"));
            assert_eq!(objects(&recent, later(120_000), "a"), ["a"], "{fraction}");
        }
    }

    #[test]
    fn expired_entries_go_before_any_that_are_kept() {
        let recent = Recent::empty();
        let note = |name: &str, count| {
            for number in 0..count {
                recent.note_object(&key(&format!("{name}/{number:06}")));
            }
        };
        note("old", ENTRIES_MAX / 2);
        recent.0.clock.tell(at(60));
        note("a", ENTRIES_MAX / 2 - 1);
        recent.0.clock.tell(at(130));
        note("a/b", 2);
        assert_eq!(objects(&recent, at(130), "a").len(), ENTRIES_MAX / 2 + 1);
    }

    #[test]
    fn objects_do_not_push_out_uploads() {
        let recent = Recent::empty();
        let id = UploadId::new("1").expect("id");
        recent.note_upload(&key("a"), &id);
        for number in 0..=ENTRIES_MAX {
            recent.note_object(&key(&format!("a/{number:06}")));
        }
        assert_eq!(recent.uploads_below(at(0), &key("a"), "a/"), [(key("a"), id)]);
    }

    #[test]
    fn noting_again_begins_anew() {
        let recent = Recent::empty();
        recent.note_object(&key("a"));
        recent.0.clock.tell(at(100));
        recent.note_object(&key("a"));
        assert_eq!(objects(&recent, at(220), "a"), ["a"]);
        assert_eq!(recent.len(), 1);
        assert_eq!(objects(&recent, at(221), "a"), Vec::<String>::new());
    }

    #[test]
    fn is_bounded_and_drops_the_oldest_first() {
        let recent = Recent::empty();
        let noted = |number: usize| recent.note_object(&key(&format!("a/{number:06}")));
        (0..ENTRIES_MAX).for_each(noted);
        assert_eq!(recent.len(), ENTRIES_MAX);
        noted(0);
        noted(ENTRIES_MAX);
        let left = objects(&recent, at(0), "a");
        assert_eq!(left.len(), ENTRIES_MAX - ENTRIES_MAX / 8 + 1);
        assert_eq!(left[..2], ["a/000000", "a/002049"], "the first was noted again");
        (0..3 * ENTRIES_MAX).for_each(noted);
        assert!(recent.len() <= ENTRIES_MAX);
    }
}
