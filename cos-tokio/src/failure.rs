//! Which [`Failure`] an error of hyper, rustls or a socket is.

use std::error::Error as StdError;

use cos_proto::{Failure, FailureKind};
use hyper_util::client::legacy;

/// Why a request got no answer.
pub(crate) fn of_request(error: legacy::Error) -> Failure {
    let kind = if error.is_connect() {
        if chain(&error).any(is_untrusted) { FailureKind::Tls } else { FailureKind::Connect }
    } else {
        match chain(&error).find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
            // hyper says so only of a request it has not begun to write.
            Some(error) if error.is_canceled() => FailureKind::Connect,
            Some(error) if error.is_parse() => FailureKind::Malformed,
            _ => FailureKind::Broken,
        }
    };
    describe(kind, error)
}

/// Why a body broke off.
pub(crate) fn of_body(error: hyper::Error) -> Failure {
    let kind = if error.is_parse() { FailureKind::Malformed } else { FailureKind::Broken };
    describe(kind, error)
}

/// A certificate that is not trusted or a peer that speaks no TLS we know: the same next time.
fn is_untrusted(cause: &(dyn StdError + 'static)) -> bool {
    use rustls::Error;
    matches!(
        cause.downcast_ref(),
        Some(
            Error::InvalidCertificate(_)
                | Error::NoCertificatesPresented
                | Error::UnsupportedNameType
                | Error::PeerIncompatible(_)
                | Error::InvalidMessage(_)
        )
    )
}

/// hyper's own texts say little; the causes below them say what happened.
fn describe(kind: FailureKind, error: impl StdError + Send + Sync + 'static) -> Failure {
    let mut texts: Vec<String> = Vec::new();
    for text in chain(&error).map(ToString::to_string) {
        // Wrappers repeat their cause's text.
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    Failure::new(kind, texts.join(": ")).with_source(error)
}

/// An error and its causes. An [`io::Error`](std::io::Error) hides the error that it wraps from
/// `source`, but not from `get_ref`.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => cause.source(),
        }
    })
}
