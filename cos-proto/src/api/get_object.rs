//! GET Object (436/7753).

use std::borrow::Cow;

use http::{HeaderMap, Method, Response, StatusCode, header};

use super::{ByteRange, Conditions, SseC, TrafficLimit, object_meta};
use crate::{Call, CallKind, Key, ObjectMeta, Reason, Rejected, Reply, ReplyMode};

/// What to read of an object, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GetOptions {
    /// These bytes only.
    pub range: Option<ByteRange>,
    /// When to read at all.
    pub conditions: Conditions,
    /// This version, in a bucket that has versions.
    pub version_id: Option<String>,
    /// Header fields that COS is to answer with instead of the stored ones.
    pub response: ResponseOverrides,
    /// The key of an object under SSE-C.
    pub sse_c: Option<SseC>,
    /// How fast COS serves the bytes.
    pub traffic_limit: Option<TrafficLimit>,
}

impl GetOptions {
    /// The whole object as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// These bytes only.
    #[must_use]
    pub fn range(mut self, range: ByteRange) -> Self {
        self.range = Some(range);
        self
    }

    /// When to read at all.
    #[must_use]
    pub fn conditions(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }

    /// This version.
    #[must_use]
    pub fn version_id(mut self, version_id: impl Into<String>) -> Self {
        self.version_id = Some(version_id.into());
        self
    }

    /// Header fields that COS is to answer with.
    #[must_use]
    pub fn response(mut self, response: ResponseOverrides) -> Self {
        self.response = response;
        self
    }

    /// The key of an object under SSE-C.
    #[must_use]
    pub fn sse_c(mut self, key: SseC) -> Self {
        self.sse_c = Some(key);
        self
    }

    /// How fast COS serves the bytes.
    #[must_use]
    pub fn traffic_limit(mut self, limit: TrafficLimit) -> Self {
        self.traffic_limit = Some(limit);
        self
    }
}

/// Header fields of the reply to a GET. Buckets made since 2024 override `Content-Disposition` by
/// `attachment` all the same when they are reached by their default host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseOverrides {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
}

impl ResponseOverrides {
    /// Query parameters, of which the given ones are sent.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("response-content-type", &self.content_type),
            ("response-content-language", &self.content_language),
            ("response-expires", &self.expires),
            ("response-cache-control", &self.cache_control),
            ("response-content-disposition", &self.content_disposition),
            ("response-content-encoding", &self.content_encoding),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// The head of the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GetHead {
    pub(crate) meta: ObjectMeta,
    /// What of the object follows; `None` is all of it (status 200).
    pub(crate) range: Option<ContentRange>,
}

/// `Content-Range`: bytes `first` to `last`, both with, of `size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) size: u64,
}

/// Reads the object as a stream.
pub(crate) fn call(key: &Key, options: &GetOptions) -> Call {
    let mut call = Call::new(CallKind::GetObject, Method::GET, Some(key.clone()));
    write(options, &mut call);
    call.reply = ReplyMode::Stream;
    call
}

/// Reads the object in one piece of at most `bytes_max`.
pub(crate) fn call_collected(key: &Key, options: &GetOptions, bytes_max: usize) -> Call {
    let mut call = call(key, options);
    call.reply = ReplyMode::Collect { bytes_max };
    call
}

/// The options on a GET or HEAD.
pub(crate) fn write(options: &GetOptions, call: &mut Call) {
    if let Some(version) = &options.version_id {
        call.query.push(("versionId".into(), version.clone().into()));
    }
    for (name, value) in options.response.parameters() {
        call.query.push((name.into(), value.to_owned().into()));
    }
    if let Some(range) = options.range {
        call.headers.insert(header::RANGE, range.header());
    }
    options.conditions.write(&mut call.headers);
    if let Some(key) = &options.sse_c {
        key.write(&mut call.headers);
    }
    if let Some(limit) = options.traffic_limit {
        limit.write(&mut call.headers);
    }
}

/// Reads the head of a streamed reply.
pub(crate) fn head(response: &Response<()>) -> Result<GetHead, Rejected> {
    decode_head(response.status(), response.headers())
}

/// Reads the head of a collected reply; its body is whole.
pub(crate) fn decode(reply: &Reply) -> Result<GetHead, Rejected> {
    let head = decode_head(reply.status(), reply.headers())?;
    let got = u64::try_from(reply.body().len()).unwrap_or(u64::MAX);
    let expected = head.range.map_or(head.meta.size, ContentRange::length);
    if got == expected { Ok(head) } else { Err(Rejected::Retry(Reason::Short { got, expected })) }
}

fn decode_head(status: StatusCode, headers: &HeaderMap) -> Result<GetHead, Rejected> {
    let (size, range) = if status == StatusCode::PARTIAL_CONTENT {
        let range = content_range(headers)?;
        (range.size, Some(range))
    } else {
        (content_length(headers)?, None)
    };
    Ok(GetHead { meta: object_meta::decode(headers, size)?, range })
}

impl ContentRange {
    /// How many bytes these are.
    pub(crate) fn length(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// Reads `bytes 0-9/100`.
    fn parse(text: &str) -> Option<Self> {
        let (range, size) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let range =
            Self { first: first.parse().ok()?, last: last.parse().ok()?, size: size.parse().ok()? };
        (range.first <= range.last && range.last < range.size).then_some(range)
    }
}

fn content_range(headers: &HeaderMap) -> Result<ContentRange, Rejected> {
    let text = object_meta::text(headers, &header::CONTENT_RANGE);
    text.as_deref().and_then(ContentRange::parse).ok_or_else(|| malformed("Content-Range", text))
}

/// The object's size from the `Content-Range: bytes */size` of a 416, if it is there.
pub(crate) fn unsatisfied_size(headers: &HeaderMap) -> Option<u64> {
    let text = object_meta::text(headers, &header::CONTENT_RANGE)?;
    text.trim().strip_prefix("bytes */")?.parse().ok()
}

/// `Content-Length`, which COS sends with every object.
pub(crate) fn content_length(headers: &HeaderMap) -> Result<u64, Rejected> {
    let text = object_meta::text(headers, &header::CONTENT_LENGTH);
    text.as_deref()
        .and_then(|text| text.trim().parse().ok())
        .ok_or_else(|| malformed("Content-Length", text))
}

fn malformed(name: &str, value: Option<Cow<'_, str>>) -> Rejected {
    Rejected::Retry(Reason::Malformed(match value {
        Some(value) => format!("header {name}: {:?}", value.chars().take(80).collect::<String>()),
        None => format!("no header {name}"),
    }))
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::{
        ETag, Reported, UnixTime,
        api::testing::{assert_wire, head as response, key, reply},
    };

    #[test]
    fn asks_for_the_whole_object_without_a_range() {
        let call = call(&key("dir/a//b"), &GetOptions::new());
        assert_eq!(call.reply, ReplyMode::Stream);
        assert_wire(call, &["GET /dir/a/%2Fb"]);
        let call = call_collected(&key("k"), &GetOptions::new(), 7);
        assert_eq!(call.reply, ReplyMode::Collect { bytes_max: 7 });
    }

    #[test]
    fn asks_for_ranges_as_http_writes_them() {
        let length = NonZeroU64::new(10).expect("10");
        for (range, value) in [
            (Some(ByteRange::starting_at(5)), "bytes=5-"),
            (ByteRange::inclusive(0, 0), "bytes=0-0"),
            (ByteRange::inclusive(5, 9), "bytes=5-9"),
            (Some(ByteRange::with_length(5, length)), "bytes=5-14"),
            (
                Some(ByteRange::with_length(u64::MAX, length)),
                "bytes=18446744073709551615-18446744073709551615",
            ),
            (Some(ByteRange::last(length)), "bytes=-10"),
        ] {
            let options = GetOptions::new().range(range.expect(value));
            assert_wire(call(&key("k"), &options), &["GET /k", &format!("range: {value}")]);
        }
        assert_eq!(ByteRange::inclusive(1, 0), None);
    }

    #[test]
    fn sends_every_option() {
        let at = UnixTime::from_secs(784_111_777);
        let conditions = Conditions::new()
            .if_match(ETag::new("a"))
            .if_none_match(ETag::new("\"b\""))
            .if_modified_since(at)
            .if_unmodified_since(at);
        let response = ResponseOverrides {
            content_type: Some("text/plain; a=b".to_owned()),
            content_language: Some("en".to_owned()),
            expires: Some("0".to_owned()),
            cache_control: Some("no-cache".to_owned()),
            content_disposition: Some("inline".to_owned()),
            content_encoding: Some("gzip".to_owned()),
        };
        let options = GetOptions::new()
            .conditions(conditions)
            .version_id("MTg0+/=")
            .response(response)
            .sse_c(SseC::new([7; 32]))
            .traffic_limit(TrafficLimit::new(TrafficLimit::MAX).expect("a limit"));
        assert_wire(
            call(&key("k"), &options),
            &[
                "GET /k?versionId=MTg0%2B%2F%3D&response-content-type=text%2Fplain%3B%20a%3Db\
             &response-content-language=en&response-expires=0&response-cache-control=no-cache\
             &response-content-disposition=inline&response-content-encoding=gzip",
                "if-match: \"a\"",
                "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT",
                "if-none-match: \"b\"",
                "if-unmodified-since: Sun, 06 Nov 1994 08:49:37 GMT",
                "x-cos-server-side-encryption-customer-algorithm: AES256",
                "x-cos-server-side-encryption-customer-key: BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
                "x-cos-server-side-encryption-customer-key-md5: y4HAEFCYWuvAXWFTtA1Qpg==",
                "x-cos-traffic-limit: 838860800",
            ],
        );
    }

    #[test]
    fn a_condition_that_no_header_can_carry_is_sent_as_one_that_cannot_hold() {
        let conditions = Conditions::new().if_match(ETag::new("a\nb"));
        let call = call(&key("k"), &GetOptions::new().conditions(conditions));
        assert_wire(call, &["GET /k", "if-match: %22a%0Ab%22"]);
    }

    #[test]
    fn the_size_is_that_of_the_whole_object() {
        let whole = head(&response(200, &[("etag", "\"e\""), ("content-length", "16")]));
        let whole = whole.expect("a head");
        assert_eq!((whole.meta.size, whole.range), (16, None));
        let headers =
            [("etag", "\"e\""), ("content-length", "4"), ("content-range", "bytes 2-5/16")];
        let part = head(&response(206, &headers)).expect("a head");
        let range = ContentRange { first: 2, last: 5, size: 16 };
        assert_eq!((part.meta.size, part.range), (16, Some(range)));
        assert_eq!(range.length(), 4);
    }

    #[test]
    fn a_head_that_does_not_say_how_much_follows_does_not_count() {
        for (status, name, value) in [
            (200, "x", "y"),
            (200, "content-length", "-1"),
            (200, "content-length", "many"),
            (206, "content-length", "4"),
            (206, "content-range", "bytes 2-5/*"),
            (206, "content-range", "bytes */16"),
            (206, "content-range", "bytes 5-2/16"),
            (206, "content-range", "bytes 2-16/16"),
            (206, "content-range", "2-5/16"),
            (206, "content-range", "bytes 2-5/99999999999999999999"),
        ] {
            let response = response(status, &[("etag", "\"e\""), (name, value)]);
            assert!(matches!(head(&response), Err(Rejected::Retry(_))), "{name}: {value}");
        }
    }

    #[test]
    fn a_collected_body_must_be_whole() {
        let headers = [("etag", "\"e\""), ("content-length", "5")];
        assert_eq!(decode(&reply(200, &headers, "12345")).expect("whole").meta.size, 5);
        let short = decode(&reply(200, &headers, "1234"));
        let Err(Rejected::Retry(Reason::Short { got: 4, expected: 5 })) = short else {
            panic!("{short:?}")
        };
    }

    #[test]
    fn the_crc_of_an_appendable_object_is_not_used() {
        let mut headers = vec![
            ("etag", "\"e\""),
            ("content-length", "5"),
            ("x-cos-hash-crc64ecma", "7"),
            ("x-cos-object-type", "normal"),
        ];
        let crc = |headers: &[_]| head(&response(200, headers)).expect("a head").meta.crc64;
        assert_eq!(crc(&headers), Reported::Value(7));
        headers[3].1 = "appendable";
        assert_eq!(crc(&headers), Reported::Absent);
    }
}
