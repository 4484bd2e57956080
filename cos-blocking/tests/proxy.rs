//! A proxy is used if one is given, and asked for a tunnel.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod support;

use std::{
    io::{self, Write},
    net::TcpStream,
    thread,
};

use cos_blocking::Proxy;
use cos_proto::{ErrorKind, FailureKind};
use support::{Recorder, Request, Server, Then, answer};

/// Connects the client with the host that it names.
fn tunnel(request: &Request, stream: &mut TcpStream) -> Then {
    let target = request.line.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap();
    let mut upstream = TcpStream::connect(target).unwrap();
    stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
    let (mut down, mut up) = (stream.try_clone().unwrap(), upstream.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut up, &mut down));
    // Everything else of this connection goes through here.
    let _ = io::copy(stream, &mut upstream);
    Then::Close
}

#[test]
fn requests_go_through_the_proxy_with_its_credentials_but_without_ours() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let proxy = Server::start(tunnel);
    let client = server
        .client()
        .proxy(Proxy::Url(format!("http://user:pass@{}", proxy.address)))
        .build()
        .unwrap();
    client.head_bucket().unwrap();
    client.head_bucket().unwrap();
    let tunnels = proxy.requests();
    assert_eq!(tunnels.len(), 1, "the tunnel is kept");
    assert_eq!(tunnels[0].line, format!("CONNECT {} HTTP/1.1", server.address));
    assert_eq!(tunnels[0].header("proxy-authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(tunnels[0].header("authorization"), None);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_proxy_that_refuses_is_a_failed_connection() {
    let server = Server::start(|_, stream| answer(stream, "200 OK", "", b""));
    let proxy = Server::start(|_, stream| answer(stream, "403 Forbidden", "", b"no"));
    let recorder = Recorder::default();
    let client = server
        .client()
        .observer(recorder.clone())
        .call_deadline(std::time::Duration::from_millis(100))
        .proxy(Proxy::Url(format!("http://{}", proxy.address)))
        .build()
        .unwrap();
    let error = client.head_bucket().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Transport, "{error}");
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!(recorder.recorded().attempts[0].failure, Some(FailureKind::Connect));
    assert!(server.requests().is_empty());
}

#[test]
fn a_proxy_of_another_kind_is_refused_by_name() {
    let server = Server::start(|_, _| Then::Close);
    let builder = server.client().proxy(Proxy::Url("socks5://127.0.0.1:1".to_owned()));
    let error = builder.build().unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::InvalidParameter);
    assert!(error.to_string().contains("proxy"), "{error}");
}
