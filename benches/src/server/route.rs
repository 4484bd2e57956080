//! Which call a request makes.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::{
    body::AnswerBody,
    delete, list, multipart, object,
    reply::{self, Answer},
    request::Asked,
    store::Store,
};

pub(super) async fn answer(store: &Store, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let asked = Asked::new(head);
    let answer = answer_to(store, &asked, body).await;
    store.requests.fetch_add(1, Ordering::Relaxed);
    answer.unwrap_or_else(|_| reply::error(StatusCode::BAD_REQUEST, "IncompleteBody"))
}

async fn answer_to(store: &Store, asked: &Asked, body: Incoming) -> Result<Answer, hyper::Error> {
    let has = |name| asked.param(name).is_some();
    if asked.key.is_empty() {
        return match asked.head.method {
            Method::POST if has("delete") => delete::many(store, body).await,
            Method::GET if has("uploads") => Ok(list::uploads(store, asked)),
            Method::GET => Ok(list::objects(store, asked)),
            Method::HEAD => Ok(reply::empty(StatusCode::OK)),
            _ => Ok(refused()),
        };
    }
    if asked.key.starts_with('~') {
        return Ok(control(store, asked));
    }
    match asked.head.method {
        Method::PUT if has("partNumber") => multipart::upload_part(store, asked, body).await,
        Method::PUT => object::put(store, asked, body).await,
        Method::GET | Method::HEAD => Ok(object::get(store, asked)),
        Method::POST if has("uploads") => Ok(multipart::initiate(store, asked)),
        Method::POST if has("uploadId") => multipart::complete(store, asked, body).await,
        Method::DELETE if has("uploadId") => Ok(multipart::abort(store, asked)),
        Method::DELETE => Ok(object::delete(store, asked)),
        _ => Ok(refused()),
    }
}

/// What only the benches ask.
fn control(store: &Store, asked: &Asked) -> Answer {
    match &*asked.key {
        "~seed" => {
            let count = asked.param("count").and_then(|count| count.parse().ok());
            store.seed(asked.param("prefix").unwrap_or_default(), count.unwrap_or(0));
            reply::empty(StatusCode::OK)
        }
        "~seen" => {
            let connections = store.connections.load(Ordering::Relaxed);
            let requests = store.requests.load(Ordering::Relaxed);
            let objects = store.held().objects.len();
            let text = format!("{connections} {requests} {objects}");
            reply::with_body(StatusCode::OK, AnswerBody::Whole(Bytes::from(text)))
        }
        _ => reply::no_such_key(),
    }
}

fn refused() -> Answer {
    reply::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed")
}
