//! Error replies: Yahoo's status codes and the messages that go with them.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// A reply with an error in place of bars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {description}")]
pub struct ErrorReply {
    pub status: StatusCode,
    /// Yahoo's name of the status, such as `Not Found`.
    pub code: &'static str,
    pub description: String,
}

impl ErrorReply {
    /// A parameter is invalid, or the window ends before the exchange's first session.
    pub fn bad_request(description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "Bad Request", description: description.into() }
    }

    /// Nothing is listed under the symbol.
    pub fn not_found() -> Self {
        let description = "No data found, symbol may be delisted".to_owned();
        Self { status: StatusCode::NOT_FOUND, code: "Not Found", description }
    }

    /// 501: Yahoo would reply with bars, and the simulated market has none. Yahoo itself never sends this status.
    pub fn not_simulated(description: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_IMPLEMENTED, code: "Not Simulated", description: description.into() }
    }

    /// The JSON body, in the same envelope as bars.
    pub fn body(&self) -> Value {
        json!({"chart": {"result": null, "error": {"code": self.code, "description": self.description}}})
    }
}
