//! A storage driver for Tencent Cloud COS on tokio and hyper: the thin asynchronous adapter of
//! [`cos_proto`].
//!
//! [`Client`] works on any key, [`Driver`] on the paths of a container registry. A [`Reader`] is a
//! stream of [`Bytes`](bytes::Bytes) and an [`AsyncRead`](tokio::io::AsyncRead), a [`Writer`] an
//! [`AsyncWrite`](tokio::io::AsyncWrite); lists and walks are streams. `cos-blocking` has the same
//! names for programs without a runtime.
//!
//! Each attempt runs in a `tracing` span, `cos_attempt`, a child of the span in which its operation
//! was polled; [`TracingObserver`]'s events are in it.
//!
//! # Proxies
//!
//! `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are honoured; see [`Proxy`]. An `https://`
//! endpoint is reached through a tunnel (`CONNECT`); to an `http://` one the proxy gets each request
//! in absolute form.

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

mod body;
mod builder;
mod client;
mod connect;
mod credentials;
mod drive;
mod driver;
#[cfg(feature = "emulator")]
#[cfg_attr(docsrs, doc(cfg(feature = "emulator")))]
pub mod emulator;
mod exchange;
mod failure;
mod in_place;
mod observe;
mod pages;
mod permits;
mod reader;
mod shared;
mod spare;
mod taking;
mod tls;
mod transport;
mod walk;
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
    connect::Proxy,
    credentials::{CredentialsProvider, CvmRole, Environment, ProvidedCredentials},
    driver::Driver,
    pages::Pages,
    reader::Reader,
    walk::Walk,
    writer::Writer,
};

/// The README's examples are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadmeIsCompiled;
