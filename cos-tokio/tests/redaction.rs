//! What is logged and what Debug shows holds no secret, signature or URL.

#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod common;

use std::{
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use common::{Reply, Served, response, session};
use cos_proto::{Credentials, Key, Presign, api::ObjectOptions, op::HeadBucket};
use cos_tokio::{Client, ClientBuilder, Proxy, TracingObserver};
use http::Method;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Writes everything down, at every level and from every crate.
#[derive(Clone, Default)]
struct Everything {
    text: Arc<Mutex<String>>,
    spans: Arc<AtomicU64>,
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Everything {
    fn line(&self, name: &str, record: impl FnOnce(&mut Line<'_>)) {
        let mut text = self.text.lock().unwrap();
        text.push_str(name);
        record(&mut Line(&mut text));
        text.push('\n');
    }
}

impl Subscriber for Everything {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.line(span.metadata().name(), |line| span.record(line));
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.line("record", |line| values.record(line));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.line(event.metadata().target(), |line| event.record(line));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn neither_logs_nor_debug_show_secrets() {
    let everything = Everything::default();
    let guard = tracing::subscriber::set_default(everything.clone());
    let server = Served::start(|number, _| match number {
        0 => Reply::Raw(response(503, "x-cos-request-id: NjQ1\r\n", "")),
        1 => Reply::Raw(response(200, "x-cos-request-id: NjQ2\r\n", "")),
        _ => Reply::Last(b"nonsense\r\n\r\n".to_vec()),
    })
    .await;
    let credentials = Credentials::new("AKIDshown", "the-secret-key").with_token("the-token");
    let builder: ClientBuilder = Client::builder(session(&server.endpoint()))
        .credentials(credentials)
        .observer(TracingObserver)
        .call_deadline(common::SHORT * 10)
        .proxy(Proxy::Direct);
    let mut shown = format!("{builder:?}");
    let client = builder.build().unwrap();
    client.run(HeadBucket::new()).await.unwrap();
    let key = Key::new("private-name").unwrap();
    let error = client.put(key.clone(), ObjectOptions::new(), String::from("body")).await;
    let url = client.presign(&Presign::new(Method::GET, key)).await.unwrap();
    let _ = write!(shown, "{client:?} {:#?} {:#?} {url:?}", client.session(), error.unwrap_err());
    drop(guard);
    let logged = everything.text.lock().unwrap().clone();
    assert!(logged.contains("cos_attempt") && logged.contains("call=\"HeadBucket\""), "{logged}");
    assert!(logged.contains("NjQ1") && logged.contains("status=503"), "{logged}");
    for text in [&logged, &shown] {
        for secret in ["the-secret-key", "the-token", "q-signature", "q-sign-algorithm"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    let ours = logged.lines().filter(|line| line.starts_with("cos_"));
    assert!(ours.clone().count() > 3);
    for line in ours {
        assert!(!line.contains("private-name") && !line.contains("http://"), "{line}");
    }
}
