//! `reader`, and objects written by `writer`.

use bytes::Bytes;

use super::{CHECKLIST, Case, PROMISED, TESTSUITES, UNCOVERED, case};
use crate::{
    Crc64, ErrorKind,
    conformance::{
        Outcome, Random, Reader, Stop, Trial,
        case::{ensure, equal, same_bytes},
        trial::{not_found, refused},
    },
    op::Append,
};

pub(super) const CASES: &[Case] = &[
    case("WriteReadStreams1", TESTSUITES, |trial| streams(trial, Bytes::from_static(b"a"))),
    case("WriteReadStreams2", TESTSUITES, |trial| streams(trial, Bytes::from_static(b"\xc3\x9f"))),
    case("WriteReadStreams3", TESTSUITES, |trial| streams(trial, trial.content(32))),
    case("WriteReadStreams4", TESTSUITES, |trial| streams(trial, trial.content(1 << 20))),
    case("WriteReadStreamsNonUTF8", TESTSUITES, |trial| {
        streams(trial, Bytes::from_static(&[0x80; 4]))
    }),
    case("WriteReadLargeStreams", TESTSUITES, large_stream),
    case("ReaderWithOffset", TESTSUITES, reader_with_offset),
    case("ReaderOffsetBeyondSize", UNCOVERED, offset_beyond_size),
    case("ReadNonexistentStream", TESTSUITES, read_nonexistent),
    case("ReaderOfZeroBytes", CHECKLIST, reader_of_zero_bytes),
    case("ReaderTellsMetadata", PROMISED, reader_tells_metadata),
    case("ReaderDroppedEarly", PROMISED, reader_dropped_early),
];

fn streams(trial: &Trial<'_>, content: Bytes) -> Outcome {
    let path = trial.path(32);
    trial.write(&path, &content)?;
    same_bytes(&trial.read(&path, 0)?, &content, &path)
}

/// A stream that is never whole in memory here; one byte more than `get_content` takes.
fn large_stream(trial: &Trial<'_>) -> Outcome {
    const PIECE: usize = 1 << 20;
    let pieces: u64 = if trial.options.large { 5 * 1024 } else { 64 };
    let path = trial.path(32);
    let (mut written, mut random) = (Crc64::new(), Random::new(trial.options.seed ^ 5));
    let mut writer = trial.subject.writer(&path, Append::No)?;
    for _ in 0..pieces {
        let piece = random.bytes(PIECE);
        written.update(&piece);
        writer.write(&piece)?;
    }
    writer.write(b"!")?;
    written.update(b"!");
    writer.commit()?;
    writer.close()?;
    let size = pieces * PIECE as u64 + 1;
    equal(writer.size(), size, "the writer's size")?;
    equal(trial.subject.stat(&path)?.size, size, "the file's size")?;

    let (mut crc, mut length) = (Crc64::new(), 0);
    let mut reader = trial.subject.reader(&path, 0)?;
    let mut buffer = vec![0; PIECE];
    loop {
        let read = reader.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        crc.update(&buffer[..read]);
        length += read as u64;
    }
    equal(length, size, "the bytes read")?;
    equal(crc.value(), written.value(), "the CRC-64 of the bytes read")?;
    ensure(reader.is_verified(), "not verified")?;
    drop(reader);
    let limit = crate::op::Fetch::DEFAULT_LIMIT;
    refused(trial.subject.get_content(&path), &ErrorKind::TooLarge { limit }, &path)
}

fn reader_with_offset(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(96);
    trial.subject.put_content(&path, content.clone())?;
    for offset in [0, 32, 64, 95, 96] {
        let read = trial.read(&path, offset as i64)?;
        same_bytes(&read, &content[offset..], format!("from {offset}"))?;
    }
    let negative = ErrorKind::InvalidOffset { offset: -1 };
    refused(trial.subject.reader(&path, -1), &negative, &path)?;
    // The offset is looked at first, then the path.
    refused(trial.subject.reader("no path", -1), &negative, "no path")?;
    let mut reader = trial.subject.reader(&path, 96)?;
    equal(reader.read(&mut [0; 32])?, 0, "the first read at the end")?;
    equal(reader.read(&mut [0; 32])?, 0, "the second read at the end")
}

fn offset_beyond_size(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, trial.content(96))?;
    for offset in [97, 1000, i64::MAX] {
        same_bytes(&trial.read(&path, offset)?, b"", format!("from {offset}"))?;
    }
    Ok(())
}

fn read_nonexistent(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    not_found(trial.subject.reader(&path, 0), &path)?;
    not_found(trial.subject.reader(&path, 64), &path)
}

fn reader_of_zero_bytes(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    trial.subject.put_content(&path, Bytes::new())?;
    for offset in [0, 1, 64] {
        same_bytes(&trial.read(&path, offset)?, b"", format!("from {offset}"))?;
    }
    equal(trial.subject.get_content(&path)?.len(), 0, "the content")
}

fn reader_tells_metadata(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(3000);
    trial.write(&path, &content)?;
    let expected = trial.subject.head_key(&trial.key(&path))?;
    for (offset, verified) in [(0, true), (1000, false)] {
        let mut reader = trial.subject.reader(&path, offset)?;
        let meta = reader.meta().ok_or_else(|| Stop::failed("no metadata"))?;
        equal(meta.size, 3000, "the size")?;
        equal(&meta.etag, &expected.etag, "the ETag")?;
        equal(meta.last_modified, expected.last_modified, "Last-Modified")?;
        ensure(meta.last_modified.is_some(), "no Last-Modified")?;
        drain(&mut *reader)?;
        equal(reader.is_verified(), verified, format!("verified, from {offset}"))?;
    }
    Ok(())
}

fn drain(reader: &mut dyn Reader) -> Outcome {
    while reader.read(&mut [0; 512])? > 0 {}
    Ok(())
}

/// A reader may be left half-way; the driver goes on, with all its permits.
fn reader_dropped_early(trial: &Trial<'_>) -> Outcome {
    let path = trial.path(32);
    let content = trial.content(2 << 20);
    trial.subject.put_content(&path, content.clone())?;
    for _ in 0..trial.subject.config().max_concurrency().get() + 2 {
        let mut reader = trial.subject.reader(&path, 0)?;
        let mut start = [0; 1];
        equal(reader.read(&mut start)?, 1, "the first byte")?;
        equal(start[0], content[0], "the first byte")?;
    }
    same_bytes(&trial.read(&path, 0)?, &content, "after the dropped readers")
}
