//! A parameter's value as configuration formats hand it over.

use std::{borrow::Cow, fmt};

/// The value of a parameter: a YAML scalar, an environment variable, a flag.
///
/// `Debug` shows the type only: the value may be a secret.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the scalars of configuration formats")]
pub enum Value {
    /// Text; numbers and booleans are accepted in this form too.
    String(String),
    /// A number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

impl Value {
    /// The value as text, as Go's `fmt.Sprint` prints it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::String(text) => Cow::Borrowed(text),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Boolean(truth) => Cow::Owned(truth.to_string()),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::String(_) => "String(hidden)",
            Self::Integer(_) => "Integer(hidden)",
            Self::Boolean(_) => "Boolean(hidden)",
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Beyond `i64::MAX` it becomes text, so that a refusal still shows it.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::String(number.to_string()), Self::Integer)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}
