//! What a CVM instance's metadata service is asked for the credentials of its role, and what it
//! answers (COS documentation 213/4934).
//!
//! ```text
//! GET …/security-credentials/        the names of the roles, one a line
//! GET …/security-credentials/<role>  a JSON document: id, key, token, expiry
//! ```

use std::{fmt, time::Duration};

use http::StatusCode;

use super::Credentials;
use crate::{CredentialsFailed, UnixTime};

/// The metadata service of a CVM instance, as far as an adapter's `CvmRole` needs it.
#[derive(Clone, Debug)]
pub struct CvmMetadata {
    base: String,
    role: Option<String>,
}

/// The address of the metadata service on every instance.
const BASE: &str = "http://metadata.tencentyun.com";
const FOLDER: &str = "latest/meta-data/cam/security-credentials";

impl CvmMetadata {
    /// The most that is read of an answer.
    pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
    /// How long one request may take: the service runs on the host itself, so no answer means that
    /// there is none.
    pub const TIME_LIMIT: Duration = Duration::from_secs(5);

    /// The service at another base URL, such as `http://127.0.0.1:8080`.
    pub fn at(base: impl Into<String>) -> Self {
        Self { base: base.into().trim_end_matches('/').to_owned(), role: None }
    }

    /// This role, so that its name need not be asked for.
    #[must_use]
    pub fn with_role(mut self, name: impl Into<String>) -> Self {
        self.role = Some(name.into());
        self
    }

    /// The role whose credentials are wanted, if its name is known.
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// Where to ask for the names of the roles.
    pub fn roles_url(&self) -> String {
        format!("{}/{FOLDER}", self.base)
    }

    /// Where to ask for the credentials of a role.
    pub fn credentials_url(&self, role: &str) -> String {
        format!("{}/{FOLDER}/{role}", self.base)
    }

    /// What keeps a request from an answer, in words.
    pub fn failed(url: &str, why: &dyn fmt::Display) -> CredentialsFailed {
        CredentialsFailed::new(format!("CVM metadata service, {url}: {why}"))
    }

    /// Checks the status of an answer.
    ///
    /// # Errors
    /// It is not 200.
    pub fn check(url: &str, status: StatusCode) -> Result<(), CredentialsFailed> {
        match status {
            StatusCode::OK => Ok(()),
            StatusCode::NOT_FOUND => {
                Err(Self::failed(url, &"no such role, or none bound to this instance"))
            }
            status => Err(Self::failed(url, &format_args!("status {}", status.as_u16()))),
        }
    }

    /// The role that the answer of [`roles_url`](Self::roles_url) names first.
    ///
    /// # Errors
    /// It names none.
    pub fn first_role(answer: &[u8]) -> Result<String, CredentialsFailed> {
        let names = std::str::from_utf8(answer).unwrap_or_default();
        names.lines().map(str::trim).find(|name| !name.is_empty()).map(str::to_owned).ok_or_else(
            || CredentialsFailed::new("the CVM metadata service names no role of this instance"),
        )
    }

    /// The credentials in the answer of [`credentials_url`](Self::credentials_url): `text` and
    /// `number` give its members of those types by their names.
    ///
    /// # Errors
    /// A member is missing or wrong, or `Code` is not `Success`. The text names the member; values
    /// stay out of it, for they may be secrets.
    pub fn credentials<'a>(
        text: impl Fn(&str) -> Option<&'a str>,
        number: impl Fn(&str) -> Option<i64>,
    ) -> Result<Credentials, CredentialsFailed> {
        if let Some(code) = text("Code")
            && code != "Success"
        {
            return Err(wrong(&format!("it answers with the code {code:?}")));
        }
        let text = |name: &str| {
            let value = text(name).filter(|text| !text.is_empty());
            value.ok_or_else(|| wrong(&format!("the answer has no {name}")))
        };
        let credentials = Credentials::new(text("TmpSecretId")?, text("TmpSecretKey")?)
            .with_token(text("Token")?);
        let expires = match number("ExpiredTime") {
            Some(seconds) => UnixTime::from_secs(seconds),
            None => UnixTime::parse_iso8601(text("Expiration")?)
                .ok_or_else(|| wrong("ExpiredTime and Expiration are no times"))?,
        };
        Ok(credentials.expiring(expires))
    }

    /// The answer of [`credentials_url`](Self::credentials_url) is not JSON.
    pub fn not_json() -> CredentialsFailed {
        wrong("the answer is not JSON")
    }
}

impl Default for CvmMetadata {
    /// The service at its usual address.
    fn default() -> Self {
        Self::at(BASE)
    }
}

fn wrong(why: &str) -> CredentialsFailed {
    CredentialsFailed::new(format!("CVM metadata service: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(document: &str) -> Result<Credentials, CredentialsFailed> {
        let document: Value = serde_json::from_str(document).unwrap();
        CvmMetadata::credentials(
            |name| document.get(name).and_then(Value::as_str),
            |name| document.get(name).and_then(Value::as_i64),
        )
    }

    #[test]
    fn urls_are_those_of_the_service() {
        let service = CvmMetadata::default();
        let folder = "http://metadata.tencentyun.com/latest/meta-data/cam/security-credentials";
        assert_eq!((service.roles_url(), service.role()), (folder.to_owned(), None));
        assert_eq!(service.credentials_url("r"), format!("{folder}/r"));
        let service = CvmMetadata::at("http://127.0.0.1:8/").with_role("r");
        assert!(service.roles_url().starts_with("http://127.0.0.1:8/latest/"));
        assert_eq!(service.role(), Some("r"));
    }

    #[test]
    fn the_first_role_counts() {
        assert_eq!(CvmMetadata::first_role(b"\n one \ntwo\n").unwrap(), "one");
        for none in [&b""[..], b" \n", b"\xff"] {
            assert!(CvmMetadata::first_role(none).unwrap_err().to_string().contains("no role"));
        }
    }

    #[test]
    fn reads_the_document_of_a_role() {
        let document = r#"{"TmpSecretId":"id","TmpSecretKey":"key","ExpiredTime":1700000000,
            "Expiration":"2023-11-14T22:13:20Z","Token":"token","Code":"Success"}"#;
        let expected = Credentials::new("id", "key")
            .with_token("token")
            .expiring(UnixTime::from_secs(1_700_000_000));
        assert_eq!(read(document).unwrap(), expected);
        let by_date = document.replace("\"ExpiredTime\":1700000000,", "");
        assert_eq!(read(&by_date).unwrap(), expected);
    }

    #[test]
    fn says_what_is_wrong_without_the_secrets() {
        for (document, why) in [
            ("[]", "TmpSecretId"),
            (r#"{"Code":"Failed"}"#, "Failed"),
            (r#"{"TmpSecretId":"id","TmpSecretKey":"hush"}"#, "Token"),
            (r#"{"TmpSecretId":"id","TmpSecretKey":"hush","Token":""}"#, "Token"),
            (r#"{"TmpSecretId":"id","TmpSecretKey":"hush","Token":"t"}"#, "Expiration"),
            (r#"{"TmpSecretId":"id","TmpSecretKey":"hush","Token":"t","Expiration":"x"}"#, "times"),
        ] {
            let error = read(document).expect_err(document).to_string();
            assert!(error.contains(why) && !error.contains("hush"), "{error}");
        }
    }
}
