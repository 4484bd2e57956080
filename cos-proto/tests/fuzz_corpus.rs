//! What fuzzing has found, on stable: every file of a corpus and every past crash, through its
//! target.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that panics is a test that fails"
)]

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use cos_proto::fuzz::TARGETS;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

/// The names in a folder, in order; none if there is no such folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeSet::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_input_that_was_kept_passes_its_target() {
    let (mut replayed, mut failed) = (0, Vec::new());
    for (target, run) in TARGETS {
        for kind in ["corpus", "regressions"] {
            let folder = folder(kind).join(target);
            for name in names(&folder) {
                let data = fs::read(folder.join(&name)).unwrap();
                if catch_unwind(AssertUnwindSafe(|| run(&data))).is_err() {
                    failed.push(format!("fuzz/{kind}/{target}/{name}"));
                }
                replayed += 1;
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(replayed >= 10 * TARGETS.len(), "{replayed} inputs are too few");
}

#[test]
fn every_target_has_a_corpus_and_a_binary_and_nothing_else_does() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "two targets of one name");
    assert_eq!(names(&folder("corpus")), targets);
    assert!(names(&folder("regressions")).is_subset(&targets));
    let binaries: BTreeSet<String> = names(&folder("fuzz_targets"))
        .iter()
        .map(|file| file.strip_suffix(".rs").expect("a Rust file").to_owned())
        .collect();
    assert_eq!(binaries, targets);
    for target in &targets {
        assert!(!names(&folder("corpus").join(target)).is_empty(), "{target} has no corpus");
    }
}

#[test]
fn inputs_are_few_and_small() {
    for (target, _) in TARGETS {
        let folder = folder("corpus").join(target);
        let names = names(&folder);
        assert!(names.len() <= 40, "{target}: {} inputs", names.len());
        for name in names {
            let bytes = fs::metadata(folder.join(&name)).unwrap().len();
            assert!(bytes <= 2048, "{target}/{name}: {bytes} bytes");
        }
    }
}
