//! One line of log per request; it shows nothing that lets its reader act.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use cos_proto::UnixTime;
use http::{StatusCode, Uri, request::Parts};

/// Takes the records of a server.
pub(super) type Recorder = Arc<dyn Fn(&Record) + Send + Sync>;

/// One request and its answer. Displays as one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// When the request's head had arrived.
    pub time: SystemTime,
    /// The method.
    pub method: http::Method,
    /// The path, and the names of the query's parameters without their values, as they came.
    pub target: String,
    /// The status answered; `None` if the connection was closed without an answer.
    pub status: Option<StatusCode>,
    /// The bytes of the request's body.
    pub bytes_received: u64,
    /// The bytes of the answer's body that were sent.
    pub bytes_sent: u64,
    /// From the request's head to the answer's end.
    pub duration: Duration,
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = UnixTime::from_secs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        let seconds = seconds.to_iso8601();
        let seconds = seconds.split('.').next().unwrap_or_default();
        write!(out, "{seconds}.{:03}Z {} {} ", time.subsec_millis(), self.method, self.target)?;
        match self.status {
            Some(status) => write!(out, "{}", status.as_u16())?,
            None => out.write_str("-")?,
        }
        let (received, sent) = (self.bytes_received, self.bytes_sent);
        write!(out, " in={received} out={sent} {}ms", self.duration.as_millis())
    }
}

/// A record that is given to the recorder, if there is one, when it is dropped.
pub(super) struct Pending(Option<Box<Open>>);

struct Open {
    record: Record,
    since: Instant,
    recorder: Recorder,
}

impl Pending {
    pub(super) fn open(head: &Parts, recorder: Option<&Recorder>) -> Self {
        Self(recorder.map(|recorder| {
            let record = Record {
                time: SystemTime::now(),
                method: head.method.clone(),
                target: target(&head.uri),
                status: None,
                bytes_received: 0,
                bytes_sent: 0,
                duration: Duration::ZERO,
            };
            Box::new(Open { record, since: Instant::now(), recorder: Arc::clone(recorder) })
        }))
    }

    pub(super) fn received(&mut self, bytes: u64) {
        if let Some(open) = &mut self.0 {
            open.record.bytes_received = bytes;
        }
    }

    pub(super) fn answered(&mut self, status: StatusCode) {
        if let Some(open) = &mut self.0 {
            open.record.status = Some(status);
        }
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(open) = &mut self.0 {
            open.record.bytes_sent += bytes as u64;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(open) = &mut self.0 {
            open.record.duration = open.since.elapsed();
            (open.recorder)(&open.record);
        }
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Pending").field(&self.0.as_ref().map(|open| &open.record)).finish()
    }
}

/// The path and the names of the parameters.
fn target(uri: &Uri) -> String {
    let names = |query: &str| {
        let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or(""));
        names.collect::<Vec<_>>().join("&")
    };
    match uri.query() {
        Some(query) => format!("{}?{}", uri.path(), names(query)),
        None => uri.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_line_names_parameters_but_shows_no_value() {
        let uri = "http://h/a%20b?sign=s1&q-signature=s2&x-cos-security-token=s3&acl&q-ak=s4";
        let (head, ()) = http::Request::put(uri).body(()).expect("request").into_parts();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let recorder: Recorder =
            Arc::new(move |record| sink.lock().expect("lines").push(record.to_string()));

        let mut record = Pending::open(&head, Some(&recorder));
        let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_042);
        record.0.as_mut().expect("open").record.time = time;
        record.received(7);
        record.answered(StatusCode::OK);
        record.sent(2);
        record.sent(3);
        drop(record);
        drop(Pending::open(&head, Some(&recorder)));

        let lines = lines.lock().expect("lines");
        let target = " PUT /a%20b?sign&q-signature&x-cos-security-token&acl&q-ak ";
        let expected = format!("2023-11-14T22:13:20.042Z{target}200 in=7 out=5 ");
        assert!(lines[0].starts_with(&expected), "{}", lines[0]);
        assert!(lines[1].contains(&format!("{target}- in=0 out=0 ")), "{}", lines[1]);
        assert!(!lines.concat().contains("s1"));
    }
}
