//! The bench server answers our driver as COS does, in all that is measured.

use std::error::Error;

use cos_benches::{content, server};
use cos_proto::{Crc64, config::Config};
use cos_tokio::{Append, Driver, WalkControl, WalkOptions};

type Checked = Result<(), Box<dyn Error>>;

async fn driver() -> Result<Driver, Box<dyn Error>> {
    let server = server::start().await?;
    Ok(Driver::from_config(&Config::from_parameters([
        ("secretid", "AKIDexample"),
        ("secretkey", "example"),
        ("region", "ap-guangzhou"),
        ("bucket", "bench-1250000000"),
        ("chunksize", "5242880"),
        ("endpoint", &format!("http://{server}")),
    ])?)?)
}

async fn files_below(driver: &Driver, path: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let mut files = Vec::new();
    let each = |entry: cos_tokio::WalkEntry| {
        if !entry.is_dir {
            files.push(entry.path);
        }
        Ok::<_, cos_tokio::Error>(WalkControl::Continue)
    };
    driver.walk_with(path, &WalkOptions::new(), each).await?;
    Ok(files)
}

#[test]
fn a_checksum_without_the_bytes_is_that_of_the_bytes() -> Checked {
    for size in [0, 1, 1024, 1_048_573, 5_000_000] {
        assert_eq!(content::crc(size), Crc64::of(&content::copied(0, usize::try_from(size)?)));
    }
    let range = content::copied(1_000_000, 3_000_000);
    assert_eq!(content::crc_of_range(1_000_000, 3_000_000), Crc64::of(&range));
    Ok(())
}

#[tokio::test]
async fn what_was_written_in_two_sittings_is_read_from_any_offset() -> Checked {
    let driver = driver().await?;
    let all = content::copied(0, 12_000_000);
    let mut writer = driver.writer("/a/large", Append::No).await?;
    writer.write(all[..7_000_000].to_vec()).await?;
    writer.close().await?;
    let mut writer = driver.writer("/a/large", Append::Yes).await?;
    writer.write(all[7_000_000..].to_vec()).await?;
    writer.commit().await?;
    driver.rename("/a/large", "/b/large").await?;
    for offset in [0, 11_000_000, 12_000_000] {
        let mut reader = driver.reader("/b/large", offset).await?;
        let mut read = Vec::new();
        while let Some(bytes) = reader.chunk().await? {
            read.extend_from_slice(&bytes);
        }
        assert!(read == all[usize::try_from(offset)?..], "from {offset}");
    }
    driver.delete("/b").await?;
    assert!(driver.stat("/b/large").await.is_err());
    Ok(())
}

#[tokio::test]
async fn made_up_keys_are_listed_once_and_in_order() -> Checked {
    let driver = driver().await?;
    for path in ["/flat-2500", "/tree-2500"] {
        let files = files_below(&driver, path).await?;
        assert_eq!(files.len(), 2500, "{path}");
        assert!(files.is_sorted_by(|a, b| a < b), "{path}");
    }
    let top = driver.list("/tree-2500/docker/registry/v2").await?;
    assert_eq!(top.len(), 2, "{top:?}");
    Ok(())
}
