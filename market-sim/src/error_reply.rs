//! The answers without bars: Yahoo's status codes and the words that go with them.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// Why a question is not answered with bars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {description}")]
pub struct ErrorReply {
    /// The HTTP status.
    pub status: StatusCode,
    /// Yahoo's name of the status.
    pub code: &'static str,
    /// Yahoo's explanation.
    pub description: String,
}

impl ErrorReply {
    /// The question cannot be understood, or its window lies before the listing.
    pub fn bad_request(description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "Bad Request", description: description.into() }
    }

    /// Nothing is listed under the symbol.
    pub fn not_found() -> Self {
        let description = "No data found, symbol may be delisted".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "Not Found", description }
    }

    /// Yahoo would answer and the simulated market does not: never mistaken for one of Yahoo's answers.
    pub fn not_simulated(description: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_IMPLEMENTED, code: "Not Simulated", description: description.into() }
    }

    /// The body: the same envelope that bars come in.
    pub fn body(&self) -> Value {
        json!({"chart": {"result": null, "error": {"code": self.code, "description": self.description}}})
    }
}
