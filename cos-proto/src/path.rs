//! Keys of objects, paths of the storage driver, and the root directory between them.

use std::{fmt, str::FromStr};

use crate::{Error, ErrorKind};

/// The longest key in bytes (COS product page 436/13324, Object Overview).
pub const KEY_BYTES_MAX: usize = 850;

/// The key of an object: 1 to 850 bytes of UTF-8.
///
/// Refused, because the wire is ambiguous about them (436/13324): a leading `/` or `\`, which the
/// vendor's SDKs strip or keep as they like; the control characters 0x18 to 0x1B; and a key that a
/// proxy could normalise away to the bucket itself (`.`, `a/..`), which would turn a DELETE of the
/// object into one of the bucket.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

impl Key {
    /// Checks a key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] with the rule that the key breaks.
    pub fn new(key: impl Into<String>) -> Result<Self, Error> {
        let key = key.into();
        match broken_rule(&key) {
            None => Ok(Self(key)),
            Some(rule) => Err(Error::new(ErrorKind::InvalidPath, rule).at(key)),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key with `suffix` appended, if that is still a key.
    pub(crate) fn with_suffix(&self, suffix: &str) -> Result<Self, Error> {
        Self::new(format!("{}{suffix}", self.0))
    }
}

fn broken_rule(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        Some("a key has at least one byte")
    } else if key.len() > KEY_BYTES_MAX {
        Some("a key has at most 850 bytes")
    } else if key.starts_with(['/', '\\']) {
        Some("a key does not begin with a slash")
    } else if key.bytes().any(|byte| (0x18..=0x1B).contains(&byte)) {
        Some("COS forbids the control characters 0x18 to 0x1B in keys")
    } else if normalises_to_root(key) {
        Some("a proxy could shorten the key to the bucket itself")
    } else {
        None
    }
}

/// Whether removing dot segments, as HTTP middle boxes do, leaves nothing.
fn normalises_to_root(key: &str) -> bool {
    let mut depth = 0_usize;
    for segment in key.split('/') {
        match segment {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth = depth.saturating_add(1),
        }
    }
    depth == 0
}

impl FromStr for Key {
    type Err = Error;

    fn from_str(key: &str) -> Result<Self, Error> {
        Self::new(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({:?})", self.0)
    }
}

/// A path of the storage driver: `^(/[A-Za-z0-9._-]+)+$`, or `/` where the root is allowed
/// (registry/storage/driver/storagedriver.go, `PathRegexp`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverPath(String);

impl DriverPath {
    /// Checks a path that names something: anything but `/`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] with the caller's path.
    pub fn new(path: &str) -> Result<Self, Error> {
        if is_driver_path(path) {
            Ok(Self(path.to_owned()))
        } else {
            Err(Error::new(ErrorKind::InvalidPath, PATH_RULE).at(path))
        }
    }

    /// Checks a path for Stat, List and Walk, which allow the root `/`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] with the caller's path.
    pub fn or_root(path: &str) -> Result<Self, Error> {
        if path == "/" { Ok(Self(path.to_owned())) } else { Self::new(path) }
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0 == "/"
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` is `parent` or below it. The root is above everything.
    pub fn is_within(&self, parent: &Self) -> bool {
        parent.is_root()
            || self
                .0
                .strip_prefix(&parent.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

const PATH_RULE: &str = "a path is one or more of / followed by letters, digits, '.', '_' or '-'";

/// Whether `text` matches `^(/[A-Za-z0-9._-]+)+$`.
pub(crate) fn is_driver_path(text: &str) -> bool {
    text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_component))
}

/// Whether `text` may stand between two slashes of a driver path.
pub(crate) fn is_component(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl fmt::Display for DriverPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for DriverPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DriverPath({:?})", self.0)
    }
}

/// The root directory: what stands before every path of a driver in its keys.
///
/// Any spelling of slashes means the same: `registry`, `/registry`, `/registry/`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RootDirectory(String);

impl RootDirectory {
    /// Reads the parameter `rootdirectory`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if a key could not begin so.
    pub fn new(text: &str) -> Result<Self, Error> {
        let mut prefix = String::new();
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            prefix.push_str(segment);
            prefix.push('/');
        }
        let refuse = |rule| Err(Error::invalid_parameter("rootdirectory", text, rule));
        // A path of one character below it must still be a key.
        match broken_rule(&format!("{prefix}a")) {
            Some(rule) => refuse(rule),
            None if prefix.split('/').any(|segment| matches!(segment, "." | "..")) => {
                refuse("no component may be . or ..")
            }
            None => Ok(Self(prefix)),
        }
    }

    /// The prefix of all keys: empty, or ending in `/`.
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// The key of a path.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidPath`] if it would be longer than a key may be, or is not a key.
    pub fn key(&self, path: &DriverPath) -> Result<Key, Error> {
        Key::new([&*self.0, path.0.trim_start_matches('/')].concat())
            .map_err(|error| Error::new(ErrorKind::InvalidPath, error.to_string()).at(&*path.0))
    }

    /// The prefix of all keys below a path: ends in `/` unless it is empty.
    pub fn prefix_of(&self, directory: &DriverPath) -> String {
        if directory.is_root() {
            self.0.clone()
        } else {
            format!("{}{}/", self.0, directory.0.trim_start_matches('/'))
        }
    }

    /// The path of a key, without judging it: `None` if the key is not below the root directory.
    pub fn path_of(&self, key: &str) -> Option<String> {
        key.strip_prefix(&*self.0).map(|rest| format!("/{rest}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_the_rules_of_cos() {
        for key in ["a", "a/b", "~", "照片/1.jpg", "a b+c", "a/", "a/../b", "..a", &"k".repeat(850)]
        {
            assert!(Key::new(key).is_ok(), "{key:?}");
        }
        for key in [
            "",
            "/a",
            "\\a",
            "a\x18",
            "a\x1b",
            ".",
            "..",
            "a/..",
            "./",
            "a/.././",
            &"k".repeat(851),
        ] {
            let error = Key::new(key).expect_err(key);
            assert_eq!((error.kind(), error.path()), (&ErrorKind::InvalidPath, Some(key)));
        }
    }

    #[test]
    fn paths_follow_the_registry_grammar() {
        for path in [
            "/a",
            "/2",
            "/aa",
            "/a.a",
            "/0-9/abcdefg",
            "/abc/1.2.3.4.5-6_zyx/123.z/4",
            "/.abc",
            "/a--b",
            "/_.abc",
            "/Docker/docker-registry",
            "/a/../b",
        ] {
            assert!(DriverPath::new(path).is_ok(), "{path:?}");
        }
        for path in [
            "",
            "/",
            "abc",
            "123.abc",
            "//bcd",
            "/a//b",
            "/abc_123/",
            "/a b",
            "/a+",
            "/é",
            "/a~upload",
        ] {
            assert_eq!(DriverPath::new(path).expect_err(path).path(), Some(path));
        }
        assert!(DriverPath::or_root("/").expect("root").is_root());
        assert!(DriverPath::or_root("").is_err());
    }

    #[test]
    fn within_respects_the_slash_boundary() {
        // From the registry's s3_test.go, IsSubpath.
        for (path, parent, within) in [
            ("/a", "/", true),
            ("/a", "/a", true),
            ("/a/b", "/a", true),
            ("/tags/1.20", "/tags/1.2", false),
            ("/ab", "/a", false),
            ("/a", "/a/b", false),
        ] {
            let path = DriverPath::or_root(path).expect(path);
            let parent = DriverPath::or_root(parent).expect("parent");
            assert_eq!(path.is_within(&parent), within, "{path} {parent}");
        }
    }

    #[test]
    fn root_directory_is_added_and_removed_exactly_once() {
        let path = DriverPath::new("/docker/x").expect("path");
        for (root, key) in [
            ("", "docker/x"),
            ("/", "docker/x"),
            ("registry", "registry/docker/x"),
            ("/registry", "registry/docker/x"),
            ("/registry/", "registry/docker/x"),
            ("//a//b/", "a/b/docker/x"),
        ] {
            let root = RootDirectory::new(root).expect(root);
            assert_eq!(root.key(&path).expect("key").as_str(), key);
            assert_eq!(root.path_of(key).as_deref(), Some("/docker/x"));
            assert_eq!(root.prefix_of(&path), format!("{key}/"));
            assert_eq!(root.prefix_of(&DriverPath::or_root("/").expect("root")), root.prefix());
        }
        let root = RootDirectory::new("a").expect("root");
        assert_eq!(root.path_of("a/a/b").as_deref(), Some("/a/b"));
        assert_eq!(root.path_of("ab/c"), None);
        for bad in ["..", "a/./b", &"r".repeat(850)] {
            let error = RootDirectory::new(bad).expect_err(bad);
            assert!(error.to_string().contains("rootdirectory"), "{error}");
        }
    }

    #[test]
    fn a_path_too_long_for_a_key_is_refused_with_the_callers_path() {
        let root = RootDirectory::new(&"r".repeat(800)).expect("root");
        let path = format!("/{}", "p".repeat(60));
        let error = root.key(&DriverPath::new(&path).expect("grammar")).expect_err("too long");
        assert_eq!((error.kind(), error.path()), (&ErrorKind::InvalidPath, Some(&*path)));
    }
}
