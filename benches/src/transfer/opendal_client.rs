//! A peer: OpenDAL's service for COS.

use std::{net::SocketAddr, time::Duration};

use cos_proto::Crc64;
use futures_util::TryStreamExt as _;
use opendal::{HttpTransporter, OperationContext, Operator, services};
use opendal_http_transport_reqwest::ReqwestTransport;

use super::client::{
    Checked, Client, Failed, PART, PARTS_IN_FLIGHT, ensure, generated, pieces, small, small_content,
};
use crate::content;

/// It puts the bucket before the host, and this is where that leads.
const HOST: &str = "bench-1250000000.cos.invalid";

#[derive(Clone, Debug)]
pub(super) struct OpenDal(pub(super) Operator);

impl OpenDal {
    pub(super) fn new(server: SocketAddr) -> Result<Self, Failed> {
        let builder = services::Cos::default()
            .bucket("bench-1250000000")
            .endpoint(&format!("http://cos.invalid:{}", server.port()))
            .secret_id("AKIDexample")
            .secret_key("example")
            .disable_config_load();
        // Never used over plain HTTP, but reqwest insists on one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(20))
            .resolve(HOST, server)
            .build()?;
        let transport = HttpTransporter::new(ReqwestTransport::new(http));
        let context = OperationContext::new().with_http_transport(transport);
        Ok(Self(Operator::new(builder)?.with_context(context)))
    }
}

impl OpenDal {
    /// How many keys with this prefix there are.
    pub(super) async fn count_keys(&self, prefix: &str) -> Result<u64, Failed> {
        let mut lister = self.0.lister_with(prefix).recursive(true).await?;
        let mut count = 0;
        while let Some(entry) = lister.try_next().await? {
            count += u64::from(entry.metadata().is_file());
        }
        Ok(count)
    }
}

impl Client for OpenDal {
    async fn get(&self) -> Checked {
        let content = self.0.read("generated/1024").await?.to_bytes();
        ensure(content == small_content(), "small object")
    }

    async fn put(&self, number: usize) -> Checked {
        self.0.write(&small(number), small_content()).await?;
        Ok(())
    }

    /// It checks no checksum, so that is done here.
    async fn download(&self, size: u64) -> Checked {
        let reader = self.0.reader(&generated(size)).await?;
        let mut stream = reader.into_stream(0..size).await?;
        let (mut read, mut crc) = (0, Crc64::new());
        while let Some(buffer) = stream.try_next().await? {
            for bytes in buffer {
                read += bytes.len() as u64;
                crc.update(&bytes);
            }
        }
        ensure(read == size && crc.value() == content::crc(size), "download")
    }

    async fn upload(&self, key: &str, size: u64) -> Checked {
        let part = usize::try_from(PART)?;
        let mut writer = self.0.writer_with(key).chunk(part).concurrent(PARTS_IN_FLIGHT).await?;
        for piece in pieces(size) {
            writer.write(piece).await?;
        }
        writer.close().await?;
        ensure(self.0.stat(key).await?.content_length() == size, "upload")
    }
}
