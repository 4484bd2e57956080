//! Answers whose length is told wrongly, twice or not at all.

use cos_proto::{ErrorKind, FailureKind::*};

use crate::{
    ask,
    peer::Connection,
    trial::{Case, Expected},
};

/// Sends this to every request, and closes.
fn last(bytes: &'static str) -> impl Fn(&mut Connection) {
    move |peer| {
        if peer.request().is_some() {
            peer.send(bytes);
        }
    }
}

#[test]
fn answers_that_are_not_as_long_as_they_say_are_not_believed() {
    const BAD: &[cos_proto::FailureKind] = &[Malformed, Broken];
    let bad = || Expected::FailureIn(BAD);
    crate::run(&[
        Case::new(
            "shorter than announced",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\n\r\nabc"),
            ask::get,
            bad(),
        ),
        Case::new(
            "shorter than announced, an error",
            last("HTTP/1.1 404 X\r\nContent-Length: 10\r\n\r\nabc"),
            ask::get,
            bad(),
        ),
        Case::new(
            "shorter than announced, a stream",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\n\r\nabc"),
            ask::read,
            bad(),
        ),
        Case::new(
            "a length that is no number",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: ten\r\n\r\nabc"),
            ask::get,
            bad(),
        ),
        Case::new(
            "a negative length",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: -1\r\n\r\nabc"),
            ask::get,
            bad(),
        ),
        Case::new(
            "a length beyond 64 bits",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
            ),
            ask::get,
            bad(),
        ),
        Case::new(
            "a length that no memory has, to a client without a limit",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 4611686018427387904\r\n\r\nabc",
            ),
            ask::get_whatever_its_size,
            bad(),
        ),
        Case::new(
            "two lengths",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 3\r\nContent-Length: 2\r\n\r\nabc",
            ),
            ask::get,
            bad(),
        ),
        Case::new(
            "a length and chunks that are less",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
            ask::get,
            Expected::Wrong,
        ),
        Case::new(
            "a length and chunks that are less, a stream",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
            ask::read,
            Expected::Wrong,
        ),
        Case::new(
            "a length and chunks that are more",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
            ask::get,
            Expected::Wrong,
        ),
        Case::new(
            // What is beyond is not the object's.
            "a length and chunks that are more, a stream",
            last(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
            ask::read,
            Expected::Fine,
        ),
        Case::new(
            "no length, cut by closing",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\n\r\nabc"),
            ask::get,
            Expected::Wrong,
        ),
        Case::new(
            "no length, cut by closing, a stream",
            last("HTTP/1.1 200 OK\r\nETag: \"e\"\r\n\r\nabc"),
            ask::read,
            Expected::Wrong,
        ),
        Case::new(
            "chunks that end early",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
            ask::list,
            bad(),
        ),
        Case::new(
            "a chunk that ends early",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n30\r\nabc"),
            ask::list,
            bad(),
        ),
        Case::new(
            "a chunk size that is no number",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n"),
            ask::list,
            bad(),
        ),
        Case::new(
            "a chunk size beyond 64 bits",
            last(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
            ),
            ask::list,
            bad(),
        ),
        Case::new(
            "a chunk that does not end where it says",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabcdef\r\n0\r\n\r\n"),
            ask::list,
            bad(),
        ),
        Case::new(
            "an unknown coding",
            last("HTTP/1.1 200 OK\r\nTransfer-Encoding: magic\r\n\r\nabc"),
            ask::list,
            Expected::Wrong,
        ),
        Case::new(
            "no length, and a reset instead of the end",
            |peer| {
                // What it has not read when it closes makes that a reset; the client reads first.
                let _ = peer.tcp.peek(&mut [0]);
                let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
                peer.send(format!("HTTP/1.1 200 OK\r\n\r\n{list}"));
                std::thread::sleep(std::time::Duration::from_millis(50));
            },
            ask::list,
            Expected::Failure(Broken),
        ),
        Case::new("no answer at all", last(""), ask::get, Expected::Failure(Broken)),
        Case::new("half a head", last("HTTP/1.1 200 OK\r\nETag: "), ask::get, bad()),
    ]);
}

/// An object of three bytes, with its checksum.
const ABC: &str = "ETag: \"e\"\r\nx-cos-hash-crc64ecma: 3231342946509354535\r\n";

#[test]
fn unusual_answers_that_are_right_are_accepted() {
    let object = |head: &'static str| {
        move |peer: &mut Connection| {
            if peer.request().is_some() {
                peer.send(format!("{head}\r\n{ABC}Content-Length: 3\r\n\r\nabc"));
            }
        }
    };
    crate::run(&[
        Case::new("HTTP/1.0", object("HTTP/1.0 200 OK"), ask::get, Expected::Fine),
        Case::new(
            "to a client without a limit",
            object("HTTP/1.1 200 OK"),
            ask::get_whatever_its_size,
            Expected::Fine,
        ),
        Case::new("HTTP/1.0, a stream", object("HTTP/1.0 200 OK"), ask::read, Expected::Fine),
        Case::new("a status without its text", object("HTTP/1.1 200 "), ask::get, Expected::Fine),
        Case::new(
            "one 100 Continue before",
            object("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"),
            ask::get,
            Expected::Fine,
        ),
        Case::new(
            "one 103 Early Hints before",
            object("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK"),
            ask::get,
            Expected::Fine,
        ),
        Case::new(
            "a list of HTTP/1.0, until the connection closes",
            last(
                "HTTP/1.0 200 OK\r\n\r\n<ListBucketResult><IsTruncated>false</IsTruncated>\
                  <Contents><Key>folder/a</Key><ETag>\"e\"</ETag><Size>1</Size></Contents></ListBucketResult>",
            ),
            ask::list,
            Expected::Fine,
        ),
        Case::new(
            "a wrong checksum",
            |peer| {
                if peer.request().is_some() {
                    peer.send("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nx-cos-hash-crc64ecma: 7\r\nContent-Length: 3\r\n\r\nabc");
                }
            },
            ask::get,
            Expected::Kind(ErrorKind::Corrupt),
        ),
    ]);
}
