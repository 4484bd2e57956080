//! Programs: operations on keys, which paths cannot name.

use bytes::Bytes;

use super::{Call, Outcome, Program};
use crate::{
    Error, Key,
    api::{CopyOptions, GetOptions, MetadataDirective, ObjectOptions},
    op::{self, UploadState},
    sim::{
        model::Failure,
        network::Network,
        open_once::{OpenOnce, OpenedOnce},
    },
};

impl Program {
    pub(super) async fn key_operation(&mut self) {
        let Ok(key) = Key::new(self.paths.key(&mut self.dice)) else { return };
        match self.dice.below(14) {
            13 => self.open_once().await,
            0..2 => {
                let length = self.length();
                self.put_key(&key, length).await;
            }
            2 => self.get_key(&key).await,
            3 => self.head_key(&key).await,
            4 => self.delete_key(&key).await,
            5..7 | 10..13 => self.copy_key(&key).await,
            _ => self.upload_key(&key).await,
        }
    }

    /// Begins an upload by a call that must not be sent twice, and takes it back.
    async fn open_once(&self) {
        let Ok(key) = Key::new(self.shared.unique_key()) else { return };
        let opened = self.client.output(OpenOnce::new(key.clone()), self.client.policy()).await;
        // A request that was surely not executed may be sent again, no other.
        let again = |network: &mut Network| network.has_followed_create(key.as_str());
        if self.shared.service.network(again) {
            let text = format!("a call that must not be repeated was, at {key:?}");
            self.shared.service.violation(text);
        }
        if let OpenedOnce::Opened(id) = opened {
            let abort = op::AbortUpload::new(key, id);
            let _ = self.client.run(abort, self.client.policy()).await;
        }
    }

    async fn put_key(&self, key: &Key, length: u64) {
        let content = self.shared.content(length);
        let call = Call::PutKey { key: key.as_str().to_owned(), content: content.clone() };
        let put = op::Put::new(key.clone(), ObjectOptions::new(), content.into(), None);
        let put = self.client.run(put, self.client.policy());
        self.call(call, put, |_| Outcome::Done).await;
    }

    pub(in crate::sim) async fn get_key(&self, key: &Key) {
        let call = Call::GetKey { key: key.as_str().to_owned() };
        let fetch = op::Fetch::new(key.clone(), GetOptions::default(), u64::MAX);
        let fetch = self.client.run(fetch, self.client.policy());
        self.call(call, fetch, |fetched| Outcome::Content(fetched.body.clone())).await;
    }

    async fn head_key(&self, key: &Key) {
        let call = Call::HeadKey { key: key.as_str().to_owned() };
        let head = op::Head::new(key.clone(), GetOptions::default());
        let head = self.client.run(head, self.client.policy());
        self.call(call, head, |meta| Outcome::Info { size: meta.size, is_dir: false }).await;
    }

    async fn delete_key(&self, key: &Key) {
        let call = Call::DeleteKey { key: key.as_str().to_owned() };
        let delete = op::DeleteObject::new(key.clone(), None);
        self.call(call, self.client.run(delete, self.client.policy()), |()| Outcome::Done).await;
    }

    async fn copy_key(&mut self, from: &Key) {
        let Ok(to) = Key::new(self.paths.key(&mut self.dice)) else { return };
        if to == *from {
            // COS refuses to copy an object onto itself that is to stay as it is.
            return;
        }
        if self.dice.happens(800) {
            // Half of them so long that they are copied by parts.
            let part = self.client.0.driver().settings().part_bytes_min;
            let long = self.dice.happens(500);
            let length = if long { 3 * part + self.dice.between(1, part) } else { self.length() };
            self.put_key(from, length).await;
        }
        let (source, destination) = (from.as_str().to_owned(), to.as_str().to_owned());
        let call = Call::CopyKey { from: source, to: destination };
        let Ok(options) = CopyOptions::new(ObjectOptions::new(), MetadataDirective::Copy) else {
            return;
        };
        let limits = self.client.0.driver().settings().copy_limits;
        let copy = op::Copy::new(from.clone(), to, options, limits);
        let copy = self.client.run(copy, self.client.0.driver().copy_policy());
        self.call(call, copy, |_| Outcome::Done).await;
    }

    /// An upload that remembers its own state, with a checkpoint in its middle.
    async fn upload_key(&mut self, key: &Key) {
        let lengths = [self.length(), self.length()];
        let [first, second] = lengths.map(|length| self.shared.content(length));
        let content: Bytes = [&first[..], &second[..]].concat().into();
        let in_two = self.dice.happens(500);
        let call = Call::UploadKey { key: key.as_str().to_owned(), content };
        let upload = self.upload(key, first, second, in_two);
        self.call(call, upload, |()| Outcome::Done).await;
    }

    async fn upload(
        &self,
        key: &Key,
        first: Bytes,
        second: Bytes,
        in_two: bool,
    ) -> Result<(), Error> {
        let mut writer = self.client.key_writer(key.clone(), None);
        writer.write(first).await?;
        if in_two {
            writer.close().await?;
            let state = writer.state();
            drop(writer);
            return self.go_on(key, state, second).await;
        }
        writer.write(second).await?;
        writer.commit().await.map(drop)
    }

    /// Goes on from a checkpoint. A failure keeps the upload, and who does not try again aborts it.
    async fn go_on(&self, key: &Key, state: UploadState, rest: Bytes) -> Result<(), Error> {
        let mut writer = self.client.key_writer(key.clone(), Some(state));
        let mut done = writer.write(rest).await;
        if done.is_ok() {
            done = writer.commit().await.map(drop);
        }
        if let Err(error) = &done
            && !Failure::from(error).leaves_upload()
            && let Some(id) = writer.state().upload
        {
            drop(writer);
            let abort = op::AbortUpload::new(key.clone(), id.clone());
            if self.client.run(abort, self.client.policy()).await.is_err() {
                let keep = |network: &mut Network| {
                    network.keep_from_abort(key.as_str(), id.as_str());
                };
                self.shared.service.network(keep);
            }
        }
        done
    }
}
