//! Programs: what changes nothing.

use std::num::{NonZeroU64, NonZeroUsize};

use bytes::BytesMut;

use super::{Call, Outcome, Program};
use crate::{
    Error,
    op::ReadAheadOptions,
    sim::{model::Entry, reader::Reader},
};

impl Program {
    pub(super) async fn get(&mut self) {
        let path = self.known_file();
        self.get_file(&path).await;
    }

    pub(in crate::sim) async fn get_file(&self, path: &str) {
        let call = Call::Get { path: path.to_owned() };
        self.call(call, self.client.get(path), |content| Outcome::Content(content.clone())).await;
    }

    /// Reads in pieces, with rests between; now and then it stops early.
    pub(super) async fn read(&mut self) {
        let path = self.known_file();
        // Something to read, and to be cut off from.
        if self.dice.happens(300) {
            self.put_file(&path).await;
        }
        self.read_file(&path).await;
    }

    pub(in crate::sim) async fn read_file(&mut self, path: &str) {
        let offset = if self.dice.happens(400) { 0 } else { self.dice.below(100) };
        let lazy = self.dice.happens(600);
        let ahead = self.dice.happens(400).then(|| self.read_ahead());
        let name = "read";
        let id = self.begin(Call::Read { path: path.to_owned(), offset });
        let mut got = BytesMut::new();
        let read = match self.client.reader(path, offset, ahead).await {
            Ok(mut reader) => self.read_all(&mut reader, path, lazy, &mut got).await,
            Err(error) => Err(error),
        };
        let outcome = match read {
            Ok(()) => Outcome::Content(got.freeze()),
            Err(error) if got.is_empty() => Outcome::Failed((&error).into()),
            Err(error) => Outcome::Prefix { got: got.freeze(), error: (&error).into() },
        };
        self.shared.ended(id, name, outcome);
    }

    fn read_ahead(&mut self) -> ReadAheadOptions {
        let ranges = usize::try_from(self.dice.between(1, 4)).ok().and_then(NonZeroUsize::new);
        let bytes = NonZeroU64::new(self.dice.between(20, 200));
        ReadAheadOptions::new(ranges.unwrap_or(NonZeroUsize::MIN))
            .range_bytes(bytes.unwrap_or(NonZeroU64::MIN))
    }

    async fn read_all(
        &mut self,
        reader: &mut Reader,
        path: &str,
        lazy: bool,
        got: &mut BytesMut,
    ) -> Result<(), Error> {
        while let Some(data) = reader.read().await? {
            got.extend_from_slice(&data);
            if !lazy {
                continue;
            }
            // What is read may be replaced meanwhile, by this program or by another.
            if self.dice.happens(500) {
                Box::pin(self.put_file(path)).await;
            } else {
                self.rest().await;
            }
        }
        Ok(())
    }

    pub(super) async fn stat(&mut self) {
        let path = self.paths.any(&mut self.dice);
        self.stat_path(&path).await;
    }

    pub(in crate::sim) async fn stat_path(&self, path: &str) {
        let call = Call::Stat { path: path.to_owned() };
        let info =
            |info: &crate::driver::FileInfo| Outcome::Info { size: info.size, is_dir: info.is_dir };
        self.call(call, self.client.stat(path), info).await;
    }

    pub(super) async fn list(&mut self) {
        let path = self.paths.directory(&mut self.dice);
        self.list_path(&path).await;
    }

    pub(in crate::sim) async fn list_path(&self, path: &str) {
        let call = Call::List { path: path.to_owned() };
        self.call(call, self.client.list(path), |names| Outcome::Names(names.clone())).await;
    }

    pub(super) async fn walk(&mut self) {
        let from = self.paths.directory(&mut self.dice);
        let skips = if self.dice.happens(500) {
            vec![self.paths.directory(&mut self.dice)]
        } else {
            Vec::new()
        };
        // No throw of the dice: the worlds of known seeds go on as they did.
        let lists = *[1, 2, 1, 4].get(self.left.get() as usize % 4).unwrap_or(&1);
        self.walk_from(&from, skips, lists).await;
    }

    pub(in crate::sim) async fn walk_from(&self, from: &str, skips: Vec<String>, lists: usize) {
        let call = Call::Walk { from: from.to_owned(), skips: skips.iter().cloned().collect() };
        let entries = |entries: &Vec<crate::op::WalkEntry>| {
            let entry = |entry: &crate::op::WalkEntry| Entry {
                path: entry.path.clone(),
                is_dir: entry.is_dir,
                size: entry.size,
            };
            Outcome::Entries(entries.iter().map(entry).collect())
        };
        self.call(call, self.client.walk(from, &skips, lists), entries).await;
    }
}
