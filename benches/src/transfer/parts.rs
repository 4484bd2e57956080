//! What the floors need to upload in parts: the bare protocol, without signatures.

use crate::content;

use super::client::PART;

/// One part of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// From 1 on.
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) size: u64,
}

/// The parts of an object of this size.
pub(super) fn parts(size: u64) -> impl Iterator<Item = Part> + Send {
    (0..size.div_ceil(PART)).map(move |index| {
        let offset = index * PART;
        Part { number: index + 1, offset, size: PART.min(size - offset) }
    })
}

/// The id in the answer to Initiate.
pub(super) fn upload_id(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once("<UploadId>")?;
    rest.split_once("</UploadId>").map(|(id, _)| id)
}

/// The document that names all parts with their ETags, which are in their order.
pub(super) fn complete_document(etags: &[String]) -> String {
    let parts = (1..).zip(etags).map(|(number, etag)| {
        format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    });
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

/// The CRC-64 of a whole object as a header has it.
pub(super) fn crc_header(size: u64) -> String {
    content::crc(size).to_string()
}
