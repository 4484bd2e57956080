//! The end of a world: what is left is what the model allows, and a sweep removes what it should.

use std::{collections::BTreeMap, time::Duration};

use super::{
    program::ONCE,
    world::{BUCKET, World},
};
use crate::{
    Key,
    op::{UploadState, record::RECORD_SUFFIX},
};

/// Checks everything that is left, with a process that knows nothing but the bucket.
pub(super) fn audit(world: &mut World) {
    for check in [
        uploads_are_named,
        records_are_due,
        survivors_go_on,
        resume_everything,
        records_are_due,
        sweep_leaves_nothing,
        read_everything,
    ] {
        if world.is_violated() {
            return;
        }
        check(world);
    }
}

/// Every object is one that the model allows, and lists agree once they have caught up.
fn read_everything(world: &mut World) {
    let (files, keys) = world.touched();
    let Ok(auditor) = world.auditor() else { return };
    let lag = world.lag_max;
    world.run_program(async move {
        for file in &files {
            auditor.get_file(file).await;
        }
        for key in &keys {
            if let Ok(key) = Key::new(key.clone()) {
                auditor.get_key(&key).await;
            }
        }
        auditor.sleep(lag).await;
        auditor.list_path("/").await;
        auditor.walk_from("/", Vec::new(), 1).await;
        auditor.walk_from("/", Vec::new(), 3).await;
    });
}

/// Who came through all that goes on as if nothing had been.
fn survivors_go_on(world: &mut World) {
    for mut survivor in world.survivors() {
        world.run_program(async move { survivor.look_around().await });
    }
}

/// What every Close has acknowledged can be resumed and published.
fn resume_everything(world: &mut World) {
    let (files, _) = world.touched();
    let Ok(mut auditor) = world.auditor() else { return };
    world.run_program(async move {
        for file in &files {
            auditor.resume_and_commit(file).await;
            auditor.get_file(file).await;
        }
    });
}

/// An open upload has a record that names it, or fell into one of the windows of the design.
fn uploads_are_named(world: &mut World) {
    let mut unnamed = BTreeMap::<String, u64>::new();
    let open = world.shared.service.network(|network| network.emulator().open_uploads());
    for (_, key, id) in open {
        // What could not be aborted of an upload that was opened once belongs to nobody.
        if recorded_upload(world, &key).as_ref() == Some(&id) || key.starts_with(ONCE) {
            continue;
        }
        let upload = (key.clone(), id.clone());
        let excused = world.shared.service.network(|network| {
            network.strays().contains(&upload) || network.kept_from_abort().contains(&upload)
        });
        if excused {
            continue;
        }
        let unnamed = unnamed.entry(key.clone()).or_insert(0);
        *unnamed += 1;
        if *unnamed > world.shared.model.borrow().unnamed_uploads_allowed(&key) {
            let text = format!("the upload {id} at {key} is open and nothing names it");
            world.shared.service.violation(text);
        }
    }
}

/// A record stands where a Close left one, and nowhere else.
fn records_are_due(world: &mut World) {
    let keys = world.shared.service.network(|network| network.emulator().keys(BUCKET));
    let model = world.shared.model.borrow();
    for key in model.keys() {
        let record = format!("{key}{RECORD_SUFFIX}");
        let is = keys.contains(&record);
        let (may, must) = model.record_at_end(key);
        if is && !may || !is && must {
            let what = if is { "stands there for nothing" } else { "is missing" };
            world.shared.service.violation(format!("the record {record} {what}"));
        }
    }
}

/// The upload that the record beside a key names.
pub(super) fn recorded_upload(world: &World, key: &str) -> Option<String> {
    let part_bytes_min = world.part_bytes_min();
    let record = format!("{key}{RECORD_SUFFIX}");
    let content = world.shared.service.network(|network| network.emulator().content(&record))?;
    let state = UploadState::parse_with(&content, part_bytes_min).ok()?;
    Some(state.upload?.as_str().to_owned())
}

/// After the lag, a sweep of everything leaves no upload and no record.
fn sweep_leaves_nothing(world: &mut World) {
    let Ok(auditor) = world.auditor() else { return };
    let lag = world.lag_max;
    world.run_program(async move {
        auditor.sleep(lag + Duration::from_secs(2)).await;
        auditor.sweep_older_than(0).await;
    });
    if world.is_violated() {
        return;
    }
    let (uploads, keys) = world
        .shared
        .service
        .network(|network| (network.emulator().open_uploads(), network.emulator().keys(BUCKET)));
    let records: Vec<_> = keys.iter().filter(|key| key.ends_with(RECORD_SUFFIX)).collect();
    if !uploads.is_empty() || !records.is_empty() {
        let text = format!("a sweep left the uploads {uploads:?} and the records {records:?}");
        world.shared.service.violation(text);
    }
}
