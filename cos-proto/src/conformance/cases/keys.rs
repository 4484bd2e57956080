//! What the driver's parameters do to the objects it writes.

use super::{Case, PROMISED, S3_TEST, case};
use crate::{
    DriverPath,
    config::Value,
    conformance::{
        Outcome, Subject, Trial,
        case::{ensure, equal, same_bytes},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("StorageClass", S3_TEST, storage_class),
    case("EncryptionByCos", PROMISED, encryption_by_cos),
    case("EncryptionByKms", PROMISED, encryption_by_kms),
    case("IsSubpath", S3_TEST, is_subpath),
];

/// Objects written in every way, in pairs of (way, path).
fn written_in_every_way(
    trial: &Trial<'_>,
    driver: &dyn Subject,
) -> Result<Vec<(&'static str, String)>, super::super::Stop> {
    let path = || trial.path(32);
    let ways = vec![
        ("put_content", path()),
        ("a small writer", path()),
        ("a writer of parts", path()),
        ("a resumed writer", path()),
        ("rename", path()),
    ];
    let chunk = driver.config().chunk_size() as usize;
    for (way, path) in &ways {
        let content = trial.content(if way.contains("parts") { chunk + 5 } else { 200 });
        match *way {
            "put_content" => driver.put_content(path, content.clone())?,
            "rename" => {
                let source = trial.path(32);
                driver.put_content(&source, content.clone())?;
                driver.rename(&source, path)?;
            }
            "a resumed writer" => {
                let mut writer = driver.writer(path, Append::No)?;
                writer.write(&content[..100])?;
                writer.close()?;
                drop(writer);
                let mut writer = driver.writer(path, Append::Yes)?;
                writer.write(&content[100..])?;
                writer.commit()?;
            }
            _ => super::super::trial::write_all(driver, path, &content)?,
        }
        same_bytes(&trial.read(path, 0)?, &content, way)?;
    }
    Ok(ways)
}

fn storage_class(trial: &Trial<'_>) -> Outcome {
    for class in ["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING"] {
        let driver = trial.subject.open(&[("storageclass", class.into())])?;
        for (way, path) in written_in_every_way(trial, &*driver)? {
            let meta = driver.head_key(&trial.key(&path))?;
            ensure(
                meta.storage_class == class,
                format!("{way}: {:?}, not {class}", meta.storage_class),
            )?;
        }
    }
    // What is archived cannot be read back, but a writer goes on: its record is never archived.
    let driver = trial.subject.open(&[("storageclass", "ARCHIVE".into())])?;
    let path = trial.path(32);
    let mut writer = driver.writer(&path, Append::No)?;
    writer.write(b"start")?;
    writer.close()?;
    drop(writer);
    let mut writer = driver.writer(&path, Append::Yes)?;
    equal(writer.size(), 5, "the size when re-opened")?;
    writer.commit()?;
    let meta = driver.head_key(&trial.key(&path))?;
    ensure(meta.storage_class == "ARCHIVE", format!("{:?}", meta.storage_class))
}

fn encryption_by_cos(trial: &Trial<'_>) -> Outcome {
    encryption(trial, &[("encrypt", true.into())], "AES256")
}

/// A real bucket would need a key that exists.
fn encryption_by_kms(trial: &Trial<'_>) -> Outcome {
    trial.emulator(|_| ())?;
    encryption(trial, &[("encrypt", true.into()), ("keyid", "key-1".into())], "cos/kms")
}

fn encryption(trial: &Trial<'_>, changed: &[(&str, Value)], shown: &str) -> Outcome {
    let driver = trial.subject.open(changed)?;
    for (way, path) in written_in_every_way(trial, &*driver)? {
        let meta = driver.head_key(&trial.key(&path))?;
        let by = meta.encryption.get("x-cos-server-side-encryption").map(String::as_str);
        equal(by, Some(shown), way)?;
    }
    Ok(())
}

fn is_subpath(_: &Trial<'_>) -> Outcome {
    for (path, parent, within) in [
        ("/a", "/a", true),
        ("/a/b", "/a", true),
        ("/a/b/c", "/a", true),
        ("/ab", "/a", false),
        ("/a", "/a/b", false),
        ("/tags/1.20", "/tags/1.2", false),
        ("/tags/1.2/x", "/tags/1.2", true),
        ("/a", "/", true),
        ("/", "/", true),
    ] {
        let (inner, outer) = (DriverPath::or_root(path)?, DriverPath::or_root(parent)?);
        equal(inner.is_within(&outer), within, format!("{path} in {parent}"))?;
    }
    Ok(())
}
