//! What a request to COS needs besides HTTP, for floors that do that, too.

use std::time::Duration;

use bytes::Bytes;
use cos_proto::{Crc64, Credentials, UnixTime};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, USER_AGENT},
};

use super::client::Failed;
use crate::sign::{self, KeyTime, Place, SignKey, Signed};

/// How long an answer may take, and a piece of it.
pub(super) const WHOLE: Duration = Duration::from_mins(5);
pub(super) const IDLE: Duration = Duration::from_mins(1);

const SECRET_ID: &str = "AKIDexample";

/// Signs requests to one host with one key, made once.
pub(super) struct Signing {
    key: SignKey,
    host: HeaderValue,
}

impl Signing {
    pub(super) fn new(host: &str) -> Result<Self, Failed> {
        // The server of the benches looks at no signature.
        let start = UnixTime::from_secs(1_795_145_850);
        let key_time = KeyTime { start, end: start + Duration::from_hours(1) };
        let key = SignKey::derive(&Credentials::new(SECRET_ID, "example"), key_time);
        Ok(Self { key, host: host.parse()? })
    }

    /// The header fields of a request with a body of this length.
    pub(super) fn fields(
        &self,
        method: &Method,
        key: &str,
        length: usize,
    ) -> Result<HeaderMap, Failed> {
        let mut fields = HeaderMap::with_capacity(6);
        fields.insert(HOST, self.host.clone());
        fields.insert(USER_AGENT, HeaderValue::from_static("floor"));
        if *method == Method::PUT {
            fields.insert(CONTENT_LENGTH, length.into());
        }
        let headers = sign::signed_headers(&fields);
        let mut text = String::with_capacity(512);
        let signed = Signed { method, path: key, query: Vec::new(), headers };
        sign::sign_into(&mut text, Place::Header, SECRET_ID, &self.key, signed);
        let mut authorization = HeaderValue::from_maybe_shared(Bytes::from(text))?;
        authorization.set_sensitive(true);
        fields.insert(AUTHORIZATION, authorization);
        Ok(fields)
    }
}

/// Whether the answer says this CRC-64 of these bytes.
pub(super) fn is_whole(fields: &HeaderMap, bytes: &[u8]) -> bool {
    let said = fields.get("x-cos-hash-crc64ecma").and_then(|crc| crc.to_str().ok()?.parse().ok());
    said == Some(Crc64::of(bytes))
}
