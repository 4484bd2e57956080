//! How a connection is made, and what is special about ours.
//!
//! These are the parts of ureq that are pluggable but `unversioned`; nothing else here uses them.

use std::{error::Error as StdError, fmt, io, net::IpAddr};

use cos_proto::{Failure, FailureKind};
use ureq::{
    Error, Timeout,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{
            Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
            time::Duration,
        },
    },
};

use super::{pace::Pace, veil};

/// Resolves nothing: [`Connect`] does.
///
/// ureq resolves the host before every request, even where it then takes a connection from its
/// pool, and starts a thread for it whenever there is a time-out.
#[derive(Debug)]
pub(super) struct ResolveOnConnect;

impl Resolver for ResolveOnConnect {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        Ok(self.empty())
    }
}

/// ureq's connector, with names resolved here, and with failures marked as [`ConnectFailed`]:
/// ureq's errors do not tell a connection that could not be made from one that broke.
#[derive(Debug, Default)]
pub(super) struct Connect(DefaultConnector);

impl Connector<()> for Connect {
    type Out = EarlyAnswers;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<EarlyAnswers>, Error> {
        let addrs = match details.config.proxy() {
            // The proxy resolves the name; its own comes through here by itself.
            Some(_) => DefaultResolver::default().empty(),
            None => resolve(details).map_err(refused)?,
        };
        let details = ConnectionDetails {
            uri: details.uri,
            addrs,
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: Pace::apply(details.timeout).map_err(refused)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let transport = self.0.connect(&details, chained).map_err(refused)?;
        Ok(transport.map(|inner| EarlyAnswers { inner, send_error: None }))
    }
}

fn resolve(details: &ConnectionDetails<'_>) -> Result<ResolvedSocketAddrs, Error> {
    let timeout = Pace::apply(details.timeout)?;
    let host = details.uri.host().unwrap_or_default();
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    // Without a time-out, ureq resolves on this thread; an address needs no other.
    let timeout =
        if is_address { NextTimeout { after: Duration::NotHappening, ..timeout } } else { timeout };
    DefaultResolver::default().resolve(details.uri, details.config, timeout)
}

/// No connection could be made, so nothing was sent.
#[derive(Debug)]
pub(crate) struct ConnectFailed(pub(crate) Failure);

impl fmt::Display for ConnectFailed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.detail)
    }
}

impl StdError for ConnectFailed {}

fn refused(error: Error) -> Error {
    let failure = match error {
        // Came through a proxy's connection.
        Error::Other(inner) if inner.is::<ConnectFailed>() => return Error::Other(inner),
        Error::Timeout(_) => {
            Failure::new(FailureKind::Connect, "no connection within the time-out")
        }
        error if is_tls(&error) => {
            let detail = format!("{} (roots: the system's and rootca)", text(&error));
            Failure::new(FailureKind::Tls, detail).with_source(error)
        }
        error => Failure::new(FailureKind::Connect, text(&error)).with_source(error),
    };
    Error::Other(Box::new(ConnectFailed(failure)))
}

fn is_tls(error: &Error) -> bool {
    match error {
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) | Error::TlsRequired => true,
        Error::Io(error) => {
            error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
        }
        _ => false,
    }
}

/// The cause in words, without ureq's prefix.
fn text(error: &Error) -> String {
    match error {
        Error::Io(cause) => cause.to_string(),
        Error::Rustls(cause) => cause.to_string(),
        _ => error.to_string(),
    }
}

/// A connection that reads the answer even where the peer closed before it had the whole request:
/// COS refuses a large PUT by answering 403 and closing. ureq alone would report a broken pipe.
pub(super) struct EarlyAnswers {
    inner: Box<dyn Transport>,
    /// Why the request could not be sent whole; reported if no answer can be read.
    send_error: Option<io::Error>,
}

impl Transport for EarlyAnswers {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.send_error.is_some() {
            return Ok(());
        }
        if let Some(output) = self.inner.buffers().output().get_mut(..amount) {
            veil::lift(output);
        }
        match self.inner.transmit_output(amount, Pace::apply(timeout)?) {
            Err(Error::Io(error)) if is_closed(&error) => {
                self.send_error = Some(error);
                Ok(())
            }
            result => result,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let input = self.await_paced_input(timeout).map_err(cut_off);
        match (input, self.send_error.take()) {
            (Ok(false) | Err(_), Some(error)) => Err(Error::Io(error)),
            (result, error) => {
                self.send_error = error;
                result
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.send_error.is_none() && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl EarlyAnswers {
    /// The pace's time-outs may end a little early, but a read that has not begun can go on.
    fn await_paced_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        loop {
            let paced = Pace::apply(timeout)?;
            match self.inner.await_input(paced) {
                Err(Error::Timeout(Timeout::PerCall))
                    if paced.after < timeout.after && !Pace::is_over() => {}
                result => return result,
            }
        }
    }
}

/// ureq takes these for the end of a body that has no length, and so for a whole one. But who resets
/// a connection, or ends TLS without saying so, has not said all.
fn cut_off(error: Error) -> Error {
    match error {
        Error::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::ConnectionReset
            ) =>
        {
            Error::Io(io::Error::other(error))
        }
        error => error,
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
    )
}

impl fmt::Debug for EarlyAnswers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(out)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use ureq::unversioned::transport::LazyBuffers;

    use super::*;

    /// Times out so many times before there is input.
    #[derive(Debug)]
    struct TimesOut(u32, LazyBuffers);

    impl Transport for TimesOut {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.1
        }

        fn transmit_output(&mut self, _: usize, _: NextTimeout) -> Result<(), Error> {
            Ok(())
        }

        fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
            if self.0 == 0 {
                return Ok(true);
            }
            self.0 -= 1;
            Err(Error::Timeout(timeout.for_read().reason))
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn await_input(timeouts: u32, pace: Pace) -> Result<bool, Error> {
        let inner = Box::new(TimesOut(timeouts, LazyBuffers::new(16, 16)));
        let mut transport = EarlyAnswers { inner, send_error: None };
        pace.keep(|| transport.await_input(NextTimeout::default()))
    }

    #[test]
    fn an_early_time_out_is_none_and_an_idle_one_is() {
        let until = Instant::now().checked_add(Duration::from_secs(3600));
        assert!(await_input(3, Pace { until, idle: None }).unwrap());
        let idle = Some(Duration::from_secs(60));
        let waited = await_input(1, Pace { until, idle });
        assert!(matches!(waited, Err(Error::Timeout(Timeout::PerRead))));
        let over = Pace { until: Some(Instant::now()), idle: None };
        assert!(matches!(await_input(0, over), Err(Error::Timeout(Timeout::PerCall))));
    }
}
