//! The same script on every adapter makes the same requests.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Method;

use super::{Options, Outcome, Subject, Visit, trial::Trial};
use crate::{emulator::Emulator, op::Append};

/// What identifies a request: method, path and query, without what differs from run to run.
pub type Request = (String, String, String);

/// Uses every method of the driver once, in one order.
///
/// # Errors
/// What is not as it must be.
pub fn parity_script(subject: &dyn Subject) -> Outcome {
    let trial = Trial::new(subject, Options::new(), "parity");
    let chunk = subject.config().chunk_size() as usize;
    let (small, large) = (trial.content(1000), trial.content(2 * chunk + 77));
    subject.put_content("/parity/put", small.clone())?;
    subject.get_content("/parity/put")?;
    trial.read("/parity/put", 0)?;
    trial.read("/parity/put", 500)?;
    trial.read("/parity/put", 5000)?;
    let mut writer = subject.writer("/parity/dir/large", Append::No)?;
    writer.write(&large[..chunk + 5])?;
    writer.close()?;
    drop(writer);
    let mut writer = subject.writer("/parity/dir/large", Append::Yes)?;
    writer.write(&large[chunk + 5..])?;
    writer.commit()?;
    writer.close()?;
    drop(writer);
    trial.write("/parity/dir/small", &small)?;
    // What is under way at a Cancel is a matter of luck, so nothing is.
    for (path, length) in [("/parity/cancelled/small", 10), ("/parity/cancelled/parts", chunk + 1)]
    {
        let mut writer = subject.writer(path, Append::No)?;
        writer.write(&large[..length])?;
        writer.close()?;
        drop(writer);
        let mut writer = subject.writer(path, Append::Yes)?;
        writer.cancel()?;
    }
    for path in ["/", "/parity", "/parity/put", "/parity/dir"] {
        subject.stat(path)?;
    }
    subject.stat("/parity/missing").err();
    for path in ["/", "/parity", "/parity/dir"] {
        subject.list(path)?;
    }
    subject.list("/parity/missing").err();
    subject.walk("/parity", Some("/parity/dir"), &mut |_| Visit::Continue)?;
    subject.walk_entries("/", None)?;
    subject.rename("/parity/put", "/parity/moved")?;
    let parts = subject.open(&[
        ("multipartcopythresholdsize", 0.into()),
        ("multipartcopychunksize", (16_i64 << 20).into()),
    ])?;
    parts.rename("/parity/dir/large", "/parity/dir/copied")?;
    subject.redirect_url(&Method::GET, "/parity/moved", None)?;
    let mut writer = subject.writer("/parity/dir/unfinished", Append::No)?;
    writer.write(&large[..=chunk])?;
    writer.close()?;
    drop(writer);
    subject.put_key(&trial.key("/parity/odd name+%2F\u{e9}"), Bytes::from_static(b"x"))?;
    subject.delete("/parity/dir/small")?;
    subject.delete("/parity")?;
    subject.delete("/parity").err();
    Ok(())
}

/// The requests that the emulator has seen since its log was cleared; upload ids are blotted out.
pub fn parity_requests(emulator: &Emulator) -> BTreeSet<Request> {
    let request = |logged: crate::emulator::Logged| {
        let pairs = logged.query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let random = matches!(name, "uploadId" | "upload-id-marker") && !value.is_empty();
            if random { format!("{name}=…") } else { pair.to_owned() }
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        (logged.method.to_string(), logged.path, query)
    };
    emulator.request_log().into_iter().map(request).collect()
}
