//! As much of a service as an upload of six MiB by parts of five needs.

use cos_proto::Crc64;

use crate::peer::answer;

/// What an upload's content is made of.
pub const BYTE: u8 = 7;

/// The answer to a request with this first line, in lower case; `upload` is the id of a new upload.
pub fn reply(line: &str, upload: &str) -> String {
    if line.starts_with("post") && line.contains("?uploads") {
        let id = format!("<UploadId>{upload}</UploadId>");
        let body = format!("<InitiateMultipartUploadResult>{id}</InitiateMultipartUploadResult>");
        answer("200 OK", "", &body)
    } else if line.contains("partnumber=1") {
        answer("200 OK", &headers(5 << 20), "")
    } else if line.contains("partnumber=2") {
        answer("200 OK", &headers(1 << 20), "")
    } else if line.starts_with("post") {
        let body =
            "<CompleteMultipartUploadResult><ETag>\"e-2\"</ETag></CompleteMultipartUploadResult>";
        answer("200 OK", &headers(6 << 20), body)
    } else if line.starts_with("put") {
        // The record: it is not read again.
        answer("200 OK", "ETag: \"e\"\r\n", "")
    } else if line.contains("?uploads") {
        let body = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>";
        answer("200 OK", "", body)
    } else if line.starts_with("delete") {
        "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
    } else {
        answer("404 Not Found", "x-cos-request-id: r\r\n", "")
    }
}

fn headers(length: usize) -> String {
    let mut crc = Crc64::new();
    crc.update(&vec![BYTE; length]);
    format!("ETag: \"e\"\r\nx-cos-hash-crc64ecma: {}\r\n", crc.value())
}
