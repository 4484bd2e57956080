//! Multipart uploads.

use cos_proto::combine;
use http::StatusCode;
use hyper::body::Incoming;

use super::{
    object::{parse_range, source_key},
    reply::{self, Answer},
    request::{Asked, receive, receive_document},
    store::{MODIFIED_ISO, Object, Store, Upload},
};
use crate::content;

pub(super) fn initiate(store: &Store, asked: &Asked) -> Answer {
    let id = store.next_upload_id();
    let answer = reply::xml(format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<InitiateMultipartUploadResult>\
         <Bucket>bench-1250000000</Bucket><Key/><UploadId>{id}</UploadId>\
         </InitiateMultipartUploadResult>"
    ));
    store.held().uploads.insert((asked.key.clone(), id), Upload::new());
    answer
}

pub(super) async fn upload_part(
    store: &Store,
    asked: &Asked,
    body: Incoming,
) -> Result<Answer, hyper::Error> {
    let received = receive(body).await?;
    let number = asked.param("partNumber").and_then(|number| number.parse().ok());
    let Some(number) = number.filter(|number| (1..=10_000).contains(number)) else {
        return Ok(reply::error(StatusCode::BAD_REQUEST, "InvalidArgument"));
    };
    let (part, answer) = match asked.header("x-cos-copy-source") {
        None => {
            let part = Object::from(received);
            let answer = reply::written(&part);
            (part, answer)
        }
        Some(source) => match copied_part(store, asked, source) {
            Some(copied) => copied,
            None => return Ok(reply::no_such_key()),
        },
    };
    Ok(match store.held().uploads.get_mut(&name(asked)) {
        None => no_such_upload(),
        Some(upload) => {
            upload.insert(number, Object { bytes: None, ..part });
            answer
        }
    })
}

fn copied_part(store: &Store, asked: &Asked, source: &str) -> Option<(Object, Answer)> {
    let from = store.find(&source_key(source))?;
    let range = asked.header("x-cos-copy-source-range");
    let range = range.and_then(|text| parse_range(text, from.size)).unwrap_or(0..from.size);
    let size = range.end - range.start;
    let crc = content::crc_of_range(range.start, size);
    let part = Object { size, crc, parts: 0, bytes: None };
    let answer = reply::xml(format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<CopyPartResult><ETag>\"{}\"</ETag>\
         <LastModified>{MODIFIED_ISO}</LastModified><CRC64>{crc}</CRC64></CopyPartResult>",
        part.etag()
    ));
    Some((part, answer))
}

/// The parts must be named in order with their ETags.
pub(super) async fn complete(
    store: &Store,
    asked: &Asked,
    body: Incoming,
) -> Result<Answer, hyper::Error> {
    let document = receive_document(body).await?;
    let mut held = store.held();
    let Some(upload) = held.uploads.get(&name(asked)) else { return Ok(no_such_upload()) };
    let mut whole = Object { size: 0, crc: 0, parts: 0, bytes: None };
    for named in document.split("<Part>").skip(1) {
        let number = element(named, "PartNumber").and_then(|number| number.trim().parse().ok());
        let part = number.and_then(|number| upload.get(&number));
        let Some(part) = part.filter(|part| is_tagged(named, part)) else {
            return Ok(reply::error(StatusCode::BAD_REQUEST, "InvalidPart"));
        };
        whole.crc = combine(whole.crc, part.crc, part.size);
        whole.size += part.size;
        whole.parts += 1;
    }
    let mut answer = reply::xml(format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<CompleteMultipartUploadResult>\
         <Location>http://bench/key</Location><Bucket>bench-1250000000</Bucket><Key/>\
         <ETag>\"{}\"</ETag></CompleteMultipartUploadResult>",
        whole.etag()
    ));
    answer.headers_mut().insert(reply::CRC, reply::value(&whole.crc.to_string()));
    held.uploads.remove(&name(asked));
    held.objects.insert(asked.key.clone(), whole);
    Ok(answer)
}

pub(super) fn abort(store: &Store, asked: &Asked) -> Answer {
    match store.held().uploads.remove(&name(asked)) {
        Some(_) => reply::empty(StatusCode::NO_CONTENT),
        None => no_such_upload(),
    }
}

fn is_tagged(named: &str, part: &Object) -> bool {
    element(named, "ETag").is_some_and(|tag| tag.contains(&part.etag()))
}

fn no_such_upload() -> Answer {
    reply::error(StatusCode::NOT_FOUND, "NoSuchUpload")
}

fn name(asked: &Asked) -> (String, String) {
    (asked.key.clone(), asked.param("uploadId").unwrap_or_default().to_owned())
}

/// The raw text of the first element of this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(inner, _)| inner)
}
