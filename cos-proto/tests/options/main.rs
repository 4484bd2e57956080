//! Every option of every call, through the client's operations and the strict emulator and back:
//! each test says what an option must do and looks for that, not for the request.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that panics is a test that fails"
)]

mod access;
mod conditions;
mod copying;
mod describing;
mod encrypting;
mod keys;
mod listing;
mod multipart_lists;
mod overwriting;
mod presigned;
mod reading;
mod world;
