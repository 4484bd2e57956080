//! Text that is mostly short: on a list it saves one allocation for every object.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

/// An MD5 in hexadecimal digits, a hyphen and the number of parts fit.
const SHORT_BYTES_MAX: usize = 40;

#[derive(Clone)]
pub(crate) enum ShortText {
    Short { bytes: [u8; SHORT_BYTES_MAX], length: u8 },
    Long(Box<str>),
}

impl ShortText {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            // Always text: it was made from one, whole.
            Self::Short { bytes, length } => bytes
                .get(..usize::from(*length))
                .and_then(|bytes| str::from_utf8(bytes).ok())
                .unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(short), Ok(length)) => {
                short.copy_from_slice(text.as_bytes());
                Self::Short { bytes, length }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl PartialEq for ShortText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ShortText {}

impl PartialOrd for ShortText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ShortText {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for ShortText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_length_is_kept_and_ordered_as_text() {
        let texts = ["", "a", "a\0", "b", "照片"].map(str::to_owned);
        let longer = (38..44).map(|length| "x".repeat(length));
        let texts: Vec<String> = texts.into_iter().chain(longer).chain(["é".repeat(20)]).collect();
        for one in &texts {
            let short = ShortText::from(&**one);
            assert_eq!(short.as_str(), one);
            assert_eq!(matches!(short, ShortText::Short { .. }), one.len() <= SHORT_BYTES_MAX);
            for two in &texts {
                assert_eq!(short.cmp(&two.as_str().into()), one.cmp(two));
                assert_eq!(short == two.as_str().into(), one == two);
            }
        }
    }
}
