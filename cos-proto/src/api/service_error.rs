//! COS's errors (436/7730): `<Error>` documents, bodiless answers to HEAD, gateways' pages.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, header};

use super::{date, names, object_meta};
use crate::{
    ServiceError, UnixTime,
    xml::{Document, Malformed},
};

/// The error that a reply is, if it is one. `in_200` says that a 200 may hold an `<Error>`.
pub(crate) fn service_error(response: &Response<Bytes>, in_200: bool) -> Option<ServiceError> {
    let status = response.status();
    if status.is_success() && !in_200 {
        return None;
    }
    let headers = response.headers();
    let parsed = Parsed::read(response.body());
    // One that is cut before its code counts as a cut reply: its decoder sees no result.
    if status.is_success() && parsed.as_ref().is_none_or(|error| error.code.is_none()) {
        return None;
    }
    let request_id =
        object_meta::text(headers, &names::REQUEST_ID).map(|id| printable(&id, REQUEST_ID_MAX));
    let mut error = ServiceError {
        status,
        request_id: request_id.filter(|id| !id.is_empty()),
        retry_after: retry_after(headers),
        ..ServiceError::default()
    };
    match parsed {
        Some(parsed) => {
            error.code = parsed.code;
            error.message = parsed.message;
            error.request_id = error.request_id.or(parsed.request_id);
        }
        None if !response.body().is_empty() => {
            let media = object_meta::text(headers, &header::CONTENT_TYPE).unwrap_or_default();
            error.message =
                format!("an answer without an error document ({})", printable(&media, MEDIA_MAX));
        }
        None => {}
    }
    Some(error)
}

const CODE_MAX: usize = 64;
const MESSAGE_MAX: usize = 512;
const REQUEST_ID_MAX: usize = 128;
const MEDIA_MAX: usize = 64;

#[derive(Default)]
struct Parsed {
    code: Option<String>,
    message: String,
    request_id: Option<String>,
}

impl Parsed {
    /// What can be read of an `<Error>` document, which may be cut; `None` if it is something else.
    fn read(body: &[u8]) -> Option<Self> {
        // `Resource` repeats what the request named, which need not be UTF-8.
        let text = String::from_utf8_lossy(body);
        let mut document = Document::open(text.as_bytes(), "Error").ok()?;
        let mut parsed = Self::default();
        // What was read before a syntax error counts.
        let _ = parsed.fill(&mut document);
        Some(parsed)
    }

    fn fill(&mut self, document: &mut Document<'_>) -> Result<(), Malformed> {
        while let Some(name) = document.child()? {
            match name {
                "Code" => self.code = some(document.text(|text| printable(text, CODE_MAX))?),
                "Message" => self.message = document.text(|text| printable(text, MESSAGE_MAX))?,
                "RequestId" => {
                    self.request_id = some(document.text(|text| printable(text, REQUEST_ID_MAX))?);
                }
                _ => document.skip()?,
            }
        }
        Ok(())
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// One line of bounded length.
fn printable(text: &str, characters_max: usize) -> String {
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    text.trim().chars().take(characters_max).map(visible).collect()
}

/// `Retry-After`: seconds, or a date that is compared with the answer's own `Date`.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (until, now) = (UnixTime::parse_http_date(text)?, date(headers)?);
    let seconds = until.as_secs().saturating_sub(now.as_secs());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::api::testing::{response, sample, samples};

    const ID: &str = "NWZjZjZiZjZfZGRjODJhMDlfMWFjZDVfMTlmZTY5";

    #[test]
    fn every_sample_gives_its_status_and_code() {
        let mut checked = 0;
        for name in samples() {
            let parts = name
                .strip_prefix("error_")
                .and_then(|rest| rest.strip_suffix(".xml")?.split_once('_'))
                .and_then(|(status, code)| Some((status.parse().ok()?, code)));
            let Some((status, code)) = parts else { continue };
            let code = match code {
                "RequestHasExpired" => "AccessDenied",
                "delete_missing_md5" => "InvalidRequest",
                code => code,
            };
            let response = response(status, &[("x-cos-request-id", "header-id")], &sample(&name));
            let error = service_error(&response, false).expect("an error");
            assert_eq!((error.status.as_u16(), error.code.as_deref()), (status, Some(code)));
            assert_eq!(error.request_id.as_deref(), Some("header-id"));
            assert!(!error.message.is_empty() && error.retry_after.is_none());
            checked += 1;
        }
        assert_eq!(checked, 24);
    }

    #[test]
    fn the_message_is_whole_and_the_id_of_the_document_serves_where_the_header_lacks() {
        let body = sample("error_403_RequestHasExpired.xml");
        let error = service_error(&response(403, &[], &body), false).expect("an error");
        assert_eq!(error.message, "Request has expired");
        assert_eq!(error.request_id.as_deref(), Some(ID));
        let body = sample("error_403_SignatureDoesNotMatch.xml");
        let error = service_error(&response(403, &[], &body), false).expect("an error");
        assert_eq!(error.message, "The Signature you specified is invalid.");
        let body = sample("error_empty_trace_and_resource.xml");
        let error = service_error(&response(500, &[], &body), false).expect("an error");
        assert_eq!(error.message, "internal error");
    }

    #[test]
    fn a_bodiless_answer_to_head_has_its_status_only() {
        for status in [304, 400, 403, 404, 412, 500] {
            let response = response(status, &[("x-cos-request-id", ID)], "");
            let error = service_error(&response, false).expect("an error");
            let expected = ServiceError {
                status: StatusCode::from_u16(status).expect("a status"),
                request_id: Some(ID.to_owned()),
                ..ServiceError::default()
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn a_gateways_page_has_no_code_and_no_id() {
        let body = sample("gateway_502_not_xml.html");
        let response = response(502, &[("content-type", "text/html")], &body);
        let error = service_error(&response, false).expect("an error");
        assert_eq!((error.status.as_u16(), error.code, error.request_id), (502, None, None));
        assert_eq!(error.message, "an answer without an error document (text/html)");
    }

    #[test]
    fn an_error_in_a_200_counts_where_the_call_says_so() {
        for (name, code) in [
            ("complete_200_with_error.xml", "InternalError"),
            ("copy_200_with_error.xml", "SlowDown"),
        ] {
            let response = response(200, &[], &sample(name));
            let error = service_error(&response, true).expect("an error");
            assert_eq!((error.status, error.code.as_deref()), (StatusCode::OK, Some(code)));
            assert_eq!(service_error(&response, false), None);
        }
        for body in ["", "  ", "<CopyObjectResult/>", "<Error><Code>Slow", "<Error/>", "<html/>"] {
            assert_eq!(service_error(&response(200, &[], body), true), None, "{body}");
        }
    }

    #[test]
    fn what_can_be_read_of_a_broken_document_counts() {
        for body in [
            "<Error><Code>SlowDown</Code><Mess",
            "<Error><Code>SlowDown</Code><Message>&unknown;</Message></Error>",
            "<Error xmlns='u'><Code> SlowDown </Code></Wrong>",
        ] {
            let error = service_error(&response(503, &[], body), false).expect("an error");
            assert_eq!(error.code.as_deref(), Some("SlowDown"), "{body}");
        }
        let body = b"<Error><Resource>\xff</Resource><Code>NoSuchKey</Code></Error>";
        let response = response(404, &[], "").map(|_| Bytes::from_static(body));
        let error = service_error(&response, false).expect("an error");
        assert_eq!(error.code.as_deref(), Some("NoSuchKey"));
    }

    #[test]
    fn texts_are_one_line_of_bounded_length() {
        let long = "m".repeat(10_000);
        let body = format!("<Error><Code>{long}</Code><Message>a\nb\u{7f}{long}</Message></Error>");
        let response = response(400, &[("x-cos-request-id", &long)], &body);
        let error = service_error(&response, false).expect("an error");
        assert_eq!(error.code.expect("a code").len(), CODE_MAX);
        assert!(error.message.starts_with("a b m") && error.message.len() == MESSAGE_MAX);
        assert_eq!(error.request_id.expect("an id").len(), REQUEST_ID_MAX);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (headers, expected) in [
            (vec![("retry-after", "120")], Some(120)),
            (vec![("retry-after", " 0 ")], Some(0)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), date], Some(60)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:40:37 GMT"), date], Some(0)),
            (vec![("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "soon"), date], None),
            (vec![], None),
        ] {
            let error = service_error(&response(503, &headers, ""), false).expect("an error");
            assert_eq!(error.retry_after, expected.map(Duration::from_secs), "{headers:?}");
        }
    }
}
