//! What the pages of all lists have in common.

use crate::{
    Rejected,
    encode::decode,
    xml::{Document, Malformed},
};

/// How many entries COS puts on a page at most.
pub(crate) const PAGE_MAX: u16 = 1000;

/// Whether names on a page are percent-encoded, as every request asks for.
///
/// COS echoes `EncodingType` (`Encoding-Type` in some replies) when it was asked for. Where the
/// element is missing, the name is decoded all the same, as the vendor's Python SDK does, unless it
/// holds a broken escape; an empty element says that nothing is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Unsaid,
    Url,
    Plain,
}

impl Encoding {
    pub(super) fn read(document: &mut Document<'_>) -> Result<Self, Malformed> {
        document.text(|text| match text.trim() {
            "" => Self::Plain,
            _ => Self::Url,
        })
    }

    /// Whether names may be other than they look.
    pub(super) fn may_hide(self, names: &str) -> bool {
        self != Self::Plain && names.contains('%')
    }

    /// A name as it is.
    pub(super) fn decode(self, name: String) -> Result<String, Malformed> {
        if !self.may_hide(&name) {
            return Ok(name);
        }
        match decode(&name) {
            Some(decoded) => Ok(decoded),
            None if self == Self::Unsaid => Ok(name),
            None => Err(Malformed::new(format!("a name with a broken escape: {name:.80}"))),
        }
    }
}

/// Reads `true` or `false`.
pub(super) fn boolean(document: &mut Document<'_>) -> Result<Option<bool>, Malformed> {
    document.text(|text| match text.trim() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// Reads a number.
pub(super) fn number(document: &mut Document<'_>) -> Result<Option<u64>, Malformed> {
    document.text(|text| text.trim().parse().ok())
}

/// Reads the prefix inside `CommonPrefixes`.
pub(super) fn common_prefix(
    document: &mut Document<'_>,
    into: &mut Vec<String>,
) -> Result<(), Rejected> {
    while let Some(name) = document.child()? {
        match name {
            "Prefix" => {
                document.count_entry()?;
                into.push(document.text(str::to_owned)?);
            }
            _ => document.skip()?,
        }
    }
    Ok(())
}
