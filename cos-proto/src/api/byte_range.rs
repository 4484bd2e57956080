//! Ranges of bytes.

use std::num::NonZeroU64;

use http::HeaderValue;

use super::header_value::short_value;

/// Which bytes of an object a GET asks for. COS serves one range per request (436/7753).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange(Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    From { first: u64 },
    Inclusive { first: u64, last: u64 },
    Last { length: NonZeroU64 },
}

impl ByteRange {
    /// From the byte `first` to the end.
    pub const fn starting_at(first: u64) -> Self {
        Self(Form::From { first })
    }

    /// From the byte `first` up to and with the byte `last`; `None` if that is no byte.
    pub const fn inclusive(first: u64, last: u64) -> Option<Self> {
        if first <= last { Some(Self(Form::Inclusive { first, last })) } else { None }
    }

    /// `length` bytes from the byte `first` on.
    pub const fn with_length(first: u64, length: NonZeroU64) -> Self {
        Self(Form::Inclusive { first, last: first.saturating_add(length.get().saturating_sub(1)) })
    }

    /// The last `length` bytes, or all if there are fewer.
    pub const fn last(length: NonZeroU64) -> Self {
        Self(Form::Last { length })
    }

    /// The value of `Range`.
    pub(crate) fn header(self) -> HeaderValue {
        match self.0 {
            Form::From { first } => short_value(format_args!("bytes={first}-")),
            Form::Inclusive { first, last } => short_value(format_args!("bytes={first}-{last}")),
            Form::Last { length } => short_value(format_args!("bytes=-{length}")),
        }
    }
}
