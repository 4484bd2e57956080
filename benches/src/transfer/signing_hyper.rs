//! A higher floor of `cos-tokio`: hyper-util, and what no client of COS can do without: a signature,
//! the CRC-64 compared, time-outs, a bound on requests in flight. No retry, no errors told apart.

use std::{net::SocketAddr, sync::Arc};

use http::{Method, Request};
use http_body_util::BodyExt as _;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout, timeout_at},
};

use super::{
    bare_hyper::{BareHyper, Sent},
    client::{Checked, Client, Failed, SMALL, ensure, small, small_content},
    signing::{IDLE, Signing, WHOLE, is_whole},
};

#[derive(Clone)]
pub(super) struct SigningHyper {
    bare: BareHyper,
    signing: Arc<Signing>,
    permits: Arc<Semaphore>,
}

impl SigningHyper {
    pub(super) fn new(server: SocketAddr, in_flight: usize) -> Result<Self, Failed> {
        Ok(Self {
            bare: BareHyper::new(server, in_flight),
            signing: Arc::new(Signing::new(&server.to_string())?),
            permits: Arc::new(Semaphore::new(in_flight.max(10))),
        })
    }

    /// The bytes of the answer, or of the request if there are any.
    async fn exchange(&self, method: Method, key: &str, body: Sent, length: u64) -> Checked {
        let fields = self.signing.fields(&method, key, usize::try_from(length)?)?;
        let uri = format!("http://{}/{key}", self.bare.server);
        let mut request = Request::builder().method(method).uri(uri).body(body)?;
        *request.headers_mut() = fields;
        let _permit = self.permits.acquire().await?;
        let end = Instant::now() + WHOLE;
        let response = timeout_at(end, self.bare.http.request(request)).await??;
        ensure(response.status().is_success(), response.status().as_str())?;
        let (head, body) = response.into_parts();
        let collected = timeout_at(end, timeout(IDLE, body.collect())).await???.to_bytes();
        let content = small_content();
        if length == 0 {
            ensure(collected == content, "small object")?;
        }
        ensure(is_whole(&head.headers, &content), "CRC-64")
    }
}

impl Client for SigningHyper {
    async fn get(&self) -> Checked {
        self.exchange(Method::GET, "generated/1024", Sent::empty(), 0).await
    }

    async fn put(&self, number: usize) -> Checked {
        self.exchange(Method::PUT, &small(number), Sent::plain(SMALL), SMALL).await
    }

    async fn download(&self, size: u64) -> Checked {
        self.bare.download(size).await
    }

    async fn upload(&self, key: &str, size: u64) -> Checked {
        self.bare.upload(key, size).await
    }
}
