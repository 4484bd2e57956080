//! Peers that are not who they should be.

use std::time::Duration;

use cos_proto::FailureKind::*;

use crate::{
    ask,
    certificates::Flaw,
    peer::{Connection, answer},
    trial::{Case, Expected, Speech},
};

const ABC: &str = "ETag: \"e\"\r\nx-cos-hash-crc64ecma: 3231342946509354535\r\n";

fn good(peer: &mut Connection) {
    peer.answer_all(answer("200 OK", ABC, "abc"));
}

#[test]
fn only_the_right_certificate_gets_a_request() {
    let with = |name, flaw, expected| {
        Case::new(name, good, ask::get, expected).speaking(Speech::Tls(flaw))
    };
    crate::run(&[
        with("the right certificate", Flaw::None, Expected::Fine),
        with("an unknown root", Flaw::UnknownRoot, Expected::Failure(Tls)),
        with("another host's", Flaw::OtherHost, Expected::Failure(Tls)),
        with("an expired one", Flaw::Expired, Expected::Failure(Tls)),
        with("one that is not valid yet", Flaw::NotYetValid, Expected::Failure(Tls)),
    ]);
}

#[test]
fn peers_that_do_not_speak_tls_or_that_alone_are_errors() {
    let says = |bytes: &'static [u8]| {
        move |peer: &mut Connection| {
            let mut hello = [0; 1];
            let _ = peer.tcp.peek(&mut hello);
            peer.send(bytes);
            // What is unread when it closes would make it a reset.
            let _ = peer.tcp.shutdown(std::net::Shutdown::Write);
            peer.idle();
        }
    };
    crate::run(&[
        Case::new("plain HTTP where TLS is due", says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ask::get,
            Expected::Failure(Tls)).speaking(Speech::PlainForTls),
        Case::new("garbage where TLS is due", says(b"\0\0\0\0garbage\0\0"), ask::get,
            Expected::Failure(Tls)).speaking(Speech::PlainForTls),
        Case::new("TLS that is never answered", |peer: &mut Connection| peer.idle(), ask::get,
            Expected::Failure(Connect)).speaking(Speech::PlainForTls).slow(),
        Case::new("TLS that is dripped", |peer: &mut Connection| {
            peer.drip("\x16", Duration::from_millis(20));
        }, ask::get, Expected::FailureIn(&[Connect, Tls])).speaking(Speech::PlainForTls).slow(),
        Case::new("a handshake that is closed", |_: &mut Connection| {}, ask::get,
            Expected::Failure(Connect)).speaking(Speech::PlainForTls).slow(),
        Case::new("TLS where plain HTTP is due", good, ask::get,
            Expected::FailureIn(&[Malformed, Broken])).speaking(Speech::TlsForPlain),
        Case::new("TLS that is cut without its end", |peer: &mut Connection| {
            if peer.request().is_some() {
                peer.send("HTTP/1.1 200 OK\r\n\r\n<ListBucketResult><IsTruncated>false</IsTruncated>\
                           <Contents><Key>folder/a</Key><ETag>\"e\"</ETag><Size>1</Size></Contents></ListBucketResult>");
                peer.cut();
            }
        }, ask::list, Expected::Failure(Broken)).speaking(Speech::Tls(Flaw::None)),
    ]);
}

#[test]
fn proxies_that_answer_rubbish_are_failed_connections() {
    let says = |bytes: &'static str| {
        move |peer: &mut Connection| {
            peer.request();
            peer.send(bytes);
        }
    };
    let case = |name, bytes| {
        Case::new(name, says(bytes), ask::get, Expected::Failure(Connect))
            .speaking(Speech::Proxy)
            .slow()
    };
    crate::run(&[
        case("rubbish", "rubbish\r\n\r\n"),
        case("nothing", ""),
        case("half a head", "HTTP/1.1 200 OK\r\n"),
        case("407", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
        case("502", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
        case("a tunnel that is closed", "HTTP/1.1 200 OK\r\n\r\n"),
        Case::new(
            "a tunnel to something that is no TLS",
            says("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"),
            ask::get,
            Expected::FailureIn(&[Connect, Tls]),
        )
        .speaking(Speech::Proxy)
        .slow(),
        Case::new(
            "a proxy that says nothing",
            |peer: &mut Connection| peer.idle(),
            ask::get,
            Expected::Failure(Connect),
        )
        .speaking(Speech::Proxy)
        .slow(),
    ]);
}
