//! The known parameters, and what a misspelled one was meant to be.

use crate::{Error, ErrorKind};

/// How a parameter's value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Text that no message shows.
    Secret,
    Integer,
    Boolean,
    Duration,
}

/// A known parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $constant:ident = $name:literal: $kind:ident;)*) => {
        $($(#[$doc])* pub(super) const $constant: &Parameter =
            &Parameter { name: $name, kind: Kind::$kind };)*

        /// All of them, in the order of the documentation.
        pub(super) const ALL: &[&Parameter] = &[$($constant),*];
    };
}

parameters! {
    SECRET_ID = "secretid": Secret;
    SECRET_KEY = "secretkey": Secret;
    SESSION_TOKEN = "sessiontoken": Secret;
    CREDENTIALS = "credentials": Text;
    REGION = "region": Text;
    BUCKET = "bucket": Text;
    ROOT_DIRECTORY = "rootdirectory": Text;
    CHUNK_SIZE = "chunksize": Integer;
    MAX_CONCURRENCY = "maxconcurrency": Integer;
    SECURE = "secure": Boolean;
    ENDPOINT = "endpoint": Text;
    REDIRECT_ENDPOINT = "redirectendpoint": Text;
    STORAGE_CLASS = "storageclass": Text;
    ENCRYPT = "encrypt": Boolean;
    KEY_ID = "keyid": Text;
    COPY_THRESHOLD = "multipartcopythresholdsize": Integer;
    COPY_CHUNK_SIZE = "multipartcopychunksize": Integer;
    COPY_CONCURRENCY = "multipartcopymaxconcurrency": Integer;
    USER_AGENT = "useragent": Text;
    ROOT_CA = "rootca": Text;
    CONNECT_TIMEOUT = "connecttimeout": Duration;
    IDLE_TIMEOUT = "idletimeout": Duration;
    CALL_DEADLINE = "calldeadline": Duration;
}

/// What other drivers, and earlier drivers for COS, call the same thing.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("accesskey", "secretid"),
    ("accelerate", "endpoint"),
    ("appid", "bucket"),
    ("regionendpoint", "endpoint"),
    ("root", "rootdirectory"),
    ("rootdir", "rootdirectory"),
    ("serviceurl", "endpoint"),
    ("token", "sessiontoken"),
    ("secrettoken", "sessiontoken"),
];

/// The parameter of this name.
pub(super) fn find(name: &str) -> Option<&'static Parameter> {
    ALL.iter().find(|parameter| parameter.name == name).copied()
}

/// Refuses names that are no parameters: a misspelled `rootdirectory` that is silently ignored puts
/// a registry's data into the bucket's root. The values are not shown; one may be a secret.
pub(super) fn unknown(names: &[String]) -> Error {
    let shown = names.iter().map(|name| {
        let start: String = name.chars().take(80).collect();
        meant(name).map_or_else(
            || format!("{start:?}"),
            |known| format!("{start:?} (did you mean {known}?)"),
        )
    });
    let mut text = shown.collect::<Vec<_>>().join("; ");
    if names.iter().any(|name| meant(name).is_none()) {
        let known: Vec<&str> = ALL.iter().map(|parameter| parameter.name).collect();
        text = format!("{text}; the parameters are {}", known.join(", "));
    }
    Error::new(ErrorKind::InvalidParameter, format!("unknown parameter {text}"))
}

/// The parameter that a misspelled name is nearest to.
fn meant(name: &str) -> Option<&'static str> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if let Some((_, known)) = OTHER_NAMES.iter().find(|(other, _)| *other == plain) {
        return Some(known);
    }
    ALL.iter()
        .map(|parameter| (distance(&plain, parameter.name), parameter.name))
        .filter(|&(edits, known)| edits <= 2 && edits.saturating_mul(3) <= known.len())
        .min()
        .map(|(_, known)| known)
}

/// The Levenshtein distance in characters; names are short.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (line, in_a) in a.chars().take(80).enumerate() {
        let mut diagonal = line;
        let mut left = line.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, in_b) in row.iter_mut().skip(1).zip(b.chars()) {
            let replaced = diagonal.saturating_add(usize::from(in_a != in_b));
            diagonal = *cell;
            left = replaced.min(left.saturating_add(1)).min(diagonal.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_name_the_right_spelling() {
        for (name, known) in [
            ("rootdir", "rootdirectory"),
            ("RootDirectory", "rootdirectory"),
            ("root_directory", "rootdirectory"),
            ("secretID", "secretid"),
            ("secret-key", "secretkey"),
            ("chunk_size", "chunksize"),
            ("maxconcurency", "maxconcurrency"),
            ("regionendpoint", "endpoint"),
            ("regoin", "region"),
            ("buckets", "bucket"),
            ("calldeadlin", "calldeadline"),
        ] {
            assert_eq!(meant(name), Some(known), "{name}");
        }
        for name in ["", "v4auth", "x", "skipverify"] {
            assert_eq!(meant(name), None, "{name}");
        }
    }

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, edits) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("abc", "abc", 0)]
        {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
