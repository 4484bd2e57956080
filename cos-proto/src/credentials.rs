//! Access keys: values that never show themselves.

mod cvm_metadata;
mod variables;

use std::fmt;

use zeroize::Zeroizing;

pub use self::cvm_metadata::CvmMetadata;
use crate::{CredentialsFailed, UnixTime};

/// A secret string: wiped when dropped, never shown by Debug.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the secret over.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself; for signing and for nothing that is printed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(redacted)")
    }
}

/// A SecretId, its SecretKey and, for temporary credentials, the token and when it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    secret_id: String,
    secret_key: Secret,
    token: Option<Secret>,
    expires: Option<UnixTime>,
}

impl Credentials {
    /// Permanent credentials.
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            secret_id: secret_id.into(),
            secret_key: Secret::new(secret_key),
            token: None,
            expires: None,
        }
    }

    /// Makes them temporary ones, sent with `token`.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Secret::new(token));
        self
    }

    /// Says when they stop being accepted, so that they are replaced before.
    #[must_use]
    pub fn expiring(mut self, at: UnixTime) -> Self {
        self.expires = Some(at);
        self
    }

    /// The SecretId; it is sent in the clear and is no secret.
    pub fn secret_id(&self) -> &str {
        &self.secret_id
    }

    /// The SecretKey.
    pub fn secret_key(&self) -> &Secret {
        &self.secret_key
    }

    /// The session token of temporary credentials.
    pub fn token(&self) -> Option<&Secret> {
        self.token.as_ref()
    }

    /// When they expire, if they say.
    pub fn expires(&self) -> Option<UnixTime> {
        self.expires
    }

    /// # Errors
    /// One of them cannot be what COS has given out: it could not be sent, or would be refused
    /// without a word about why.
    pub(crate) fn check(&self) -> Result<(), CredentialsFailed> {
        let token = self.token.as_ref().map(|token| ("session token", token.expose()));
        let all = [("SecretId", &*self.secret_id), ("SecretKey", self.secret_key.expose())];
        let wrong = all.into_iter().chain(token).find(|(_, text)| !is_visible(text));
        wrong.map_or(Ok(()), |(name, text)| {
            let rule = if text.is_empty() { "is empty" } else { VISIBLE_RULE };
            Err(CredentialsFailed::new(format!("the {name} {rule}")))
        })
    }
}

/// Whether a text can be part of credentials.
pub(crate) fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What [`is_visible`] demands.
pub(crate) const VISIBLE_RULE: &str =
    "must be visible ASCII characters without white space or line ends";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_key_nor_token() {
        let credentials = Credentials::new("AKIDx", "the-key").with_token("the-token");
        let text = format!("{credentials:?} {:#?}", credentials.clone());
        assert!(text.contains("AKIDx"));
        assert!(!text.contains("the-key") && !text.contains("the-token"), "{text}");
    }

    #[test]
    fn what_cos_cannot_have_given_out_is_named_without_its_value() {
        assert!(Credentials::new("AKIDx", "key").with_token("t+/=").check().is_ok());
        for (credentials, named) in [
            (Credentials::new("AKID\u{e9}", "key"), "SecretId must be visible ASCII"),
            (Credentials::new("AKIDx", "odd key"), "SecretKey must be visible ASCII"),
            (Credentials::new("AKIDx", "key").with_token("odd\n"), "session token must be"),
            (Credentials::new("", "key"), "SecretId is empty"),
        ] {
            let text = credentials.check().expect_err(named).to_string();
            assert!(text.contains(named) && !text.contains("odd"), "{text}");
        }
    }
}
