//! The bench server by itself, for other clients and for profiles: prints the addresses of the
//! server and of the long line to it, and serves until its input ends.

use cos_benches::transfer::Failed;

fn main() -> Result<(), Failed> {
    cos_benches::process::serve()
}
