//! Programs: what changes paths.

use std::time::Duration;

use super::{Call, Outcome, Program, WriterId};
use crate::{
    op::Append,
    sim::{client::Writer, network::Network},
};

/// How a writer ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Close,
    Commit,
    Cancel,
    Drop,
}

impl Program {
    pub(super) async fn put(&mut self) {
        let path = self.file_to_write();
        self.put_file(&path).await;
    }

    pub(in crate::sim) async fn put_file(&mut self, path: &str) {
        // What replaces an object of its own size can only be told from it by the CRC.
        let before = self.sizes.get(path).copied().filter(|_| self.dice.happens(400));
        let length = before.unwrap_or_else(|| self.length());
        let content = self.shared.content(length);
        let call = Call::Put { path: path.to_owned(), content: content.clone() };
        let put = self.call(call, self.client.put(path, content), |()| Outcome::Done).await;
        if put.is_some() {
            self.sizes.insert(path.to_owned(), length);
        }
    }

    pub(super) async fn rename(&mut self) {
        let (from, to) = (self.known_file(), self.file_to_write());
        let call = Call::Rename { from: from.clone(), to: to.clone() };
        self.call(call, self.client.rename(&from, &to), |()| Outcome::Done).await;
    }

    pub(super) async fn delete(&mut self) {
        // Few directories hold more than one page, or one batch, by chance.
        let full = self.dice.happens(300);
        let path = if full { self.fill().await } else { self.paths.any(&mut self.dice) };
        let call = Call::Delete { path: path.clone() };
        self.call(call, self.client.delete(&path), |()| Outcome::Done).await;
    }

    /// Puts files into a directory.
    async fn fill(&mut self) -> String {
        let (directory, files) = self.paths.full(&mut self.dice);
        for path in files {
            let content = self.shared.content(8);
            let call = Call::Put { path: path.clone(), content: content.clone() };
            self.call(call, self.client.put(&path, content), |()| Outcome::Done).await;
        }
        directory
    }

    /// Mostly of what is old, as it is meant; now and then of everything.
    pub(super) async fn sweep(&mut self) {
        let age = if self.dice.happens(800) { 86_400_000 } else { self.dice.below(60_000) };
        self.sweep_older_than(age).await;
    }

    pub(in crate::sim) async fn sweep_older_than(&self, age: u64) {
        self.shared.sweeps.set(self.shared.sweeps.get() + 1);
        let call = Call::Sweep { age };
        let sweep = self.client.sweep(Duration::from_millis(age));
        self.call(call, sweep, |_| Outcome::Done).await;
    }

    /// A path's writers as a registry has them: opened, closed, opened again, at last committed.
    pub(super) async fn write_session(&mut self) {
        let path = self.file_to_write();
        let mut append = self.dice.happens(300);
        for _ in 0..self.dice.between(1, 4) {
            let end = match self.dice.below(100) {
                0..40 => End::Close,
                40..80 => End::Commit,
                80..88 => End::Cancel,
                _ => End::Drop,
            };
            self.one_writer(&path, append, end).await;
            append = self.dice.happens(900);
            if self.dice.happens(200) {
                self.rest().await;
            }
        }
    }

    async fn one_writer(&mut self, path: &str, append: bool, end: End) {
        let Some((writer, mut handle)) = self.open(path, append).await else { return };
        let before = self.sizes.get(path).copied().filter(|_| self.dice.happens(400));
        let pieces = if before.is_some() { 1 } else { self.dice.below(4) };
        for _ in 0..pieces {
            let length = match before {
                Some(size) => size.saturating_sub(handle.size()),
                None => self.length(),
            };
            if self.write(writer, &mut handle, length).await.is_none() {
                return self.drop_writer(writer);
            }
            // A writer that rests, while its process does something else.
            match self.dice.below(12) {
                0 => self.rest().await,
                1 => Box::pin(self.get()).await,
                2 => Box::pin(self.put()).await,
                _ => {}
            }
        }
        let requests = handle.requests();
        let idle = append && pieces == 0 && matches!(end, End::Close);
        self.end_writer(writer, path, &mut handle, end).await;
        // The registry opens and closes a writer only to ask for its size.
        if idle && handle.requests() > requests {
            let text = format!("a Close of {path} with nothing to say has sent something");
            self.shared.service.violation(text);
        }
    }

    async fn open(&self, path: &str, append: bool) -> Option<(WriterId, Writer)> {
        let writer = self.shared.writer();
        let call = Call::Open { path: path.to_owned(), append, writer };
        let mode = if append { Append::Yes } else { Append::No };
        let opened = |writer: &Writer| Outcome::Opened { size: writer.size() };
        let handle = self.call(call, self.client.writer(path, mode), opened).await?;
        if append && handle.size() > 0 {
            self.shared.counts.borrow_mut().resumes += 1;
        }
        Some((writer, handle))
    }

    async fn write(&self, writer: WriterId, handle: &mut Writer, length: u64) -> Option<()> {
        let content = self.shared.content(length);
        let call = Call::Write { writer, content: content.clone() };
        self.call(call, handle.write(content), |()| Outcome::Done).await
    }

    async fn end_writer(&mut self, writer: WriterId, path: &str, handle: &mut Writer, end: End) {
        let done = |(): &()| Outcome::Done;
        match end {
            End::Close => {
                self.call(Call::Close { writer }, handle.close(), done).await;
            }
            End::Commit => {
                let commit = async { handle.commit().await.map(drop) };
                let committed = self.call(Call::Commit { writer }, commit, done).await;
                let record = format!("{}~upload", &path[1..]);
                let left = |network: &mut Network| network.emulator().content(&record).is_some();
                let alone = self.paths.is_own(path) && self.shared.is_flawless();
                if committed.is_some() {
                    self.sizes.insert(path.to_owned(), handle.size());
                }
                if committed.is_some() && alone && self.shared.service.network(left) {
                    let text = format!("a commit left its record {record} behind");
                    self.shared.service.violation(text);
                }
            }
            End::Cancel => {
                self.call(Call::Cancel { writer }, handle.cancel(), done).await;
            }
            End::Drop => self.shared.forgotten.set(true),
        }
        self.drop_writer(writer);
    }

    fn drop_writer(&self, writer: WriterId) {
        let at = self.shared.millis();
        self.shared.model.borrow_mut().drop_writer(at, writer);
    }

    /// Goes on with what an earlier Close has left, if there is such, and publishes it.
    pub(in crate::sim) async fn resume_and_commit(&mut self, path: &str) {
        let Some((writer, mut handle)) = self.open(path, true).await else { return };
        let length = self.length();
        if self.write(writer, &mut handle, length).await.is_none() {
            return self.drop_writer(writer);
        }
        self.end_writer(writer, path, &mut handle, End::Commit).await;
    }
}
