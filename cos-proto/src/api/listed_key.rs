//! Keys of a list: on a page of a thousand they would be a thousand allocations.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::{Deref, Range},
    sync::Arc,
};

use super::{list_objects::ListedObject, page::Encoding};
use crate::xml::Malformed;

/// A key as a list shows it, which a [`Key`](crate::Key) could perhaps not name.
///
/// It shares the memory of all keys of its page and keeps that as long as it lives; `String::from`
/// makes a copy of its own.
#[derive(Clone, Default)]
pub struct ListedKey {
    page: Arc<str>,
    at: Range<usize>,
}

impl ListedKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        // Always text: `at` is where a whole key is.
        self.page.get(self.at.clone()).unwrap_or_default()
    }
}

/// The keys of one page while it is read.
#[derive(Debug)]
pub(super) struct PageKeys(String);

impl PageKeys {
    /// Room for so many bytes of keys.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Takes in a key. It is no text before [`share`](Self::share).
    pub(super) fn add(&mut self, key: &str) -> ListedKey {
        let start = self.0.len();
        self.0.push_str(key);
        ListedKey { page: Arc::default(), at: start..self.0.len() }
    }

    /// Makes the keys of these objects text, as the page says that it is written.
    pub(super) fn share(
        mut self,
        encoding: Encoding,
        objects: &mut [ListedObject],
    ) -> Result<(), Malformed> {
        if encoding.may_hide(&self.0) {
            let mut decoded = Self::with_capacity(self.0.len());
            for ListedObject { key, .. } in &mut *objects {
                let name = self.0.get(key.at.clone()).unwrap_or_default();
                *key = decoded.add(&encoding.decode(name.to_owned())?);
            }
            self = decoded;
        }
        let page: Arc<str> = self.0.into();
        for object in objects {
            object.key.page = Arc::clone(&page);
        }
        Ok(())
    }
}

impl Deref for ListedKey {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<&str> for ListedKey {
    fn from(key: &str) -> Self {
        Self { page: key.into(), at: 0..key.len() }
    }
}

impl From<ListedKey> for String {
    fn from(key: ListedKey) -> Self {
        key.as_str().to_owned()
    }
}

impl fmt::Debug for ListedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl fmt::Display for ListedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), out)
    }
}

impl PartialEq for ListedKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ListedKey {}

impl PartialEq<str> for ListedKey {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for ListedKey {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl PartialOrd for ListedKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ListedKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for ListedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ETag, api::StorageClass};

    #[test]
    fn a_key_is_its_text_wherever_that_is() {
        let mut keys = PageKeys::with_capacity(0);
        let mut objects: Vec<_> =
            ["a", "", "\u{7167}", "a"].map(|key| object(keys.add(key))).into_iter().collect();
        assert_eq!(objects[0].key, "", "before the page is shared");
        keys.share(Encoding::Plain, &mut objects).expect("plain");
        let shown: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(shown, ["a", "", "\u{7167}", "a"]);
        let alone = ListedKey::from("a");
        assert_eq!((&objects[0].key, &objects[3].key), (&alone, &alone));
        assert!(objects[1].key < alone && alone < objects[2].key);
        assert_eq!(
            (format!("{alone} {alone:?}"), String::from(alone)),
            ("a \"a\"".into(), "a".into())
        );
    }

    fn object(key: ListedKey) -> ListedObject {
        ListedObject {
            key,
            size: 0,
            etag: ETag::new("e"),
            last_modified: None,
            storage_class: StorageClass::STANDARD,
        }
    }
}
