//! The bucket, the key and the answers that all measurements are made with.

use std::error::Error;

use cos_proto::{
    Bucket, Credentials, Endpoint, Key, Machine, Now, Output, Policy, Region, Session, Ticks,
    UnixTime, api::GetOptions, op::Head,
};
use http::Response;

pub(super) const BUCKET: &str = "examplebucket-1250000000";
pub(super) const HOST: &str = "examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com";
pub(super) const SECRET_ID: &str = "AKIDexampleexampleexampleexampleexam";
pub(super) const SECRET_KEY: &str = "exampleexampleexampleexampleexam";
/// A blob of a registry.
pub(super) const KEY: &str = "docker/registry/v2/blobs/sha256/9f/\
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/data";
pub(super) const NOW: Now = Now { ticks: Ticks::ZERO, unix: UnixTime::from_secs(1_795_145_850) };

/// A session that has signed before, so that its sign key is there.
pub(super) fn session() -> Result<Session, Box<dyn Error>> {
    let (bucket, region) = (Bucket::new(BUCKET)?, Region::new("ap-guangzhou")?);
    let endpoint = Endpoint::of(&bucket, &region, true);
    let session = Session::new(bucket, region, endpoint).with_credentials(credentials());
    let head = Head::new(key()?, GetOptions::new());
    match Machine::new(head, session.clone(), Policy::default(), 0).poll_output(NOW) {
        Output::Send(_) => Ok(session),
        _ => Err("the session does not sign".into()),
    }
}

pub(super) fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET_KEY)
}

pub(super) fn key() -> Result<Key, Box<dyn Error>> {
    Ok(Key::new(KEY)?)
}

/// A reply with the header fields that COS gives every reply, and these.
pub(super) fn reply<T>(
    fields: &[(&str, &str)],
    length: usize,
    body: T,
) -> Result<Response<T>, http::Error> {
    let mut reply = Response::builder()
        .header("content-length", length)
        .header("connection", "keep-alive")
        .header("date", "Fri, 20 Nov 2026 03:37:30 GMT")
        .header("server", "tencent-cos")
        .header("x-cos-request-id", "NjU1YWQ3NGFfMTIzNDU2NzhfYWJjZF8xMjM0NTY3")
        .header("x-cos-trace-id", "OGVmYzZiMmQzYjA2OWNhODk0NTRkMTBiOWVmMDAxODc");
    for (name, value) in fields {
        reply = reply.header(*name, *value);
    }
    reply.body(body)
}
