//! Parameters from environment variables, which the caller reads: the core reads none.

use super::{
    Builder, Config,
    names::{self, Kind},
    parameters::shown,
    value::Value,
};
use crate::{Error, ErrorKind};

/// What the registry's variables of this driver begin with (docs/about/configuration).
const PREFIX: &str = "REGISTRY_STORAGE_COS_";

/// The variables that name a bucket for tests, and the parameters that they set.
const TEST_VARIABLES: [(&str, &str); 7] = [
    ("COS_SECRET_ID", "secretid"),
    ("COS_SECRET_KEY", "secretkey"),
    ("COS_BUCKET", "bucket"),
    ("COS_REGION", "region"),
    ("COS_SECURE", "secure"),
    ("COS_ENDPOINT", "endpoint"),
    ("COS_SESSION_TOKEN", "sessiontoken"),
];
/// How many of those, from the first, must be there.
const TEST_VARIABLES_REQUIRED: usize = 4;

impl Config {
    /// The configuration that `REGISTRY_STORAGE_COS_<PARAMETER>` variables name; all others are
    /// ignored. As in the Go registry a value is a YAML scalar: quotes and comments are taken off,
    /// nothing and `null` mean unset, and booleans may be `yes`, `no`, `on`, `off`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] as for [`Config::from_parameters`], and for a value that
    /// YAML would read as a list or a map.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        Self::builder().variables(variables)?.build()
    }

    /// The bucket to test against, from `COS_SECRET_ID`, `COS_SECRET_KEY`, `COS_BUCKET` and
    /// `COS_REGION`, and where they are set `COS_SECURE`, `COS_ENDPOINT` and `COS_SESSION_TOKEN`,
    /// all taken literally; all others are ignored. `None` if none of the first four is set.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if only some of the first four are set, or a value is
    /// refused.
    pub fn from_test_variables(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, Error> {
        match Builder::default().test_variables(variables)? {
            Some(builder) => builder.build().map(Some),
            None => Ok(None),
        }
    }

    /// The configuration of an environment: of [`from_variables`](Self::from_variables), or, if there
    /// is none of the registry's variables, of [`from_test_variables`](Self::from_test_variables).
    ///
    /// # Errors
    /// Theirs.
    pub fn from_environment_pairs(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let ours = |name: &str| name.starts_with(PREFIX) || name.starts_with("COS_");
        let variables: Vec<_> = variables.into_iter().filter(|(name, _)| ours(name)).collect();
        let registry = variables.iter().any(|(name, _)| name.starts_with(PREFIX));
        if !registry && let Some(config) = Self::from_test_variables(variables.clone())? {
            return Ok(config);
        }
        Self::from_variables(variables)
    }
}

impl Builder {
    /// Sets what `REGISTRY_STORAGE_COS_<PARAMETER>` variables name; see
    /// [`Config::from_variables`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] for a value that YAML would read as a list or a map.
    pub fn variables(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            let name = name.to_ascii_lowercase();
            let kind = names::find(&name).map_or(Kind::Secret, |parameter| parameter.kind);
            match scalar(&text, kind) {
                Ok(Some(value)) => self = self.parameter(name, value),
                Ok(None) => {}
                Err(rule) => {
                    return Err(Error::invalid_parameter(&name, &shown(kind, &text), rule));
                }
            }
        }
        Ok(self)
    }

    /// Sets what the test variables name; see [`Config::from_test_variables`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`] if only some of the required ones are set.
    pub fn test_variables(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, Error> {
        let mut given = [false; TEST_VARIABLES.len()];
        for (variable, text) in variables {
            for (seen, (name, parameter)) in given.iter_mut().zip(TEST_VARIABLES) {
                if name == variable && !text.is_empty() {
                    *seen = true;
                    self = self.parameter(parameter, text.clone());
                }
            }
        }
        let required = || given.iter().zip(TEST_VARIABLES).take(TEST_VARIABLES_REQUIRED);
        if required().all(|(seen, _)| !seen) {
            return Ok(None);
        }
        let missing: Vec<&str> =
            required().filter(|(seen, _)| !**seen).map(|(_, (name, _))| name).collect();
        if missing.is_empty() {
            return Ok(Some(self));
        }
        let text = format!("environment variables not set: {}", missing.join(", "));
        Err(Error::new(ErrorKind::InvalidParameter, text))
    }
}

/// Reads one YAML scalar; `None` is null. A plain one stays text unless the parameter is a boolean,
/// so that a bucket is never taken for a number.
fn scalar(text: &str, kind: Kind) -> Result<Option<Value>, &'static str> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix('\'') {
        return quoted_single(rest).map(|text| Some(Value::String(text)));
    }
    if let Some(rest) = text.strip_prefix('"') {
        return quoted_double(rest).map(|text| Some(Value::String(text)));
    }
    let plain = without_comment(text);
    if matches!(plain, "" | "~" | "null" | "Null" | "NULL") {
        return Ok(None);
    }
    let no_scalar = plain.starts_with(['[', '{', '&', '*', '!', '|', '>', '%', '@', '`'])
        || plain.contains(": ")
        || plain.ends_with(':')
        || plain.starts_with("- ");
    if no_scalar {
        return Err("must be a YAML scalar; put it in quotes");
    }
    if kind == Kind::Boolean
        && let Some(truth) = yaml_boolean(plain)
    {
        return Ok(Some(Value::Boolean(truth)));
    }
    Ok(Some(Value::String(plain.to_owned())))
}

fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    text.split_once(" #").map_or(text, |(value, _)| value.trim_end())
}

/// The words of YAML 1.1 that Go's reader takes for booleans besides `true` and `false`.
fn yaml_boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn quoted_single(rest: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut rest = rest.chars();
    while let Some(next) = rest.next() {
        if next != '\'' {
            value.push(next);
            continue;
        }
        let after = rest.as_str();
        if after.starts_with('\'') {
            value.push('\'');
            rest.next();
        } else {
            return if nothing_follows(after) { Ok(value) } else { Err(AFTER_QUOTE) };
        }
    }
    Err(UNCLOSED)
}

fn quoted_double(rest: &str) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut rest = rest.chars();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                return if nothing_follows(rest.as_str()) { Ok(value) } else { Err(AFTER_QUOTE) };
            }
            '\\' => value.push(match rest.next() {
                Some(same @ ('"' | '\\' | '/' | ' ')) => same,
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('0') => '\0',
                _ => return Err("holds an escape other than \\\" \\\\ \\/ \\n \\r \\t \\0"),
            }),
            other => value.push(other),
        }
    }
    Err(UNCLOSED)
}

fn nothing_follows(rest: &str) -> bool {
    without_comment(rest).trim().is_empty()
}

const AFTER_QUOTE: &str = "must end with its closing quote";
const UNCLOSED: &str = "must have a closing quote";

#[cfg(test)]
mod tests;
