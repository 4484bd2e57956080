//! What the tests of the calls share: requests as they go over the wire, replies from samples.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{
    Bucket, Call, Credentials, Endpoint, Key, PartNumber, Region, Reply, Session, UnixTime,
    UploadId,
};

/// The request line, the headers in order and the body, without what is the same for all requests.
pub(crate) fn wire(call: Call) -> String {
    let bucket = Bucket::new("examplebucket-1250000000").expect("bucket");
    let region = Region::new("ap-beijing").expect("region");
    let endpoint = Endpoint::of(&bucket, &region, true);
    let session = Session::new(bucket, region, endpoint)
        .with_credentials(Credentials::new("AKIDFAKE", "FAKEKEY"));
    let signing = session.signing(UnixTime::from_secs(1_586_511_365)).expect("credentials");
    let signed = session.sign(signing, call).expect("signed");
    let request = signed.request;
    let target = request.uri().path_and_query().expect("a target");
    let mut lines = vec![format!("{} {target}", request.method())];
    let mut headers: Vec<(&str, &str)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
        .filter(|(name, _)| !matches!(*name, "authorization" | "host" | "user-agent"))
        .collect();
    headers.sort_unstable();
    lines.extend(headers.iter().map(|(name, value)| format!("{name}: {value}")));
    if !request.body().is_empty() {
        let body = request.body().to_bytes();
        lines.push(str::from_utf8(&body).expect("text").to_owned());
    }
    lines.join("\n")
}

/// A call is on the wire what these lines say.
#[track_caller]
pub(crate) fn assert_wire(call: Call, lines: &[&str]) {
    assert_eq!(wire(call), lines.join("\n"));
}

pub(crate) fn key(key: &str) -> Key {
    Key::new(key).expect(key)
}

pub(crate) fn upload_id() -> UploadId {
    UploadId::new("1763609850cbb7df").expect("an upload id")
}

pub(crate) fn part(number: u16) -> PartNumber {
    PartNumber::new(number).expect("a part number")
}

pub(crate) fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let mut builder = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Bytes::copy_from_slice(body.as_bytes())).expect("a response")
}

pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    Reply::new(response(status, headers, body), false)
}

pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Response<()> {
    response(status, headers, "").map(|_| ())
}

/// A body of the samples.
pub(crate) fn sample(name: &str) -> String {
    let path = format!("{}/tests/data/samples/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names of all samples.
pub(crate) fn samples() -> Vec<String> {
    let path = format!("{}/tests/data/samples", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<String> = std::fs::read_dir(path)
        .expect("samples")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    names
}
