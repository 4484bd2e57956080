//! Storage classes.

use std::{borrow::Cow, fmt, str::FromStr};

use crate::Error;

/// A storage class of COS (436/33417). `FromStr` takes the known names only, in any case; what COS
/// answers may be a newer one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StorageClass(Cow<'static, str>);

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl StorageClass {
            $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed(stringify!($name)));)*

            /// The known names.
            const KNOWN: &'static [&'static str] = &[$(stringify!($name)),*];
        }
    };
}

classes! {
    /// The default.
    STANDARD
    /// Infrequent access.
    STANDARD_IA
    /// COS moves the object between tiers.
    INTELLIGENT_TIERING
    /// Archive: an object must be restored before it can be read.
    ARCHIVE
    /// Deep archive: likewise, more slowly.
    DEEP_ARCHIVE
    /// Cold storage, readable at once.
    COLD
    /// Standard, in several availability zones.
    MAZ_STANDARD
    /// Infrequent access, in several availability zones.
    MAZ_STANDARD_IA
    /// Tiering, in several availability zones.
    MAZ_INTELLIGENT_TIERING
}

impl StorageClass {
    /// The name, as in `x-cos-storage-class`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What COS answered, known or not; no text is copied for a known name.
    pub(crate) fn from_wire(text: &str) -> Self {
        match Self::KNOWN.iter().find(|&&known| known == text) {
            Some(known) => Self(Cow::Borrowed(known)),
            None => Self(Cow::Owned(text.to_owned())),
        }
    }
}

impl FromStr for StorageClass {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match Self::KNOWN.iter().find(|known| known.eq_ignore_ascii_case(text)) {
            Some(known) => Ok(Self(Cow::Borrowed(known))),
            None => Err(Error::invalid_parameter(
                "storageclass",
                text,
                &format!("must be one of {}", Self::KNOWN.join(", ")),
            )),
        }
    }
}

impl Default for StorageClass {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for StorageClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StorageClass({})", self.0)
    }
}

impl PartialEq<str> for StorageClass {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for StorageClass {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_read_in_any_case_and_others_refused() {
        for name in StorageClass::KNOWN {
            assert_eq!(name.parse::<StorageClass>().expect(name), *name);
            assert_eq!(name.to_lowercase().parse::<StorageClass>().expect(name).as_str(), *name);
        }
        assert_eq!(StorageClass::KNOWN.len(), 9);
        for name in ["", "GLACIER", "STANDARD ", "STANDARD-IA"] {
            let text = name.parse::<StorageClass>().expect_err(name).to_string();
            assert!(text.contains("storageclass") && text.contains("DEEP_ARCHIVE"), "{text}");
        }
    }

    #[test]
    fn what_cos_answers_is_kept() {
        assert_eq!(StorageClass::from_wire("COLD"), StorageClass::COLD);
        assert_eq!(StorageClass::from_wire("FUTURE").to_string(), "FUTURE");
        assert_eq!(StorageClass::default(), "STANDARD");
    }
}
