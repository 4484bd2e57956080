//! Other clients doing the same.

mod lists;
mod presigning;
mod signing;

pub(super) use self::{lists::read_list, presigning::presign, signing::sign};

use std::{
    error::Error,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// What a future gives that never waits.
fn ready<F: Future>(future: F) -> Result<F::Output, Box<dyn Error>> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err("a peer waits for something".into()),
    }
}
