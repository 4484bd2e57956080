//! One case, and how it ends.

use std::{fmt, panic::Location};

use super::{Trial, WalkError};
use crate::Error;

/// One case of the suite.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its name; those of a source suite keep theirs.
    pub name: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    pub(super) run: fn(&Trial<'_>) -> Outcome,
}

/// How a case ends.
pub type Outcome = Result<(), Stop>;

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a cell of the table shows one or the other")]
pub enum Stop {
    /// It cannot be run on this subject, and why.
    Skipped(String),
    /// Something is not as it must be: where, and what.
    Failed(String),
}

impl Stop {
    /// A failure, with the place of the call.
    #[track_caller]
    pub fn failed(what: impl fmt::Display) -> Self {
        let place = Location::caller();
        let file = place.file().rsplit('/').next().unwrap_or_default();
        Self::Failed(format!("{file}:{}: {what}", place.line()))
    }
}

impl From<Error> for Stop {
    #[track_caller]
    fn from(error: Error) -> Self {
        Self::failed(error)
    }
}

impl From<WalkError> for Stop {
    #[track_caller]
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Driver(error) => Self::failed(error),
            WalkError::Callback(text) => Self::failed(format!("the callback: {text}")),
        }
    }
}

impl From<String> for Stop {
    #[track_caller]
    fn from(text: String) -> Self {
        Self::failed(text)
    }
}

/// Fails unless the condition holds.
#[track_caller]
pub(super) fn ensure(holds: bool, what: impl fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(Stop::failed(what)) }
}

/// Fails unless both are equal.
#[track_caller]
pub(super) fn equal<A, B>(got: A, expected: B, what: impl fmt::Display) -> Outcome
where
    A: PartialEq<B> + fmt::Debug,
    B: fmt::Debug,
{
    if got == expected {
        return Ok(());
    }
    Err(Stop::failed(format!("{what}: {got:?}, expected {expected:?}")))
}

/// Fails unless both contents are equal; says where they part.
#[track_caller]
pub(super) fn same_bytes(got: &[u8], expected: &[u8], what: impl fmt::Display) -> Outcome {
    if got == expected {
        return Ok(());
    }
    let at = got.iter().zip(expected).take_while(|(got, expected)| got == expected).count();
    let (got, expected) = (got.len(), expected.len());
    Err(Stop::failed(format!("{what}: {got} bytes, expected {expected}; they part at {at}")))
}
