//! What ureq's errors mean to the core.

use std::io;

use cos_proto::{Failure, FailureKind};
use ureq::Error;

use crate::transport::ConnectFailed;

pub(super) fn failure(error: Error) -> Failure {
    let (kind, detail) = match &error {
        Error::Other(inner) => match inner.downcast_ref::<ConnectFailed>() {
            Some(failed) => return failed.0.clone(),
            None => (FailureKind::Broken, inner.to_string()),
        },
        Error::Timeout(phase) => {
            (FailureKind::Timeout, format!("timed out: {}", phase_name(*phase)))
        }
        Error::Io(inner) => (io_kind(inner), inner.to_string()),
        Error::Protocol(inner) => (FailureKind::Malformed, inner.to_string()),
        Error::LargeResponseHeader(size, limit) => (
            FailureKind::Malformed,
            format!("the answer's header has {size} bytes, of which {limit} are accepted"),
        ),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => {
            (FailureKind::Connect, error.to_string())
        }
        // Its text holds the URL.
        Error::BadUri(_) => (FailureKind::Malformed, "the URL is not one".to_owned()),
        _ => (FailureKind::Broken, error.to_string()),
    };
    Failure::new(kind, detail).with_source(error)
}

/// The same for an error in a body, which ureq wraps.
pub(super) fn io_failure(error: io::Error) -> Failure {
    failure(Error::from(error))
}

fn io_kind(error: &io::Error) -> FailureKind {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FailureKind::Timeout,
        _ => FailureKind::Broken,
    }
}

fn phase_name(phase: ureq::Timeout) -> &'static str {
    match phase {
        ureq::Timeout::PerRead => "the answer made no progress",
        _ => "no answer in time",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_whether_anything_was_sent_and_by_what_may_help() {
        let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
        let connect = ConnectFailed(Failure::new(FailureKind::Tls, "x"));
        for (error, kind) in [
            (Error::Timeout(ureq::Timeout::PerCall), FailureKind::Timeout),
            (Error::Timeout(ureq::Timeout::PerRead), FailureKind::Timeout),
            (Error::Io(io::ErrorKind::TimedOut.into()), FailureKind::Timeout),
            (Error::Io(reset()), FailureKind::Broken),
            (Error::Io(io::ErrorKind::UnexpectedEof.into()), FailureKind::Broken),
            (Error::HostNotFound, FailureKind::Connect),
            (Error::LargeResponseHeader(2, 1), FailureKind::Malformed),
            (Error::Other(Box::new(connect)), FailureKind::Tls),
        ] {
            let shown = format!("{error:?}");
            assert_eq!(failure(error).kind, kind, "{shown}");
        }
        let wrapped = Error::Timeout(ureq::Timeout::PerRead).into_io();
        assert_eq!(io_failure(wrapped).kind, FailureKind::Timeout);
    }
}
