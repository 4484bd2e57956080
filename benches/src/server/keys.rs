//! Keys in the order of their bytes: those that were put, and those that are made up.

use std::{borrow::Cow, collections::BTreeMap, ops::Bound};

use super::store::Object;

/// One key with what a list says of it.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) size: u64,
    pub(super) etag: String,
}

/// Something whose keys can be listed.
pub(super) trait Keys {
    /// The keys from a bound on.
    fn from<'a>(&'a self, start: Bound<&str>) -> Box<dyn Iterator<Item = Listed<'a>> + 'a>;
}

impl Keys for BTreeMap<String, Object> {
    fn from<'a>(&'a self, start: Bound<&str>) -> Box<dyn Iterator<Item = Listed<'a>> + 'a> {
        let objects = self.range::<str, _>((start, Bound::Unbounded));
        Box::new(objects.map(|(key, object)| Listed {
            key: key.into(),
            size: object.size,
            etag: object.etag(),
        }))
    }
}

/// Keys that are nowhere: the `n` of `flat-<n>/` or `tree-<n>/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct MadeUp {
    shape: Shape,
    count: u64,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// All in one directory.
    Flat,
    /// As a registry stores it: half of them blobs, half of them links of repositories.
    Tree,
}

/// Links of one repository of a tree.
const LINKS: u64 = 100;

impl MadeUp {
    /// Those that this prefix asks for.
    pub(super) fn of_prefix(prefix: &str) -> Option<Self> {
        let (first, _) = prefix.split_once('/')?;
        let (shape, count) = first.split_once('-')?;
        let shape = match shape {
            "flat" => Shape::Flat,
            "tree" => Shape::Tree,
            _ => return None,
        };
        Some(Self { shape, count: count.parse().ok()? })
    }

    /// The key of this number; it ascends with the number.
    fn key(self, number: u64) -> String {
        let count = self.count;
        let blobs = count / 2;
        match self.shape {
            Shape::Flat => format!("flat-{count}/layer-{number:09}"),
            Shape::Tree if number < blobs => {
                let hex = digest(number * 256 / blobs, number);
                format!("tree-{count}/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2])
            }
            Shape::Tree => {
                let (repository, link) = ((number - blobs) / LINKS, (number - blobs) % LINKS);
                let link = link_of(link);
                format!(
                    "tree-{count}/docker/registry/v2/repositories/library/app-{repository:06}/{link}"
                )
            }
        }
    }

    /// The number of the first key at or after the bound.
    fn seek(self, start: Bound<&str>) -> u64 {
        let is_before = |number| {
            let key = self.key(number);
            match start {
                Bound::Included(start) => *key < *start,
                Bound::Excluded(start) => *key <= *start,
                Bound::Unbounded => false,
            }
        };
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = u64::midpoint(low, high);
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }
}

impl Keys for MadeUp {
    fn from<'a>(&'a self, start: Bound<&str>) -> Box<dyn Iterator<Item = Listed<'a>> + 'a> {
        let listed = |number| Listed {
            key: self.key(number).into(),
            size: number,
            etag: format!("{number:032x}"),
        };
        Box::new((self.seek(start)..self.count).map(listed))
    }
}

/// Where one link stands in its repository.
fn link_of(number: u64) -> String {
    let hex = digest(number, number);
    match number {
        0..60 => format!("_layers/sha256/{hex}/link"),
        60..80 => format!("_manifests/revisions/sha256/{hex}/link"),
        _ if number.is_multiple_of(2) => {
            format!("_manifests/tags/v{:03}/current/link", number / 2)
        }
        _ => format!("_manifests/tags/v{:03}/index/sha256/{hex}/link", number / 2),
    }
}

/// A digest that ascends with both numbers.
fn digest(first: u64, number: u64) -> String {
    format!("{first:02x}{number:010x}{:052x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}
