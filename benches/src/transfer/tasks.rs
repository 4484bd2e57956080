//! What a client process of its own does, so that its memory and CPU are those of one task.

use std::{io::Write as _, net::SocketAddr};

use tokio::io::AsyncWriteExt as _;

use super::{
    client::{BlockingClient as _, Checked, Client as _, Failed, ensure},
    measure::runtime,
    ours::{CosBlocking, CosTokio, config},
};
use crate::content;

/// A copy of content, a buffer full at a time: what writers hold is then their own memory.
fn write_all(size: u64, mut write: impl FnMut(&[u8]) -> Checked) -> Checked {
    let mut offset = 0;
    while offset < size {
        let piece = content::piece(offset, (size - offset).min(64 * 1024));
        write(&piece)?;
        offset += piece.len() as u64;
    }
    Ok(())
}

/// `<adapter> <size> <writers>`: so many writers at once, each of this size.
pub(super) fn upload(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [adapter, size, writers] = arguments else { return Err(usage("adapter size writers")) };
    let (size, writers): (u64, usize) = (size.parse()?, writers.parse()?);
    if *adapter == "tokio" {
        let client = CosTokio::new(server, 10)?;
        return runtime()?.block_on(uploads(&client, size, writers));
    }
    let client = CosBlocking::new(server, 10)?;
    let mut open = Vec::new();
    for number in 0..writers {
        open.push(client.0.writer(&format!("/memory/{number}"), cos_blocking::Append::No)?);
    }
    write_all(size, |piece| open.iter_mut().try_for_each(|writer| Ok(writer.write_all(piece)?)))?;
    for mut writer in open {
        ensure(writer.commit()?.size == size, "upload")?;
    }
    Ok(())
}

async fn uploads(client: &CosTokio, size: u64, writers: usize) -> Checked {
    let mut running = tokio::task::JoinSet::new();
    for number in 0..writers {
        let driver = client.0.clone();
        running.spawn(async move {
            let path = format!("/memory/{number}");
            let mut writer = driver.writer(&path, cos_tokio::Append::No).await?;
            let mut offset = 0;
            while offset < size {
                let piece = content::piece(offset, (size - offset).min(64 * 1024));
                writer.write_all(&piece).await?;
                offset += piece.len() as u64;
            }
            ensure(writer.commit().await?.size == size, "upload")
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(())
}

/// `<adapter> <size>`: one reader.
pub(super) fn download(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [adapter, size] = arguments else { return Err(usage("adapter size")) };
    let size = size.parse()?;
    if *adapter == "tokio" {
        runtime()?.block_on(CosTokio::new(server, 10)?.download(size))
    } else {
        CosBlocking::new(server, 10)?.download(size)
    }
}

/// `<adapter> <size>`: one reader that reads ahead.
pub(super) fn download_ahead(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [adapter, size] = arguments else { return Err(usage("adapter size")) };
    let size = size.parse()?;
    if *adapter == "tokio" {
        runtime()?.block_on(CosTokio::new(server, 10)?.download_ahead(size))
    } else {
        CosBlocking::new(server, 10)?.download_ahead(size)
    }
}

/// `<adapter> <flat|tree> <count> <lists>`: one walk.
pub(super) fn walk(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [adapter, shape, count, lists] = arguments else {
        return Err(usage("adapter shape count lists"));
    };
    let (path, lists) = (format!("/{shape}-{count}"), lists.parse()?);
    let files = if *adapter == "tokio" {
        runtime()?.block_on(CosTokio::new(server, 10)?.walk(&path, lists))?.0
    } else {
        CosBlocking::new(server, 10)?.walk(&path, lists)?
    };
    ensure(files == count.parse::<u64>()?, "walk")
}

/// `<parts>`: one writer with parts of 1 MiB, which grow after every 2000.
pub(super) fn parts(server: SocketAddr, arguments: &[&str]) -> Checked {
    let [parts] = arguments else { return Err(usage("parts")) };
    let size = parts_bytes(parts.parse()?);
    let builder = cos_tokio::Client::builder(config(server, 10)?.session()).chunk_size(MIB);
    let client = builder.build()?;
    runtime()?.block_on(async {
        let key = cos_proto::Key::new("parts")?;
        let mut writer = client.writer(key, cos_proto::api::ObjectOptions::new());
        for piece in super::client::pieces(size) {
            writer.write(piece).await?;
        }
        ensure(writer.commit().await?.size == size, "upload")
    })
}

const MIB: u64 = 1 << 20;

/// How many bytes so many parts hold.
pub(super) fn parts_bytes(parts: u64) -> u64 {
    (0..parts).map(|part| MIB << (part / 2000)).sum()
}

fn usage(arguments: &str) -> Failed {
    format!("arguments: {arguments}").into()
}
