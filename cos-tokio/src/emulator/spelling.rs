//! Header names as COS spells them.
//!
//! They mean the same in any case, but the Python SDK puts them into a case-sensitive dictionary,
//! looks for `ETag` there, and hands it on to its users.

use std::io;

use bytes::Bytes;
use http::{Extensions, Request};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// The names that are not all in lower case.
const NAMES: [&str; 17] = [
    "Accept-Ranges",
    "Allow",
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Expires",
    "Last-Modified",
    "Retry-After",
    "Server",
    "x-cos-server-side-encryption-customer-key-MD5",
];

/// Extensions with which hyper writes a response's header names in this spelling.
///
/// hyper writes lower case unless a message carries the spelling of one that it has parsed, which
/// cannot be made in another way; so it is given one to parse.
pub(super) async fn spelling() -> io::Result<Extensions> {
    let (near, far) = duplex(4096);
    let (mut sender, connection) = http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(near))
        .await
        .map_err(io::Error::other)?;
    // A HEAD, so that no header says anything about a body.
    let request = Request::head("/").body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
    let answer = async move { sender.send_request(request).await };
    let (answer, _, ()) = tokio::try_join!(
        async { answer.await.map_err(io::Error::other) },
        async { Ok(connection.await) },
        respond(far)
    )?;
    Ok(answer.into_parts().0.extensions)
}

async fn respond(mut far: DuplexStream) -> io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        asked.push(far.read_u8().await?);
    }
    let mut answer = String::from("HTTP/1.1 200 OK\r\n");
    for name in NAMES {
        answer.extend([name, ": 0\r\n"]);
    }
    answer.push_str("\r\n");
    far.write_all(answer.as_bytes()).await
}
