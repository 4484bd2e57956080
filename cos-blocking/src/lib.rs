//! The synchronous adapter of [`cos_proto`]: a storage driver for Tencent Cloud COS on ureq and
//! threads.
//!
//! [`Client`] works on any key, [`Driver`] on the paths of a container registry. Names and signatures
//! are those of the asynchronous adapter, `cos-tokio`, but where the standard traits take a name: a
//! [`Writer`] is [`io::Write`](std::io::Write) and takes [`Bytes`](bytes::Bytes) by
//! [`write_bytes`](Writer::write_bytes), a [`Reader`] is [`io::Read`](std::io::Read), and lists and
//! walks are iterators.
//!
//! # Proxies
//!
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured; see [`Proxy`]. Requests go
//! through a tunnel (`CONNECT`), also to an `http://` endpoint, where the asynchronous adapter gives
//! the proxy each request in absolute form. A proxy that refuses `CONNECT` to port 80 needs HTTPS.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that panics is a test that fails"
    )
)]

mod builder;
mod client;
mod credentials;
mod driver;
mod exchange;
mod pages;
mod permits;
mod reader;
mod shared;
mod taking;
mod task;
mod transport;
mod walk;
mod workers;
mod writer;

pub use cos_proto;
#[doc(no_inline)]
pub use cos_proto::{
    Error, ErrorKind, Key, TracingObserver,
    config::Config,
    op::{Append, ReadAheadOptions, WalkControl, WalkEntry, WalkOptions},
};

pub use crate::{
    builder::ClientBuilder,
    client::Client,
    credentials::{CredentialsProvider, CvmRole, Environment},
    driver::Driver,
    pages::Pages,
    reader::Reader,
    transport::Proxy,
    walk::Walk,
    writer::Writer,
};
