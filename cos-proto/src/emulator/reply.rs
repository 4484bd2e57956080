//! Answers in the making, and the headers that all of them have.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use super::{
    Answer, Delivery,
    clock::Moment,
    errors::Refusal,
    random::{Random, TraceId},
    xml::Document,
};
use crate::Payload;

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) response: Response<Payload>,
    pub(super) delivery: Delivery,
    /// The code of an error, for the log.
    pub(super) code: Option<String>,
}

impl Reply {
    pub(super) fn new(status: StatusCode) -> Self {
        let mut response = Response::new(Payload::EMPTY);
        *response.status_mut() = status;
        Self { response, delivery: Delivery::Whole, code: None }
    }

    pub(super) fn ok() -> Self {
        Self::new(StatusCode::OK)
    }

    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    pub(super) fn xml(document: Document) -> Self {
        Self::ok().header("content-type", "application/xml").body(document.finish().into())
    }

    /// Sent chunked, as the calls that may take long are.
    pub(super) fn chunked(mut self) -> Self {
        self.delivery = Delivery::Chunked { leading_spaces: 0 };
        self
    }

    /// Sets a header; a value that no header can carry is left out.
    pub(super) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_ref());
        if let (Ok(name), Ok(value)) = (name, value) {
            self.response.headers_mut().insert(name, value);
        }
        self
    }

    pub(super) fn headers<'a>(
        self,
        headers: impl IntoIterator<Item = (&'a str, &'a HeaderValue)>,
    ) -> Self {
        headers.into_iter().fold(self, |reply, (name, value)| reply.header(name, value.as_bytes()))
    }

    pub(super) fn body(mut self, body: Payload) -> Self {
        *self.response.body_mut() = body;
        self
    }

    /// An error document; without a body if the request was HEAD.
    pub(super) fn refusal(refusal: &Refusal, names: &Names) -> Self {
        let mut document = Document::new("Error");
        document.leaf("Code", &refusal.code).leaf("Message", &refusal.message);
        for (name, text) in &refusal.extra {
            document.leaf(name, text);
        }
        document
            .leaf("Resource", &names.resource)
            .leaf("RequestId", &names.request_id)
            .leaf("TraceId", names.trace.to_string());
        let mut reply = Self::xml(document).header("x-cos-trace-id", names.trace.to_string());
        for (name, value) in &refusal.headers {
            reply = reply.header(name, value);
        }
        *reply.response.status_mut() = refusal.status;
        reply.code = Some(refusal.code.clone().into_owned());
        reply
    }

    /// Adds what every answer of the service has.
    pub(super) fn finish(self, names: &Names, now: Moment, head_only: bool) -> Answer {
        self.header("server", "tencent-cos")
            .header("x-cos-request-id", &names.request_id)
            .finish_bare(now, head_only)
    }

    /// Adds what every HTTP answer has.
    pub(super) fn finish_bare(mut self, now: Moment, head_only: bool) -> Answer {
        let length = self.response.body().len();
        let status = self.response.status();
        if head_only && (status.is_client_error() || status.is_server_error()) {
            // HEAD errors have no body, and say so.
            self.response.headers_mut().remove(header::CONTENT_TYPE);
            self = self.header("content-length", "0");
        } else if !matches!(self.delivery, Delivery::Chunked { .. })
            && !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        {
            self = self.header("content-length", length.to_string());
        }
        if head_only {
            self = self.body(Payload::EMPTY);
        }
        let reply = self.header("date", now.http_date());
        Answer { response: reply.response, delivery: reply.delivery }
    }
}

/// What names one request in its answer.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) request_id: String,
    pub(super) trace: TraceId,
    pub(super) resource: String,
}

impl Names {
    pub(super) fn new(random: &mut Random, now: Moment) -> Self {
        Self {
            request_id: random.request_id(now.secs()),
            trace: random.trace_id(),
            // An error before the target is understood names the root.
            resource: "/".to_owned(),
        }
    }
}
