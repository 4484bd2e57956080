//! Every reader of XML: on any bytes, and on documents that are nearly right.

use std::fmt::Debug;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::choice::Choice;
use crate::{
    Rejected, Reply,
    api::{self, multipart},
    xml::{Document, is_text, push_element},
};

/// More than any page needs.
const ENTRIES_MAX: usize = 2000;

pub(super) fn xml(data: &[u8]) {
    let mut choice = Choice::of(data);
    match choice.byte() % 3 {
        0 => read_all(choice.rest()),
        1 => {
            let document = document(&mut choice);
            read_all(document.as_bytes());
        }
        _ => written_text_is_read_again(choice.rest()),
    }
}

fn read_all(body: &[u8]) {
    for read in [
        copy as fn(&[u8]) -> Outcome,
        part_copy,
        delete_result,
        list_objects,
        initiate,
        complete,
        list_parts,
        list_uploads,
    ] {
        let outcome = read(body);
        // Spaces keep the connection alive and change nothing.
        let mut delayed = b"\n   ".to_vec();
        delayed.extend_from_slice(body);
        match (&outcome, read(&delayed)) {
            (Ok(plain), Ok(late)) => assert_eq!(*plain, late),
            (Err(error), Err(_)) => {
                assert!(error.len() < 1000, "an error of {} bytes", error.len());
            }
            (plain, late) => panic!("{plain:?}, after spaces {late:?}"),
        }
    }
    for root in ROOTS {
        let walks =
            (0..3).map(|turn| (walk(body, root, true, turn), walk(body, root, false, turn)));
        for (with_leaves, by_events) in walks {
            assert_eq!(with_leaves, by_events);
        }
    }
    errors(body);
}

/// Everything in a document, some of it read as text and some passed; and why it ends.
fn walk(body: &[u8], root: &str, leaves: bool, turn: usize) -> Vec<String> {
    let mut document = match Document::open(body, root) {
        Ok(document) if leaves => document,
        Ok(document) => document.without_leaves(),
        Err(error) => return vec![format!("{error:?}")],
    };
    let (mut seen, mut depth) = (Vec::new(), 1);
    while depth > 0 {
        let name = match document.child() {
            Ok(Some(name)) => name.to_owned(),
            Ok(None) => {
                depth -= 1;
                continue;
            }
            Err(error) => {
                seen.push(format!("{error:?}"));
                break;
            }
        };
        let read = match (seen.len() + turn) % 3 {
            0 => document.text(str::to_owned),
            1 => document.skip().map(|()| "passed".to_owned()),
            _ => {
                depth += 1;
                Ok("entered".to_owned())
            }
        };
        seen.push(format!("{name}: {read:?}"));
        if read.is_err() {
            break;
        }
    }
    seen
}

/// What was read, as text to compare; or why it was refused.
type Outcome = Result<String, String>;

fn outcome(result: Result<impl Debug, Rejected>) -> Outcome {
    match result {
        Ok(read) => Ok(format!("{read:?}")),
        Err(Rejected::Retry(reason) | Rejected::Final(reason)) => Err(reason.to_string()),
    }
}

fn reply(body: &[u8]) -> Reply {
    Reply::new(Response::new(Bytes::copy_from_slice(body)), false)
}

fn copy(body: &[u8]) -> Outcome {
    outcome(api::copy_object::decode(&reply(body)))
}

fn part_copy(body: &[u8]) -> Outcome {
    outcome(multipart::upload_part_copy::decode(&reply(body)))
}

fn delete_result(body: &[u8]) -> Outcome {
    let result = api::delete_objects::decode(&reply(body));
    if let Ok(failures) = &result {
        assert!(failures.len() <= ENTRIES_MAX);
    }
    outcome(result)
}

fn list_objects(body: &[u8]) -> Outcome {
    let result = api::list_objects::decode(&reply(body));
    if let Ok(page) = &result {
        assert!(page.objects.len() + page.common_prefixes.len() <= ENTRIES_MAX);
        assert!(!page.is_truncated || page.next_marker.is_some(), "no way on: {page:?}");
    }
    outcome(result)
}

fn initiate(body: &[u8]) -> Outcome {
    let result = multipart::initiate::decode(&reply(body));
    if let Ok(id) = &result {
        assert!((1..=512).contains(&id.as_str().len()));
    }
    outcome(result)
}

fn complete(body: &[u8]) -> Outcome {
    outcome(multipart::complete::decode(&reply(body)))
}

fn list_parts(body: &[u8]) -> Outcome {
    let result = multipart::list_parts::decode(&reply(body));
    if let Ok(page) = &result {
        assert!(page.parts.len() <= ENTRIES_MAX);
        assert!(!page.is_truncated || page.next_marker.is_some(), "no way on: {page:?}");
    }
    outcome(result)
}

fn list_uploads(body: &[u8]) -> Outcome {
    let result = multipart::list_uploads::decode(&reply(body));
    if let Ok(page) = &result {
        assert!(page.uploads.len() + page.common_prefixes.len() <= ENTRIES_MAX);
        assert!(!page.is_truncated || page.next_key_marker.is_some(), "no way on: {page:?}");
    }
    outcome(result)
}

/// Outside a 200 every answer is an error; inside, only a document that says so by a code.
fn errors(body: &[u8]) {
    let mut response = Response::new(Bytes::copy_from_slice(body));
    let in_200 = api::service_error(&response, true);
    assert!(api::service_error(&response, false).is_none());
    *response.status_mut() = StatusCode::NOT_FOUND;
    let outside = api::service_error(&response, true).expect("a 404 is an error");
    for error in in_200.iter().chain([&outside]) {
        let texts = [error.code.as_deref().unwrap_or("c"), &error.message];
        for (text, max) in texts.into_iter().zip([64, 512]) {
            assert!(text.chars().count() <= max, "{} characters", text.chars().count());
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
    if let Some(error) = in_200 {
        assert!(error.code.is_some());
        assert_eq!((error.code, error.message), (outside.code, outside.message));
    }
}

const ROOTS: &[&str] = &[
    "ListBucketResult",
    "ListMultipartUploadsResult",
    "ListPartsResult",
    "InitiateMultipartUploadResult",
    "CompleteMultipartUploadResult",
    "CopyObjectResult",
    "CopyPartResult",
    "DeleteResult",
    "Error",
];
const NAMES: &[&str] = &[
    "Contents",
    "Upload",
    "Part",
    "Key",
    "CommonPrefixes",
    "Prefix",
    "IsTruncated",
    "NextMarker",
    "NextKeyMarker",
    "NextUploadIdMarker",
    "NextPartNumberMarker",
    "EncodingType",
    "UploadId",
    "Initiated",
    "LastModified",
    "ETag",
    "Size",
    "StorageClass",
    "PartNumber",
    "CRC64",
    "Location",
    "VersionId",
    "Deleted",
    "Error",
    "Code",
    "Message",
    "RequestId",
    "x:Key",
];
const TEXTS: &[&str] = &[
    "true",
    "false",
    "url",
    "a%2Fb",
    "%",
    "%zz",
    "%ff",
    "1",
    "0",
    "10000",
    "10001",
    "18446744073709551615",
    "18446744073709551616",
    "-1",
    "+1",
    "&quot;e&quot;",
    "&#65;",
    "&#0;",
    "&#x110000;",
    "&nope;",
    "&",
    "<![CDATA[x]]>",
    "<![CDATA[",
    "<!-- c -->",
    "<?p?>",
    "<!DOCTYPE x>",
    "2020-12-10T03:37:30.000Z",
    "2020-13-40T99:99:99Z",
    "\u{feff}",
    "照片/",
    "",
];

/// A document whose elements are known ones, mostly in an order of their own.
fn document(choice: &mut Choice<'_>) -> String {
    let before = choice.pick(&["", "<?xml version='1.0'?>", "\u{feff}", " \n"]);
    let mut open = vec![choice.pick(ROOTS)];
    let mut text = format!("{before}<{}>", open[0]);
    while !choice.is_empty() && text.len() < 64 * 1024 {
        let next = match choice.byte() % 8 {
            0 | 1 => {
                open.push(choice.pick(NAMES));
                format!("<{}>", open[open.len() - 1])
            }
            2 if open.len() > 1 => format!("</{}>", open.pop().unwrap_or("x")),
            3 => choice.pick(TEXTS).to_owned(),
            4 => choice.text(40).to_owned(),
            5 => format!("<{}/>", choice.pick(NAMES)),
            6 => {
                let (name, repeats) = (choice.pick(NAMES), choice.pick(&[2, 17, 2001]));
                format!("<{name}></{name}>").repeat(repeats)
            }
            _ => {
                let (name, value) = (choice.pick(NAMES), choice.text_or(TEXTS, 40));
                format!("<{name}>{value}</{name}>")
            }
        };
        text.push_str(&next);
    }
    let ends: Vec<String> = open.iter().rev().map(|name| format!("</{name}>")).collect();
    text + &ends.concat()
}

fn written_text_is_read_again(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if !is_text(text) {
        return;
    }
    let mut written = "<R>".to_owned();
    push_element(&mut written, "K", text);
    written.push_str("</R>");
    let mut document = Document::open(written.as_bytes(), "R").expect("a document");
    assert_eq!(document.child().ok().flatten(), Some("K"));
    assert_eq!(document.text(str::to_owned).ok().as_deref(), Some(text));
    assert!(matches!(document.child(), Ok(None)));
}
