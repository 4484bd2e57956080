//! Everything that somebody could print: by Debug, as an error, in a log.

use std::{
    error::Error,
    fmt::{Debug, Write as _},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// What was shown, one after the other.
#[derive(Default)]
pub struct Shown(pub String);

impl Shown {
    /// In both forms of Debug.
    pub fn debug(&mut self, value: &(impl Debug + ?Sized)) {
        let _ = writeln!(self.0, "{value:?}\n{value:#?}");
    }

    /// As an error, with all that caused it.
    pub fn error(&mut self, error: &(dyn Error + 'static)) {
        self.debug(error);
        for error in std::iter::successors(Some(error), |error| (*error).source()) {
            let _ = writeln!(self.0, "{error}\n{error:#}");
            self.debug(error);
        }
    }

    /// The result of an operation, whichever it is.
    pub fn result<T: Debug, E: Error + 'static>(&mut self, result: Result<T, E>) -> Option<T> {
        self.debug(&result);
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(&error);
                None
            }
        }
    }
}

#[allow(missing_debug_implementations, unnameable_types, reason = "of this test alone")]
/// Writes down every event and span of every crate at every level, of `tracing` and of `log`.
pub struct Everything {
    text: Mutex<String>,
    spans: AtomicU64,
}

pub static EVERYTHING: Everything =
    Everything { text: Mutex::new(String::new()), spans: AtomicU64::new(0) };

impl Everything {
    /// From now on, on all threads.
    pub fn start(&'static self) {
        tracing::subscriber::set_global_default(self).expect("the first subscriber");
        log::set_logger(self).expect("the first logger");
        log::set_max_level(log::LevelFilter::Trace);
    }

    pub fn text(&self) -> String {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, name: &str, record: impl FnOnce(&mut Line<'_>)) {
        let mut line = String::from(name);
        record(&mut Line(&mut line));
        let mut text = self.lock();
        text.push_str(&line);
        text.push('\n');
    }
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for &'static Everything {
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

impl log::Log for Everything {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        self.line(record.target(), |line| {
            let _ = write!(line.0, " {}", record.args());
        });
    }

    fn flush(&self) {}
}
