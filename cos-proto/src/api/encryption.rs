//! Server-side encryption (436/18145).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderMap, HeaderName, HeaderValue};
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::{
    header_value::{checked_value, header_value},
    names,
};
use crate::Error;

/// How COS encrypts an object at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// As the bucket is set up.
    #[default]
    None,
    /// By keys that COS manages (SSE-COS).
    SseCos,
    /// By a key in the key management service (SSE-KMS).
    SseKms(SseKms),
    /// By a key that every request carries (SSE-C). COS demands HTTPS for it.
    SseC(SseC),
}

impl Encryption {
    /// The key that requests for this object must carry, if it is the caller's.
    pub fn sse_c(&self) -> Option<&SseC> {
        match self {
            Self::SseC(key) => Some(key),
            Self::None | Self::SseCos | Self::SseKms(_) => None,
        }
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        match self {
            Self::None => {}
            Self::SseCos => {
                headers.insert(names::SSE, HeaderValue::from_static("AES256"));
            }
            Self::SseKms(kms) => kms.write(headers),
            Self::SseC(key) => key.write(headers),
        }
    }
}

/// Which key of the key management service encrypts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseKms {
    key_id: Option<HeaderValue>,
    context: Option<HeaderValue>,
}

impl SseKms {
    /// COS's default key in the key management service.
    pub fn new() -> Self {
        Self::default()
    }

    /// This customer master key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if it is empty or cannot
    /// be sent.
    pub fn key_id(mut self, id: &str) -> Result<Self, Error> {
        if id.is_empty() {
            return Err(Error::invalid_parameter("keyid", id, "must not be empty"));
        }
        self.key_id = Some(checked_value("keyid", id)?);
        Ok(self)
    }

    /// The encryption context, a JSON object of strings; it is sent in base64.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if it is no JSON object.
    pub fn context(mut self, json: &str) -> Result<Self, Error> {
        let text = json.trim();
        if !(text.starts_with('{') && text.ends_with('}')) {
            let rule = "must be a JSON object, such as {\"project\":\"a\"}";
            return Err(Error::invalid_parameter(names::SSE_KMS_CONTEXT.as_str(), json, rule));
        }
        self.context = Some(header_value(&BASE64.encode(text)));
        Ok(self)
    }

    fn write(&self, headers: &mut HeaderMap) {
        headers.insert(names::SSE, HeaderValue::from_static("cos/kms"));
        if let Some(id) = &self.key_id {
            headers.insert(names::SSE_KMS_KEY_ID, id.clone());
        }
        if let Some(context) = &self.context {
            headers.insert(names::SSE_KMS_CONTEXT, context.clone());
        }
    }
}

/// A customer's own AES-256 key (SSE-C): wiped when dropped, never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SseC(Zeroizing<[u8; 32]>);

impl SseC {
    /// Takes the key over.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Reads the key from base64.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParameter`](crate::ErrorKind::InvalidParameter) if it is not base64 of
    /// 32 bytes; the error does not show it.
    pub fn from_base64(text: &str) -> Result<Self, Error> {
        let refuse = || {
            let rule = "must be 32 bytes in base64";
            Error::invalid_parameter(names::SSE_C_KEY.as_str(), "(redacted)", rule)
        };
        let bytes = Zeroizing::new(BASE64.decode(text).map_err(|_| refuse())?);
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return Err(refuse());
        }
        key.copy_from_slice(&bytes);
        Ok(Self(key))
    }

    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let names = [names::SSE_C_ALGORITHM, names::SSE_C_KEY, names::SSE_C_KEY_MD5];
        self.write_as(headers, names);
    }

    /// As the key of a copy's source.
    pub(crate) fn write_for_source(&self, headers: &mut HeaderMap) {
        let names = [names::COPY_SSE_C_ALGORITHM, names::COPY_SSE_C_KEY, names::COPY_SSE_C_KEY_MD5];
        self.write_as(headers, names);
    }

    fn write_as(&self, headers: &mut HeaderMap, [algorithm, key, md5]: [HeaderName; 3]) {
        let encoded = Zeroizing::new(BASE64.encode(*self.0));
        let mut secret = header_value(&encoded);
        secret.set_sensitive(true);
        headers.insert(algorithm, HeaderValue::from_static("AES256"));
        headers.insert(key, secret);
        headers.insert(md5, header_value(&BASE64.encode(Md5::digest(*self.0))));
    }
}

impl fmt::Debug for SseC {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SseC(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Payload,
        api::{ObjectOptions, put_object, testing::key},
    };

    #[test]
    fn an_sse_c_key_is_32_bytes() {
        let text = BASE64.encode([7; 32]);
        assert_eq!(SseC::from_base64(&text).expect("a key"), SseC::new([7; 32]));
        for text in ["", "secret-text", &BASE64.encode([7; 31]), &BASE64.encode([7; 33])] {
            let error = SseC::from_base64(text).expect_err(text).to_string();
            assert!(error.contains("32 bytes") && error.contains("customer-key"), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn an_sse_c_key_is_never_shown() {
        let bytes = *b"0123456789abcdef0123456789abcdef";
        let (sse_c, encoded) = (SseC::new(bytes), BASE64.encode(bytes));
        let options = ObjectOptions::new().encryption(Encryption::SseC(sse_c.clone()));
        let call = put_object::call(&key("k"), &options, Payload::EMPTY);
        let shown = format!("{sse_c:?} {options:?} {options:#?} {call:?} {call:#?}");
        assert!(shown.contains("redacted") && shown.contains("Sensitive"), "{shown}");
        for secret in ["0123456789abcdef", "48, 49", &*encoded] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_kms_context_is_a_json_object_in_base64() {
        let mut headers = HeaderMap::new();
        let kms = SseKms::new().context(" {\"a\":\"é\"} ").expect("a context");
        Encryption::SseKms(kms).write(&mut headers);
        let sent = BASE64.decode(&headers[names::SSE_KMS_CONTEXT]).expect("base64");
        assert_eq!(sent, "{\"a\":\"é\"}".as_bytes());
        assert!(!headers.contains_key(names::SSE_KMS_KEY_ID));
        for json in ["", "a", "[1]", "{"] {
            assert!(SseKms::new().context(json).is_err(), "{json}");
        }
        for id in ["", " a", "a\n"] {
            let error = SseKms::new().key_id(id).expect_err(id).to_string();
            assert!(error.contains("keyid"), "{error}");
        }
    }
}
