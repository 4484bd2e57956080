//! Peers that are hostile, broken or not who they should be: each ends an operation in the right
//! error, on both adapters, without a hang, with little memory, and with every request that a peer
//! got told to the observer.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that panics is a test that fails"
)]

mod answers;
mod certificates;
mod connections;
#[path = "../either/mod.rs"]
mod either;
mod endless;
mod framing;
mod memory;
mod peer;
mod service;
mod trial;
mod trust;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use either::Adapter;
use trial::Case;

/// Most of them wait.
const AT_ONCE: usize = 16;

/// Runs cases on both adapters. `COS_TEST_CASE` runs those whose names contain it.
fn run(cases: &[Case]) {
    let only = std::env::var("COS_TEST_CASE").unwrap_or_default();
    let all: Vec<(&Case, Adapter)> = cases
        .iter()
        .filter(|case| case.name.contains(&only))
        .flat_map(|case| Adapter::ALL.map(|adapter| (case, adapter)))
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((case, adapter)) = all.get(next.fetch_add(1, Ordering::AcqRel)) {
                    if let Err(why) = trial::run(case, *adapter) {
                        let text = format!("{} on {}:\n{why}", case.name, adapter.name());
                        wrong.lock().expect("lock").push(text);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("lock");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// What drivers are asked.
mod ask {
    use bytes::Bytes;
    use cos_proto::{Error, Key, op::Append};

    use crate::either::Driver;

    pub fn get(driver: &Driver) -> Result<(), Error> {
        driver.get_content("/file").map(drop)
    }

    pub fn get_whatever_its_size(driver: &Driver) -> Result<(), Error> {
        driver.get_key(Key::new("file")?, u64::MAX).map(drop)
    }

    pub fn get_a_mebibyte(driver: &Driver) -> Result<(), Error> {
        driver.get_key(Key::new("file")?, 1 << 20).map(drop)
    }

    pub fn read(driver: &Driver) -> Result<(), Error> {
        driver.read("/file").map(drop)
    }

    pub fn list(driver: &Driver) -> Result<(), Error> {
        driver.list("/folder").map(drop)
    }

    pub fn walk(driver: &Driver) -> Result<(), Error> {
        driver.walk("/folder").map(drop)
    }

    pub fn put(driver: &Driver) -> Result<(), Error> {
        driver.put_content("/file", Bytes::from_static(b"content"))
    }

    pub fn rename(driver: &Driver) -> Result<(), Error> {
        driver.rename("/file", "/other")
    }

    /// More than one part.
    pub fn commit(driver: &Driver) -> Result<(), Error> {
        let mut writer = driver.writer("/file", Append::No)?;
        writer.write(Bytes::from(vec![crate::service::BYTE; 6 << 20]))?;
        writer.commit().map(drop)
    }
}
