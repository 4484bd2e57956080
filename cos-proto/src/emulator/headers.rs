//! The headers of a request that describe an object, and the checks that many calls share.

use std::{collections::BTreeMap, fmt::Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::HeaderValue;

use super::{
    errors::{Code, Refusal, invalid},
    request::Request,
    tagging,
    world::Bucket,
};

/// PUT, copy and one part: 5 GB.
pub(super) const SINGLE_BYTES_MAX: u64 = 5 * 1024 * 1024 * 1024;
/// All user metadata of an object, names and values.
const METADATA_BYTES_MAX: usize = 2048;
/// `x-cos-traffic-limit` in bit/s.
const TRAFFIC_LIMITS: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;
pub(super) const METADATA_PREFIX: &str = "x-cos-meta-";
const CONTENT_HEADERS: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];
const STORAGE_CLASSES: [&str; 9] = [
    "STANDARD",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ARCHIVE",
    "DEEP_ARCHIVE",
    "COLD",
    "MAZ_STANDARD",
    "MAZ_STANDARD_IA",
    "MAZ_INTELLIGENT_TIERING",
];

/// Tags in the order in which they came.
pub(super) type Tags = Vec<(String, String)>;

/// What an object says of itself.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// By lower-case name.
    pub(super) content: BTreeMap<&'static str, HeaderValue>,
    /// By whole lower-case name.
    pub(super) metadata: BTreeMap<String, HeaderValue>,
    pub(super) storage_class: String,
}

impl Described {
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        let content = |name| Some((name, request.raw_header(name)?.clone()));
        Ok(Self {
            content: CONTENT_HEADERS.into_iter().filter_map(content).collect(),
            metadata: metadata(request)?,
            storage_class: storage_class(request)?,
        })
    }

    /// Nothing but the default storage class.
    pub(super) fn plain() -> Self {
        Self {
            content: BTreeMap::new(),
            metadata: BTreeMap::new(),
            storage_class: "STANDARD".to_owned(),
        }
    }

    /// All headers that GET and HEAD give back.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        let metadata = self.metadata.iter().map(|(name, value)| (name.as_str(), value));
        self.content.iter().map(|(name, value)| (*name, value)).chain(metadata)
    }
}

fn metadata(request: &Request<'_>) -> Result<BTreeMap<String, HeaderValue>, Refusal> {
    let own = request.headers.iter().filter(|(name, _)| name.as_str().starts_with(METADATA_PREFIX));
    let metadata: BTreeMap<_, _> =
        own.map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect();
    let bytes: usize =
        metadata.iter().map(|(name, value)| name.len() - METADATA_PREFIX.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(invalid(format!(
            "user metadata of {bytes} bytes is more than {METADATA_BYTES_MAX}"
        )));
    }
    Ok(metadata)
}

fn storage_class(request: &Request<'_>) -> Result<String, Refusal> {
    let class = request.header("x-cos-storage-class").unwrap_or("STANDARD");
    if STORAGE_CLASSES.contains(&class) {
        Ok(class.to_owned())
    } else {
        Err(Code::NotSupportedStorageClass.into())
    }
}

/// The tags in `x-cos-tagging`, form style.
pub(super) fn tags(request: &Request<'_>) -> Result<Tags, Refusal> {
    let Some(text) = request.header("x-cos-tagging") else { return Ok(Tags::new()) };
    let text_of = |text| {
        crate::verify::decode(text, crate::verify::Plus::Space)
            .ok_or_else(|| Refusal::from(Code::InvalidTag))
    };
    let tags: Result<Tags, Refusal> = text
        .split('&')
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((text_of(key)?, text_of(value)?))
        })
        .collect();
    tagging::check(tags?)
}

/// The length must be announced, or the body chunked, and all of it must have come.
pub(super) fn check_length(request: &Request<'_>, chunked: Chunked) -> Result<(), Refusal> {
    let body = request.body.body.len();
    match request.header("content-length") {
        None if chunked == Chunked::Accepted && request.header("transfer-encoding").is_some() => {}
        None => return Err(Code::MissingContentLength.into()),
        Some(length) => {
            let length: u64 = length.parse().map_err(|_| invalid("Content-Length"))?;
            if length > SINGLE_BYTES_MAX {
                return Err(Code::EntityTooLarge.into());
            }
            if body < length {
                return Err(Code::IncompleteBody.into());
            }
        }
    }
    if body > SINGLE_BYTES_MAX { Err(Code::EntityTooLarge.into()) } else { Ok(()) }
}

/// Whether a call takes a body without a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunked {
    Accepted,
    Refused,
}

/// A Content-MD5 must be one, and that of the body.
pub(super) fn check_digest(request: &Request<'_>) -> Result<(), Refusal> {
    let Some(text) = request.header("content-md5") else { return Ok(()) };
    let digest = BASE64_STANDARD.decode(text).ok().filter(|digest| digest.len() == 16);
    match digest {
        None => Err(Code::InvalidDigest.into()),
        Some(digest) if digest != request.body.md5 => Err(Code::BadDigest.into()),
        Some(_) => Ok(()),
    }
}

/// `x-cos-traffic-limit`, as a header or a parameter.
pub(super) fn check_traffic_limit(request: &Request<'_>) -> Result<(), Refusal> {
    const NAME: &str = "x-cos-traffic-limit";
    let Some(limit) = request.header(NAME).or_else(|| request.filled_param(NAME)) else {
        return Ok(());
    };
    if limit.parse().is_ok_and(|limit| TRAFFIC_LIMITS.contains(&limit)) {
        Ok(())
    } else {
        Err(invalid(format!("{NAME} {limit:?} must be 819200 to 838860800")))
    }
}

/// `x-cos-forbid-overwrite`, which works since the bucket never had versioning.
pub(super) fn check_overwrite(request: &Request<'_>, bucket: &Bucket) -> Result<(), Refusal> {
    match request.header("x-cos-forbid-overwrite") {
        None => Ok(()),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(()),
        Some(text) if text.eq_ignore_ascii_case("true") => match bucket.find(request.key()) {
            Some(_) => Err(Code::FileAlreadyExists.into()),
            None => Ok(()),
        },
        Some(text) => Err(invalid(format!("x-cos-forbid-overwrite {text:?}"))),
    }
}

/// Whether a `versionId` names the only version that an object of a bucket without versioning has.
pub(super) fn names_current_version(version: Option<&str>) -> bool {
    version.is_none_or(|version| version == "null")
}

/// A number in a parameter; an empty one counts as absent.
pub(super) fn number_param(
    request: &Request<'_>,
    name: &str,
    default: u64,
    allowed: std::ops::RangeInclusive<u64>,
) -> Result<u64, Refusal> {
    let Some(text) = request.filled_param(name) else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|number| allowed.contains(number))
        .ok_or_else(|| invalid(format!("{name} {text:?} must be in {allowed:?}")))
}

/// `encoding-type`: whether names are to be percent-encoded.
pub(super) fn encoding_param(request: &Request<'_>) -> Result<Encoding, Refusal> {
    match request.filled_param("encoding-type") {
        None => Ok(Encoding::None),
        Some("url") => Ok(Encoding::Url),
        Some(other) => Err(invalid(format!("encoding-type {other:?} must be url"))),
    }
}

/// How names are written in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    None,
    Url,
}

impl Encoding {
    /// Slashes stay bare, as in the service's samples.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::None => name.to_owned(),
            Self::Url => name.bytes().fold(String::new(), |mut text, byte| {
                if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
                    text.push(char::from(byte));
                } else {
                    let _ = write!(text, "%{byte:02X}");
                }
                text
            }),
        }
    }
}
