//! The strict COS emulator of [`cos_proto::emulator`], served over TCP and TLS.
//!
//! ```no_run
//! # async fn example() -> Result<(), cos_tokio::emulator::StartError> {
//! use cos_tokio::emulator::{Listen, Server, Settings};
//!
//! let server = Server::start(Settings::default(), Listen::default()).await?;
//! println!("listening on {}", server.endpoint());
//! server.advance(std::time::Duration::from_secs(60));
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A client reaches it by its address with the production `Host`, by any host suffix whose first
//! label is the bucket, by the bare address (which means the first bucket), or as a plain HTTP proxy. Bodies are hashed while they are received, so a slow upload delays nobody.
//!
//! Outside semver, as is all behind the feature `emulator`.

mod barrier;
mod connection;
mod listen;
mod record;
mod reply;
mod server;
mod spelling;

pub use cos_proto::emulator::{
    Downloads, Effect, Emulator, Fault, FaultId, Logged, Matching, Settings, SseCTransport,
};

pub use self::{
    listen::Listen,
    record::Record,
    server::{Server, StartError},
};
