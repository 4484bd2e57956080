//! Access keys: values that never show themselves.

mod cvm_metadata;
mod variables;

use std::fmt;

use zeroize::Zeroizing;

pub use self::cvm_metadata::CvmMetadata;
use crate::UnixTime;

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
}

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
}
