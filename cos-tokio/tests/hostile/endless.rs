//! Peers that never come to an end, or never begin.

use std::time::Duration;

use cos_proto::{ErrorKind, FailureKind::*};

use crate::{
    ask,
    peer::{Connection, answer},
    service::reply,
    trial::{Case, Expected, Speech},
};

/// A second, as the time-outs of these tests are scaled.
const TICK: Duration = Duration::from_millis(20);

#[test]
fn peers_that_say_nothing_or_too_little_end_by_a_time_out() {
    let silent = |peer: &mut Connection| {
        peer.request();
        peer.idle();
    };
    let dripping = |start: &'static str, piece: &'static str| {
        move |peer: &mut Connection| {
            if peer.request().is_some() && peer.send(start) {
                peer.drip(piece, TICK);
            }
        }
    };
    let stops = |start: &'static str| {
        move |peer: &mut Connection| {
            if peer.request().is_some() && peer.send(start) {
                peer.idle();
            }
        }
    };
    crate::run(&[
        Case::new(
            "accepts and never reads",
            |_: &mut Connection| {
                std::thread::sleep(TICK * 100);
            },
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new("reads and never answers a GET", silent, ask::get, Expected::Failure(Timeout))
            .slow(),
        Case::new(
            "reads and never answers a stream",
            silent,
            ask::read,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new("reads and never answers a list", silent, ask::list, Expected::Failure(Timeout))
            .slow(),
        Case::new("reads and never answers a PUT", silent, ask::put, Expected::Unknown(Timeout))
            .slow(),
        Case::new(
            "drips a head",
            dripping("HTTP/1.1 200 OK\r\nx: ", "y"),
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new(
            "drips headers",
            dripping("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
            ask::get,
            Expected::FailureIn(&[Timeout, Malformed]),
        )
        .slow(),
        Case::new(
            "drips an answer",
            dripping("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 9999\r\n\r\n", "y"),
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new(
            "drips an error",
            dripping("HTTP/1.1 500 X\r\nContent-Length: 9999\r\n\r\n", "y"),
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new(
            "stops in a head",
            stops("HTTP/1.1 200 OK\r\nETag"),
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new(
            "stops in an answer",
            stops("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 9999\r\n\r\nabc"),
            ask::get,
            Expected::Failure(Timeout),
        )
        .slow(),
        Case::new(
            "stops in a stream, at the same byte again and again",
            stops("HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 9999\r\n\r\n"),
            ask::read,
            Expected::Failure(Timeout),
        )
        .slow(),
    ]);
}

/// What a head may have, and what two sockets hold besides.
const HEAD: u64 = 17 << 20;

#[test]
fn heads_that_never_end_are_given_up_early() {
    crate::run(&heads());
}

/// Heads that never end.
pub fn heads() -> Vec<Case> {
    let flood = |start: &'static str, piece: &'static str| {
        move |peer: &mut Connection| {
            if peer.request().is_some() && peer.send(start) {
                peer.flood(piece);
            }
        }
    };
    let refused = || Expected::FailureIn(&[Malformed, Broken]);
    vec![
        Case::new(
            "endless headers",
            flood("HTTP/1.1 200 OK\r\n", "x-header: value\r\n"),
            ask::get,
            refused(),
        )
        .pushing(HEAD),
        Case::new("an endless header", flood("HTTP/1.1 200 OK\r\nx: ", "y"), ask::get, refused())
            .pushing(HEAD),
        Case::new("an endless header name", flood("HTTP/1.1 200 OK\r\n", "y"), ask::get, refused())
            .pushing(HEAD),
        Case::new("an endless status", flood("HTTP/1.1 200 ", "OK"), ask::get, refused())
            .pushing(HEAD),
        Case::new(
            "endless empty lines",
            flood("", "\r\n"),
            ask::get,
            Expected::FailureIn(&[Malformed, Broken, Timeout]),
        )
        .slow()
        .pushing(u64::MAX),
        Case::new("endless garbage", flood("", "garbage"), ask::get, refused()).pushing(HEAD),
        Case::new(
            "endless headers of a stream",
            flood("HTTP/1.1 200 OK\r\n", "x-header: value\r\n"),
            ask::read,
            refused(),
        )
        .pushing(HEAD),
        // Nothing of them is kept, so it is the time that ends them.
        Case::new(
            "endless 100 Continue",
            flood("", "HTTP/1.1 100 Continue\r\n\r\n"),
            ask::get,
            Expected::FailureIn(&[Timeout, Malformed, Broken]),
        )
        .slow()
        .pushing(u64::MAX),
        Case::new(
            "endless 103 Early Hints",
            flood("", "HTTP/1.1 103 X\r\nlink: </a>\r\n\r\n"),
            ask::get,
            Expected::FailureIn(&[Timeout, Malformed, Broken]),
        )
        .slow()
        .pushing(u64::MAX),
        Case::new(
            "drips 100 Continue",
            |peer| {
                if peer.request().is_some() {
                    peer.drip("HTTP/1.1 100 Continue\r\n\r\n", TICK);
                }
            },
            ask::get,
            Expected::FailureIn(&[Timeout, Malformed]),
        )
        .slow(),
    ]
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn answers_that_never_end_are_cut_off_at_their_bound() {
    crate::run(&answers());
}

/// Answers that never end.
pub fn answers() -> Vec<Case> {
    let flood = |start: &'static str, piece: &'static str| {
        move |peer: &mut Connection| {
            if peer.request().is_some() && peer.send(start) {
                peer.flood(piece);
            }
        }
    };
    // What COS says while it works, for ever.
    let spaces = || format!("400\r\n{}\r\n", " ".repeat(1 << 10));
    let copies = move |peer: &mut Connection| {
        while let Some(line) = peer.request() {
            if line.starts_with("put") && peer.send(CHUNKED) {
                peer.flood(spaces());
            } else if !peer.send(answer("200 OK", "ETag: \"e\"\r\n", "")) {
                return;
            }
        }
    };
    let completes = move |peer: &mut Connection| {
        while let Some(line) = peer.request() {
            if line.starts_with("post") && line.contains("uploadid=") && peer.send(CHUNKED) {
                peer.flood(spaces());
            } else if !peer.send(reply(&line, "id")) {
                return;
            }
        }
    };
    vec![
        Case::new(
            "an endless list",
            |peer| {
                if peer.request().is_some() && peer.send(CHUNKED) {
                    peer.flood(format!("400\r\n{}\r\n", "x".repeat(1 << 10)));
                }
            },
            ask::list,
            Expected::Failure(ReplyTooLarge),
        ),
        // Most of what comes is not the answer's.
        Case::new(
            "an endless list in tiny chunks",
            flood(CHUNKED, "1\r\nx\r\n"),
            ask::list,
            Expected::FailureIn(&[ReplyTooLarge, Timeout]),
        )
        .pushing(u64::MAX),
        Case::new(
            "an endless list in large chunks",
            |peer| {
                if peer.request().is_some() && peer.send(CHUNKED) {
                    let chunk = format!("100000\r\n{}\r\n", "x".repeat(1 << 20));
                    peer.flood(chunk);
                }
            },
            ask::list,
            Expected::Failure(ReplyTooLarge),
        ),
        Case::new(
            "an endless list until the connection closes",
            flood("HTTP/1.1 200 OK\r\n\r\n", "x"),
            ask::list,
            Expected::Failure(ReplyTooLarge),
        ),
        Case::new(
            "a list that is announced to be huge",
            flood("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", "x"),
            ask::list,
            Expected::Failure(ReplyTooLarge),
        ),
        Case::new(
            "an endless object for a client with a limit",
            |peer| {
                if peer.request().is_some() && peer.send(CHUNKED) {
                    peer.flood(format!("400\r\n{}\r\n", "x".repeat(1 << 10)));
                }
            },
            ask::get_a_mebibyte,
            Expected::Kind(ErrorKind::TooLarge { limit: 1 << 20 }),
        ),
        Case::new(
            "an endless error",
            flood("HTTP/1.1 403 X\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            ask::get,
            Expected::Status(403, ErrorKind::Denied),
        ),
        Case::new(
            "an endless error that may pass",
            flood("HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
            ask::get,
            Expected::Status(500, ErrorKind::Service),
        ),
        Case::new(
            "an endless error of a stream",
            flood("HTTP/1.1 403 X\r\n\r\n", "x"),
            ask::read,
            Expected::Status(403, ErrorKind::Denied),
        ),
        Case::new(
            "endless spaces before a copy's result",
            copies,
            ask::rename,
            Expected::Kind(ErrorKind::OutcomeUnknown),
        ),
        Case::new(
            "endless spaces before Complete's result",
            completes,
            ask::commit,
            Expected::Kind(ErrorKind::OutcomeUnknown),
        ),
        Case::new(
            "more than its length, for ever",
            flood(
                "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nContent-Length: 3\r\n\
                 Transfer-Encoding: chunked\r\n\r\n",
                "3\r\nabc\r\n",
            ),
            ask::read,
            Expected::Fine,
        ),
        Case::new(
            "endless trailers",
            flood("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "x: y\r\n"),
            ask::list,
            Expected::FailureIn(&[Malformed, Broken, Timeout]),
        )
        .slow()
        .pushing(u64::MAX),
        Case::new(
            "an endless chunk size",
            flood(CHUNKED, "1"),
            ask::list,
            Expected::FailureIn(&[Malformed, Broken]),
        ),
        Case::new(
            "an endless chunk size of zeros",
            flood(CHUNKED, "0"),
            ask::list,
            Expected::FailureIn(&[Malformed, Broken, Timeout]),
        )
        .slow()
        .pushing(u64::MAX),
        Case::new(
            "an endless chunk extension",
            flood(CHUNKED, "1;x"),
            ask::list,
            Expected::FailureIn(&[Malformed, Broken]),
        ),
        Case::new(
            "an endless proxy answer",
            flood("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
            ask::get,
            Expected::FailureIn(&[Connect]),
        )
        .speaking(Speech::Proxy),
    ]
}
