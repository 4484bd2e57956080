//! Credentials in environment variables, which the caller reads.

use super::Credentials;
use crate::CredentialsFailed;

/// SecretId, SecretKey, and where a token may be.
type Family = (&'static str, &'static str, &'static [&'static str]);

const FAMILIES: [Family; 3] = [
    (
        "TENCENTCLOUD_SECRET_ID",
        "TENCENTCLOUD_SECRET_KEY",
        &["TENCENTCLOUD_SECURITY_TOKEN", "TENCENTCLOUD_TOKEN"],
    ),
    ("COS_SECRET_ID", "COS_SECRET_KEY", &["COS_SESSION_TOKEN"]),
    ("COS_SECRETID", "COS_SECRETKEY", &["COS_SESSION_TOKEN"]),
];

impl Credentials {
    /// The credentials that environment variables hold; `variable` gives the value of one. An empty
    /// value is none. The first family of which a variable is set counts:
    ///
    /// | SecretId | SecretKey | token, if any |
    /// |---|---|---|
    /// | `TENCENTCLOUD_SECRET_ID` | `TENCENTCLOUD_SECRET_KEY` | `TENCENTCLOUD_SECURITY_TOKEN`, `TENCENTCLOUD_TOKEN` |
    /// | `COS_SECRET_ID` | `COS_SECRET_KEY` | `COS_SESSION_TOKEN` |
    /// | `COS_SECRETID` | `COS_SECRETKEY` | `COS_SESSION_TOKEN` |
    ///
    /// The first is that of Tencent Cloud's tools, the others those of COS's SDKs.
    ///
    /// # Errors
    /// No family is complete; the text names the variables that are missing.
    pub fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CredentialsFailed> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        for (id_name, key_name, token_names) in FAMILIES {
            let (set, unset) = match (variable(id_name), variable(key_name)) {
                (Some(id), Some(key)) => {
                    let credentials = Self::new(id, key);
                    return Ok(match token_names.iter().find_map(|name| variable(name)) {
                        Some(token) => credentials.with_token(token),
                        None => credentials,
                    });
                }
                (None, None) => continue,
                (Some(_), None) => (id_name, key_name),
                (None, Some(_)) => (key_name, id_name),
            };
            return Err(CredentialsFailed::new(format!("{set} is set, but {unset} is not")));
        }
        let names: Vec<_> = FAMILIES.iter().map(|(id, key, _)| format!("{id} and {key}")).collect();
        Err(CredentialsFailed::new(format!("none of these is set: {}", names.join(", or "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Credentials, String> {
        let variable = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        Credentials::from_variables(variable).map_err(|failed| failed.to_string())
    }

    #[test]
    fn takes_the_first_family_that_is_set_with_its_own_token() {
        let cos = [("COS_SECRET_ID", "c"), ("COS_SECRET_KEY", "k"), ("TENCENTCLOUD_TOKEN", "t")];
        assert_eq!(with(&cos), Ok(Credentials::new("c", "k")));
        let both = [
            ("TENCENTCLOUD_SECRET_ID", "a"),
            ("TENCENTCLOUD_SECRET_KEY", "b"),
            ("TENCENTCLOUD_TOKEN", "t"),
            ("COS_SECRETID", "c"),
            ("COS_SECRETKEY", "d"),
        ];
        assert_eq!(with(&both), Ok(Credentials::new("a", "b").with_token("t")));
        assert_eq!(with(&both[3..]), Ok(Credentials::new("c", "d")));
        let empty = [("TENCENTCLOUD_SECRET_ID", ""), both[3], both[4]];
        assert_eq!(with(&empty), Ok(Credentials::new("c", "d")));
    }

    #[test]
    fn names_what_is_missing_and_no_secret() {
        let error = with(&[("COS_SECRETKEY", "secret")]).expect_err("half a pair");
        assert!(error.contains("COS_SECRETID is not") && !error.contains("secret "), "{error}");
        let error = with(&[]).expect_err("nothing set");
        assert!(error.contains("TENCENTCLOUD_SECRET_ID") && error.contains("COS_SECRET_KEY"));
    }
}
