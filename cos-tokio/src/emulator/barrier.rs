//! Lets a reply's body wait until all that it gave so far has left for the client.
//!
//! hyper collects what bodies give and asks the connection to flush when they pend. A body that
//! ends its connection must wait for that, or the bytes before the cut would be lost.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Shared by a connection and the bodies of its replies, of which there is one at a time.
#[derive(Clone, Debug, Default)]
pub(super) struct Barrier(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Open,
    Waiting(Waker),
    Flushed,
}

impl Barrier {
    /// Ready once the connection has been flushed after the first call.
    pub(super) fn poll_flushed(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Flushed) {
            *state = State::Open;
            return Poll::Ready(());
        }
        *state = State::Waiting(context.waker().clone());
        Poll::Pending
    }

    fn flushed(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Waiting(_) = &*state
            && let State::Waiting(waker) = std::mem::replace(&mut *state, State::Flushed)
        {
            waker.wake();
        }
    }
}

/// A connection that tells its barrier of each flush.
#[derive(Debug)]
pub(super) struct Flushing<C> {
    pub(super) connection: C,
    pub(super) barrier: Barrier,
}

impl<C: AsyncRead + Unpin> AsyncRead for Flushing<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Flushing<C> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, data)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(context, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.connection).poll_flush(context)?;
        if flushed.is_ready() {
            self.barrier.flushed();
        }
        flushed.map(Ok)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}
