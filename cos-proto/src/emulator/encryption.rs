//! Server-side encryption: SSE-COS, SSE-KMS and SSE-C headers (COS product page 436/18145).

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;
use md5::{Digest as _, Md5};

use super::{
    SseCTransport,
    errors::{Code, Refusal, invalid},
    reply::Reply,
    request::Request,
};

const SSE: &str = "x-cos-server-side-encryption";
const KMS_KEY_ID: &str = "x-cos-server-side-encryption-cos-kms-key-id";
const KMS_CONTEXT: &str = "x-cos-server-side-encryption-context";
const CUSTOMER: &str = "x-cos-server-side-encryption-customer";
/// Before the key of a copy's source.
const SOURCE_CUSTOMER: &str = "x-cos-copy-source-server-side-encryption-customer";

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Encryption {
    None,
    Cos,
    Kms { key_id: Option<HeaderValue>, context: Option<HeaderValue> },
    Customer { key_md5: String },
}

impl Encryption {
    /// What a request asks for.
    pub(super) fn of(request: &Request<'_>, sse_c: SseCTransport) -> Result<Self, Refusal> {
        let customer = customer_key(request, CUSTOMER, sse_c)?;
        match (request.header(SSE), customer) {
            (None, None) => Ok(Self::None),
            (None, Some(key_md5)) => Ok(Self::Customer { key_md5 }),
            (Some("AES256"), None) => Ok(Self::Cos),
            (Some("cos/kms"), None) => {
                let context = request.raw_header(KMS_CONTEXT).cloned();
                if let Some(context) = &context {
                    check_context(context)?;
                }
                Ok(Self::Kms { key_id: request.raw_header(KMS_KEY_ID).cloned(), context })
            }
            (Some(_), Some(_)) => Err(invalid("two kinds of server-side encryption")),
            (Some(other), None) => Err(invalid(format!("{SSE} {other:?}"))),
        }
    }

    /// Whether the request has the key that the object needs.
    pub(super) fn unlock(
        &self,
        request: &Request<'_>,
        sse_c: SseCTransport,
    ) -> Result<(), Refusal> {
        self.check_key(customer_key(request, CUSTOMER, sse_c)?)
    }

    /// The same for the source of a copy.
    pub(super) fn unlock_source(
        &self,
        request: &Request<'_>,
        sse_c: SseCTransport,
    ) -> Result<(), Refusal> {
        self.check_key(customer_key(request, SOURCE_CUSTOMER, sse_c)?)
    }

    fn check_key(&self, given: Option<String>) -> Result<(), Refusal> {
        match (self, given) {
            (Self::Customer { key_md5 }, Some(given)) if *key_md5 == given => Ok(()),
            (Self::Customer { .. }, Some(_)) => Err(Code::AccessDenied.into()),
            (Self::Customer { .. }, None) => Err(Code::InvalidRequest
                .saying("The object was stored using SSE-C; its key must be provided.")),
            (_, Some(_)) => {
                Err(Code::InvalidRequest.saying("The object was not stored using SSE-C."))
            }
            (_, None) => Ok(()),
        }
    }

    /// Whether the ETag is the MD5 of the bytes.
    pub(super) fn keeps_md5(&self) -> bool {
        matches!(self, Self::None | Self::Cos)
    }

    /// The headers that answers echo: never the key, nor the context.
    pub(super) fn echo(&self, reply: Reply) -> Reply {
        match self {
            Self::None => reply,
            Self::Cos => reply.header(SSE, "AES256"),
            Self::Kms { key_id, .. } => {
                let reply = reply.header(SSE, "cos/kms");
                reply.headers(key_id.as_ref().map(|key_id| (KMS_KEY_ID, key_id)))
            }
            Self::Customer { key_md5 } => reply
                .header(&format!("{CUSTOMER}-algorithm"), "AES256")
                .header(&format!("{CUSTOMER}-key-md5"), key_md5),
        }
    }

    /// The context of SSE-KMS, which no answer shows.
    pub(super) fn context(&self) -> Option<&HeaderValue> {
        match self {
            Self::Kms { context, .. } => context.as_ref(),
            _ => None,
        }
    }
}

/// The MD5 of the customer's key, in base64, after all three headers were checked.
fn customer_key(
    request: &Request<'_>,
    prefix: &str,
    sse_c: SseCTransport,
) -> Result<Option<String>, Refusal> {
    let header = |suffix: &str| request.header(&format!("{prefix}-{suffix}"));
    let (algorithm, key, md5) = (header("algorithm"), header("key"), header("key-md5"));
    if algorithm.is_none() && key.is_none() && md5.is_none() {
        return Ok(None);
    }
    if sse_c == SseCTransport::TlsOnly && !request.tls {
        return Err(Code::InvalidRequest
            .saying("Requests with a customer's encryption key must be made over HTTPS."));
    }
    let (Some(algorithm), Some(key), Some(md5)) = (algorithm, key, md5) else {
        return Err(invalid(format!("{prefix}: algorithm, key and key-MD5 belong together")));
    };
    if algorithm != "AES256" {
        return Err(invalid(format!("{prefix}-algorithm {algorithm:?} must be AES256")));
    }
    let key = BASE64_STANDARD.decode(key).ok().filter(|key| key.len() == 32);
    let key = key.ok_or_else(|| invalid(format!("{prefix}-key must be 32 bytes in base64")))?;
    if BASE64_STANDARD.encode(Md5::digest(&key)) != md5 {
        return Err(invalid(format!("{prefix}-key-MD5 is not that of the key")));
    }
    Ok(Some(md5.to_owned()))
}

/// Base64 of a JSON object.
fn check_context(context: &HeaderValue) -> Result<(), Refusal> {
    let json = BASE64_STANDARD.decode(context.as_bytes()).ok();
    let object = |json: &Vec<u8>| json.starts_with(b"{") && json.ends_with(b"}");
    if json.as_ref().is_some_and(object) {
        Ok(())
    } else {
        Err(invalid(format!("{KMS_CONTEXT} must be base64 of a JSON object")))
    }
}
