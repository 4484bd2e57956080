//! A long line in between: a proxy that delays what it passes on.
//!
//! Each direction of each connection has its own rate and its own queue, which is bounded. Opening
//! a connection costs a round trip. Slow start, loss and sharing are not imitated.

use std::{io, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep_until},
};

/// How long and how wide the line is.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub round_trip: Duration,
    /// Of one connection in one direction.
    pub bytes_per_second: u32,
}

/// The one of the table: 50 ms there and back, 20 MB/s.
pub const LONG: Line = Line { round_trip: Duration::from_millis(50), bytes_per_second: 20_000_000 };

/// A queue holds at most 64 pieces of 32 KiB, four times what is under way at 20 MB/s.
const PIECE_BYTES: usize = 32 * 1024;
const PIECES_MAX: usize = 64;

/// Begins to pass on connections to `server`; answers the address of the near end.
///
/// # Errors
/// When it cannot listen.
pub async fn start(line: Line, server: SocketAddr) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            if let Ok((near, _)) = listener.accept().await {
                tokio::spawn(connect(line, near, server));
            }
        }
    });
    Ok(address)
}

async fn connect(line: Line, near: TcpStream, server: SocketAddr) -> io::Result<()> {
    let opened = Instant::now() + line.round_trip;
    let far = TcpStream::connect(server).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    carry(line, opened, from_near, to_far);
    carry(line, opened, from_far, to_near);
    Ok(())
}

/// Passes on one direction until its end.
fn carry(line: Line, opened: Instant, from: OwnedReadHalf, to: OwnedWriteHalf) {
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    tokio::spawn(take_in(line, opened, from, sender));
    tokio::spawn(give_out(to, receiver));
}

/// Reads pieces, and says of each when its last byte is at the far end.
async fn take_in(
    line: Line,
    opened: Instant,
    mut from: OwnedReadHalf,
    queue: mpsc::Sender<(Instant, Bytes)>,
) {
    let mut free = opened;
    loop {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        match from.read_buf(&mut piece).await {
            Ok(length) if length > 0 => {
                let seconds = piece.len() as f64 / f64::from(line.bytes_per_second);
                free = free.max(Instant::now()) + Duration::from_secs_f64(seconds);
            }
            _ => return,
        }
        if queue.send((free + line.round_trip / 2, piece.freeze())).await.is_err() {
            return;
        }
    }
}

async fn give_out(mut to: OwnedWriteHalf, mut queue: mpsc::Receiver<(Instant, Bytes)>) {
    while let Some((at, piece)) = queue.recv().await {
        sleep_until(at).await;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
