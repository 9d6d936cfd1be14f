//! What is sent back: a status, a body, and what becomes of them on their way.

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

/// JSON as Yahoo calls it, which is not quite axum's.
pub const JSON: &str = "application/json;charset=utf-8";
/// Everything that is not JSON.
pub const HTML: &str = "text/html";

/// How long a stalled request waits.
const STALL: Duration = Duration::from_secs(60);

/// A reply that never changes.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The HTTP status.
    pub status: StatusCode,
    /// The content type.
    pub content_type: &'static str,
    /// Where it redirects to.
    pub location: Option<&'static str>,
    /// The body.
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

/// What becomes of a reply on its way.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Whole,
    Half,
    Nothing,
    NothingForLong,
}

impl From<Page> for Reply {
    fn from(page: Page) -> Self {
        let Page { status, content_type, location, body } = page;
        Self { status, content_type, location, body: Bytes::from_static(body.as_bytes()), delivery: Delivery::Whole }
    }
}

impl Reply {
    /// An honest answer.
    pub fn new(answered: Result<impl Serialize, ErrorReply>) -> Self {
        match answered {
            Ok(body) => Self::json(StatusCode::OK, &body),
            Err(refusal) => Self::refusing(&refusal),
        }
    }

    /// An answer without bars.
    pub fn refusing(refusal: &ErrorReply) -> Self {
        Self::json(refusal.status, &refusal.body())
    }

    fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let (status, body) = match serde_json::to_vec(body) {
            Ok(body) => (status, body),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string().into_bytes()),
        };
        Self { status, content_type: JSON, location: None, body: body.into(), delivery: Delivery::Whole }
    }

    /// The first half of the body, as if it were whole.
    pub fn halved(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        self
    }

    /// The first half of the body, with the length of the whole announced.
    pub fn cut_off(self) -> Self {
        Self { delivery: Delivery::Half, ..self }
    }

    /// A closed connection.
    pub fn reset(self) -> Self {
        Self { delivery: Delivery::Nothing, ..self }
    }

    /// A closed connection, after a minute.
    pub fn stalled(self) -> Self {
        Self { delivery: Delivery::NothingForLong, ..self }
    }

    /// The HTTP status of a whole reply, 0 where the connection is cut.
    pub fn status(&self) -> u16 {
        if matches!(self.delivery, Delivery::Whole) { self.status.as_u16() } else { 0 }
    }

    /// The response that does all that.
    pub async fn send(self) -> Response {
        match self.delivery {
            Delivery::Whole => self.with(self.body.clone().into()),
            Delivery::Half => self.half(),
            Delivery::Nothing => nothing(),
            Delivery::NothingForLong => {
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
        // Only what is written before the body fails goes out; giving way once lets that happen.
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
