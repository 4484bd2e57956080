//! Named values and how each kind of them is read; every refusal names the parameter, the value and
//! the rule.

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::RangeInclusive, time::Duration};

use super::{
    names::{self, Kind, Parameter},
    spelling,
    value::Value,
};
use crate::Error;

/// The parameters that were given, by name.
#[derive(Clone, Default)]
pub(super) struct Parameters(BTreeMap<String, Value>);

impl Parameters {
    pub(super) fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Refuses names that are no parameters.
    pub(super) fn check_names(&self) -> Result<(), Error> {
        let unknown: Vec<String> =
            self.0.keys().filter(|name| names::find(name).is_none()).cloned().collect();
        if unknown.is_empty() { Ok(()) } else { Err(names::unknown(&unknown)) }
    }

    /// Whether it was given, and not as empty text.
    pub(super) fn has(&self, parameter: &Parameter) -> bool {
        self.text(parameter).is_some()
    }

    /// Any value as text; empty text is as good as none.
    pub(super) fn text(&self, parameter: &Parameter) -> Option<Cow<'_, str>> {
        self.0.get(parameter.name).map(Value::text).filter(|text| !text.is_empty())
    }

    pub(super) fn integer(
        &self,
        parameter: &Parameter,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, Error> {
        let number = match self.0.get(parameter.name) {
            None => return Ok(default),
            Some(Value::Integer(number)) => Some(*number),
            Some(Value::String(text)) => spelling::integer(text),
            Some(Value::Boolean(_)) => None,
        };
        number
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (first, last) = (range.start(), range.end());
                self.refuse(parameter, &format!("must be an integer of {first} to {last}"))
            })
    }

    pub(super) fn boolean(&self, parameter: &Parameter) -> Result<Option<bool>, Error> {
        let truth = match self.0.get(parameter.name) {
            None => return Ok(None),
            Some(Value::Boolean(truth)) => Some(*truth),
            Some(value) => spelling::boolean(&value.text()),
        };
        truth.map(Some).ok_or_else(|| {
            self.refuse(
                parameter,
                "must be true or false (also spelled 1, t, T, TRUE, True, 0, f, F, FALSE, False)",
            )
        })
    }

    pub(super) fn duration(
        &self,
        parameter: &Parameter,
        range: RangeInclusive<Duration>,
        default: Duration,
    ) -> Result<Duration, Error> {
        let duration = match self.0.get(parameter.name) {
            None => return Ok(default),
            Some(Value::Boolean(_)) => None,
            Some(value) => spelling::duration(&value.text()),
        };
        duration.filter(|duration| range.contains(duration)).ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            let rule = format!(
                "must be whole seconds, or a duration such as 30s, 1m30s or 500ms, of {first:?} to {last:?}"
            );
            self.refuse(parameter, &rule)
        })
    }

    /// A refusal: the parameter, its value unless that is a secret, and the rule.
    pub(super) fn refuse(&self, parameter: &Parameter, rule: &str) -> Error {
        let value = self.0.get(parameter.name).map(Value::text).unwrap_or_default();
        Error::invalid_parameter(parameter.name, &shown(parameter.kind, &value), rule)
    }
}

/// What a message shows of a value: nothing of a secret.
pub(super) fn shown(kind: Kind, value: &str) -> Cow<'_, str> {
    match kind {
        Kind::Secret => Cow::Borrowed("(not shown)"),
        Kind::Text | Kind::Integer | Kind::Boolean | Kind::Duration => {
            without_user_information(value)
        }
    }
}

/// At most 200 characters, and no `user:password@` of a URL, whole or cut.
fn without_user_information(value: &str) -> Cow<'_, str> {
    let Some((_, host)) = value.rsplit_once('@') else {
        return Cow::Borrowed(start(value));
    };
    let scheme = value.split_once("://").map_or("", |(scheme, _)| scheme);
    Cow::Owned(format!("{}://(not shown)@{}", start(scheme), start(host)))
}

fn start(text: &str) -> &str {
    let end = text.char_indices().nth(200).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}

impl fmt::Debug for Parameters {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}
