//! Requests through a proxy.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that fails"
)]

mod common;

use std::sync::{Arc, Mutex};

use common::{Reply, Served, client_of, read_request};
use cos_proto::op::HeadBucket;
use cos_tokio::Proxy;
use tokio::{
    io::{AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

#[tokio::test]
async fn plain_http_asks_the_proxy_for_the_whole_url() {
    let proxy = Served::start(|_, _| Reply::ok("")).await;
    let client = client_of("http://b-1.cos.ap-x.example")
        .proxy(Proxy::Url(format!("http://me:pass@{}", proxy.address)))
        .build()
        .expect("client");
    client.run(HeadBucket::new()).await.expect("answered by the proxy");
    let request = proxy.requests().remove(0);
    assert_eq!(request.line, "HEAD http://b-1.cos.ap-x.example/ HTTP/1.1");
    assert_eq!(request.header("host"), Some("b-1.cos.ap-x.example"));
    assert_eq!(request.header("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let (pem, acceptor) = tls_for("b-1.cos.ap-x.example");
    let server = Served::start_tls(Some(acceptor), |_, _| Reply::ok("")).await;
    let (address, asked) = tunnel_to(server.address).await;
    let path = std::env::temp_dir().join(format!("cos-tokio-tunnel-{}.pem", std::process::id()));
    std::fs::write(&path, pem).expect("written");
    let client = client_of("https://b-1.cos.ap-x.example")
        .proxy(Proxy::Url(format!("http://me:pass@{address}")))
        .root_ca(&path)
        .build();
    std::fs::remove_file(path).expect("removed");
    client.expect("client").run(HeadBucket::new()).await.expect("answered");
    let connect = asked.lock().expect("lock").clone();
    assert_eq!(connect.line, "CONNECT b-1.cos.ap-x.example:443 HTTP/1.1");
    assert_eq!(connect.header("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
    let request = server.requests().remove(0);
    assert_eq!(request.line, "HEAD / HTTP/1.1");
    assert_eq!(request.header("proxy-authorization"), None);
}

/// A proxy that opens one tunnel, wherever it is asked to, to `target`.
async fn tunnel_to(
    target: std::net::SocketAddr,
) -> (std::net::SocketAddr, Arc<Mutex<common::Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("address");
    let asked = Arc::new(Mutex::new(common::Request::default()));
    let noted = Arc::clone(&asked);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut client = BufReader::new(stream);
        *noted.lock().expect("lock") = read_request(&mut client).await.expect("request");
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await.expect("written");
        let mut server = TcpStream::connect(target).await.expect("connected");
        let _ = copy_bidirectional(&mut client, &mut server).await;
    });
    (address, asked)
}

fn tls_for(host: &str) -> (String, tokio_rustls::TlsAcceptor) {
    use tokio_rustls::rustls::{self, pki_types::PrivatePkcs8KeyDer};
    let made = rcgen::generate_simple_self_signed([host.to_owned()]).expect("certificate");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .expect("versions")
    .with_no_client_auth()
    .with_single_cert(
        vec![made.cert.der().clone()],
        PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()).into(),
    )
    .expect("key");
    (made.cert.pem(), tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

/// A test binary's environment cannot be changed safely, so the test runs itself once more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_names_the_proxy_and_what_it_is_not_for() {
    let proxy = Served::start(|_, _| Reply::ok("")).await;
    let address = format!("http://{}", proxy.address);
    for (no_proxy, proxied) in [("", 1), ("other.example", 2), ("localhost,.ap-x.example", 2)] {
        let mut child = std::process::Command::new(std::env::current_exe().expect("binary"));
        child.args(["--exact", "asks_as_the_environment_says", "--ignored"]);
        for name in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "http_proxy"] {
            child.env_remove(name);
        }
        child.env("HTTP_PROXY", &address).env("NO_PROXY", no_proxy).env_remove("no_proxy");
        let status = tokio::task::spawn_blocking(move || child.output()).await.expect("joined");
        let asked = proxy.requests().len();
        assert_eq!(asked, proxied, "NO_PROXY={no_proxy}: {:?}", status.expect("run"));
    }
}

#[tokio::test]
#[ignore = "run by the test above, with an environment of its own"]
async fn asks_as_the_environment_says() {
    let client = client_of("http://b-1.cos.ap-x.example")
        .proxy(Proxy::Environment)
        .call_deadline(common::SHORT * 20)
        .build()
        .expect("client");
    let _ = client.run(HeadBucket::new()).await;
}
