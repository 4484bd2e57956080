//! What a registry does with a driver (registry/storage/blobwriter.go, blobupload.go): every
//! request may reach another process, and the lists may not show yet what the last one did.

use bytes::Bytes;

use super::{CHECKLIST, Case, PROMISED, case};
use crate::{
    CallKind, ErrorKind,
    conformance::{
        Outcome, Stop, Trial, Visit,
        case::{ensure, equal, same_bytes},
        trial::{LAG_MAX, misuse, not_found},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("RegistryPush", CHECKLIST, push),
    case("RegistryMonolithicPush", CHECKLIST, monolithic_push),
    case("RegistryEmptyBlob", CHECKLIST, empty_blob),
    case("RegistryStatusWritesNothing", PROMISED, status_writes_nothing),
    case("RegistryCancelledUpload", CHECKLIST, cancelled_upload),
    case("RegistryBadDigest", CHECKLIST, bad_digest),
    case("RegistryPurge", CHECKLIST, purge),
];

/// An upload's directory and the path of its data.
struct Upload {
    directory: String,
    data: String,
}

impl Upload {
    /// `POST uploads/`.
    fn post(trial: &Trial<'_>, top: &str) -> Result<Self, Stop> {
        let directory = format!("{top}/repositories/name/_uploads/{}", trial.random().name(36));
        let data = format!("{directory}/data");
        let driver = trial.fresh()?;
        let now = Bytes::from_static(b"2026-11-22T03:48:58Z");
        driver.put_content(&format!("{directory}/startedat"), now)?;
        let mut writer = driver.writer(&data, Append::No)?;
        writer.close()?;
        equal(writer.size(), 0, "the size after POST")?;
        Ok(Self { directory, data })
    }

    /// `GET` of the upload's status.
    fn status(&self, trial: &Trial<'_>) -> Result<u64, Stop> {
        let driver = trial.fresh()?;
        driver.get_content(&format!("{}/startedat", self.directory))?;
        let mut writer = driver.writer(&self.data, Append::Yes)?;
        writer.close()?;
        Ok(writer.size())
    }

    /// `PATCH` with a body that begins at `offset`.
    fn patch(&self, trial: &Trial<'_>, offset: u64, body: &[u8]) -> Outcome {
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&self.data, Append::Yes)?;
        equal(writer.size(), offset, "the size at PATCH")?;
        for piece in body.chunks(32 * 1024) {
            writer.write(piece)?;
        }
        writer.close()?;
        equal(writer.size(), offset + body.len() as u64, "the size after PATCH")
    }

    /// `PUT ?digest` with a body, then the move to the blob's path.
    fn put(&self, trial: &Trial<'_>, offset: u64, body: &[u8], blob: &str) -> Outcome {
        let driver = trial.fresh()?;
        let mut writer = driver.writer(&self.data, Append::Yes)?;
        equal(writer.size(), offset, "the size at PUT")?;
        writer.write(body)?;
        writer.commit()?;
        writer.close()?;
        drop(writer);
        equal(driver.stat(&self.data)?.size, offset + body.len() as u64, "the blob's size")?;
        not_found(driver.stat(blob), blob)?;
        driver.rename(&self.data, blob)?;
        driver.put_content(&format!("{blob}-link"), Bytes::from_static(b"sha256:0"))?;
        // What other processes have put there may not be listed yet, and then nothing is found.
        match driver.delete(&self.directory) {
            Err(error) if *error.kind() == ErrorKind::PathNotFound => Ok(()),
            deleted => Ok(deleted?),
        }
    }

    /// What a purge does when the lists show everything: only the blob may be left.
    fn purge(&self, trial: &Trial<'_>, blob: &str) -> Outcome {
        trial.subject.advance(LAG_MAX);
        match trial.fresh()?.delete(&self.directory) {
            Err(error) if *error.kind() != ErrorKind::PathNotFound => return Err(error.into()),
            _ => {}
        }
        trial.ensure_only(&[blob, &format!("{blob}-link")])
    }
}

fn push(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let top = trial.directory();
    let blob = format!("{top}/blobs/data");
    let content = trial.content(20 * 1_000_000 + 1);
    let upload = Upload::post(trial, &top)?;
    equal(upload.status(trial)?, 0, "the status after POST")?;
    upload.patch(trial, 0, &content[..7_000_000])?;
    equal(upload.status(trial)?, 7_000_000, "the status after PATCH")?;
    upload.patch(trial, 7_000_000, &content[7_000_000..7_000_010])?;
    upload.patch(trial, 7_000_010, &content[7_000_010..])?;
    upload.put(trial, content.len() as u64, b"", &blob)?;
    same_bytes(&trial.read(&blob, 0)?, &content, "the blob")?;
    upload.purge(trial, &blob)
}

fn monolithic_push(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let top = trial.directory();
    let blob = format!("{top}/blobs/data");
    let content = trial.content(1_500_000);
    let upload = Upload::post(trial, &top)?;
    upload.put(trial, 0, &content, &blob)?;
    same_bytes(&trial.read(&blob, 0)?, &content, "the blob")?;
    upload.purge(trial, &blob)
}

fn empty_blob(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let blob = format!("{top}/blobs/data");
    let upload = Upload::post(trial, &top)?;
    upload.patch(trial, 0, b"")?;
    upload.put(trial, 0, b"", &blob)?;
    equal(trial.subject.get_content(&blob)?.len(), 0, "the blob")
}

fn status_writes_nothing(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let upload = Upload::post(trial, &top)?;
    upload.patch(trial, 0, &trial.content(1_500_000))?;
    trial.clear_log()?;
    equal(upload.status(trial)?, 1_500_000, "the status")?;
    let calls = trial.emulator(|emulator| {
        emulator.request_log().iter().filter_map(|logged| logged.call).collect::<Vec<_>>()
    })?;
    let reads = |call: &CallKind| matches!(call, CallKind::GetObject | CallKind::HeadObject);
    ensure(calls.iter().all(reads), format!("the status made {calls:?}"))
}

fn cancelled_upload(trial: &Trial<'_>) -> Outcome {
    trial.list_lag(LAG_MAX);
    let top = trial.directory();
    let upload = Upload::post(trial, &top)?;
    upload.patch(trial, 0, &trial.content(1_500_000))?;
    let driver = trial.fresh()?;
    let mut writer = driver.writer(&upload.data, Append::Yes)?;
    writer.cancel()?;
    writer.close()?;
    drop(writer);
    trial.ensure_only(&[&format!("{}/startedat", upload.directory)])?;
    trial.subject.advance(LAG_MAX);
    driver.delete(&upload.directory)?;
    trial.ensure_only(&[])
}

fn bad_digest(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let upload = Upload::post(trial, &top)?;
    let driver = trial.fresh()?;
    let mut writer = driver.writer(&upload.data, Append::Yes)?;
    writer.write(b"not what the digest says")?;
    writer.commit()?;
    misuse(writer.cancel(), "Cancel after Commit")?;
    writer.close()?;
    drop(writer);
    driver.delete(&upload.directory)?;
    trial.ensure_only(&[])
}

/// Old uploads are found as directories by a walk and deleted with what is not listed as objects.
fn purge(trial: &Trial<'_>) -> Outcome {
    let top = trial.directory();
    let one = Upload::post(trial, &top)?;
    let two = Upload::post(trial, &top)?;
    two.patch(trial, 0, &trial.content(2_000_000))?;
    let driver = trial.fresh()?;
    let mut found = Vec::new();
    driver.walk(&top, None, &mut |entry| {
        if entry.path.ends_with("/_uploads") || !entry.path.contains("/_uploads/") {
            return Visit::Continue;
        }
        if entry.is_dir {
            found.push(entry.path.clone());
        }
        Visit::Skip
    })?;
    let mut expected = vec![one.directory, two.directory];
    expected.sort();
    equal(&found, &expected, "the uploads")?;
    for directory in &found {
        driver.delete(directory)?;
    }
    trial.ensure_only(&[])
}
