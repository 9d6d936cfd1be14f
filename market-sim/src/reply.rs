//! A reply before it is sent: its status, its body, and how much of it is delivered.

use std::{io, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    },
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde::Serialize;

use super::error_reply::ErrorReply;

/// Yahoo's content type of JSON; axum's has no `charset`.
pub const JSON: &str = "application/json;charset=utf-8";
/// The content type of everything that is not JSON.
pub const HTML: &str = "text/html";

/// How long a stalled reply waits before the connection is closed.
const STALL: Duration = Duration::from_secs(60);

/// A reply that is the same for every request.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub status: StatusCode,
    pub content_type: &'static str,
    /// The target of a redirect.
    pub location: Option<&'static str>,
    pub body: &'static str,
}

/// A reply to be sent.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    location: Option<&'static str>,
    body: Bytes,
    delivery: Delivery,
}

/// How much of a reply reaches the client.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Whole,
    Half,
    Nothing,
    /// Nothing, after [`STALL`].
    NothingAfterStall,
}

impl From<Page> for Reply {
    fn from(page: Page) -> Self {
        let Page { status, content_type, location, body } = page;
        Self { status, content_type, location, body: Bytes::from_static(body.as_bytes()), delivery: Delivery::Whole }
    }
}

impl Reply {
    /// A reply of JSON, delivered whole.
    pub fn new(result: Result<impl Serialize, ErrorReply>) -> Self {
        match result {
            Ok(body) => Self::json(StatusCode::OK, &body),
            Err(error) => Self::error(&error),
        }
    }

    /// An error in Yahoo's envelope, delivered whole.
    pub fn error(error: &ErrorReply) -> Self {
        Self::json(error.status, &error.body())
    }

    /// A body of JSON with any status, delivered whole.
    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let (status, body) = match serde_json::to_vec(body) {
            Ok(body) => (status, body),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into_bytes()),
        };
        Self { status, content_type: JSON, location: None, body: body.into(), delivery: Delivery::Whole }
    }

    /// Only the first half of the body, with a `Content-Length` that matches it.
    pub fn halved(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// Only the first half of the body, with the `Content-Length` of the whole; then the connection is closed.
    pub fn cut_off(self) -> Self {
        Self { delivery: Delivery::Half, ..self }
    }

    /// The connection is closed before anything is sent.
    pub fn reset(self) -> Self {
        Self { delivery: Delivery::Nothing, ..self }
    }

    /// The connection is closed after a minute, before anything is sent.
    pub fn stalled(self) -> Self {
        Self { delivery: Delivery::NothingAfterStall, ..self }
    }

    /// The HTTP status of a reply that is delivered whole; 0 where the connection is cut.
    pub fn status(&self) -> u16 {
        if matches!(self.delivery, Delivery::Whole) { self.status.as_u16() } else { 0 }
    }

    /// The response for axum; a stalled one waits here.
    pub async fn respond(self) -> Response {
        match self.delivery {
            Delivery::Whole => self.with(self.body.clone().into()),
            Delivery::Half => self.half(),
            Delivery::Nothing => nothing(),
            Delivery::NothingAfterStall => {
                tokio::time::sleep(STALL).await;
                nothing()
            }
        }
    }

    fn with(&self, body: Body) -> Response {
        let mut response = (self.status, [(CONTENT_TYPE, self.content_type)], body).into_response();
        if let Some(location) = self.location {
            response.headers_mut().insert(LOCATION, HeaderValue::from_static(location));
        }
        response
    }

    fn half(self) -> Response {
        let half = self.body.slice(..self.body.len() / 2);
        // When a body fails, the server drops what it has not flushed; yielding once lets it flush.
        let cut = async {
            tokio::task::yield_now().await;
            Err(cut())
        };
        let mut response = self.with(Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(cut))));
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        response
    }
}

/// A body that fails at once: the server closes the connection before anything is written.
fn nothing() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(cut())])).into_response()
}

fn cut() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
