//! A higher floor of `cos-blocking`: ureq, and what no client of COS can do without: a signature, the
//! CRC-64 compared, time-outs. No retry, no errors told apart.

use std::{net::SocketAddr, sync::Arc};

use http::{Method, Request};
use ureq::SendBody;

use super::{
    bare_ureq::BareUreq,
    client::{BlockingClient, Checked, Failed, ensure, small, small_content},
    signing::{IDLE, Signing, WHOLE, is_whole},
};

#[derive(Clone)]
pub(super) struct SigningUreq {
    bare: BareUreq,
    signing: Arc<Signing>,
}

impl SigningUreq {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Result<Self, Failed> {
        let bare = BareUreq::with(server, in_flight, |config| {
            config.timeout_recv_response(Some(WHOLE)).timeout_recv_body(Some(IDLE))
        });
        Ok(Self { bare, signing: Arc::new(Signing::new(&server.to_string())?) })
    }

    fn exchange(&self, method: Method, key: &str, content: &[u8]) -> Checked {
        let fields = self.signing.fields(&method, key, content.len())?;
        let mut request = Request::builder().method(method).uri(self.bare.url(key)).body(())?;
        *request.headers_mut() = fields;
        let mut sent = content;
        let mut response = if content.is_empty() {
            self.bare.agent.run(request.map(|()| SendBody::none()))?
        } else {
            self.bare.agent.run(request.map(|()| SendBody::from_reader(&mut sent)))?
        };
        let collected = response.body_mut().read_to_vec()?;
        if content.is_empty() {
            ensure(collected == small_content(), "small object")?;
        }
        ensure(is_whole(response.headers(), &small_content()), "CRC-64")
    }
}

impl BlockingClient for SigningUreq {
    fn get(&self) -> Checked {
        self.exchange(Method::GET, "generated/1024", &[])
    }

    fn put(&self, number: usize) -> Checked {
        self.exchange(Method::PUT, &small(number), &small_content())
    }

    fn download(&self, size: u64) -> Checked {
        self.bare.download(size)
    }

    fn upload(&self, key: &str, size: u64) -> Checked {
        self.bare.upload(key, size)
    }
}
