//! The faults of a call, and the replies to the caller: each service's own error codes, in the format of its protocol.

use std::fmt;

use axum::{
    body::Body,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Call;

/// A fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// The reply is late by a second.
    Delay,
    /// The connection is closed before the call reaches the service.
    Reset,
    /// The call takes effect, and the connection is closed instead of a reply.
    LostReply,
    /// The call takes effect, and the connection is closed half-way through the reply.
    CutOff,
    /// The call takes effect, and there is no reply as long as the caller waits.
    Hang,
    /// The service replies with status 500.
    InternalError,
    /// The service replies with status 503.
    Unavailable,
    /// The service replies that the caller sends too many requests, with its own status and code.
    Throttled,
    /// The service replies that it timed out, with status 400.
    TimedOut,
    /// The service accepts the first half of a batch's records and rejects the rest.
    Partial,
}

impl CallFault {
    /// The status, the error code and the message of the service of `call`.
    fn error(self, call: Call) -> (StatusCode, &'static str, &'static str) {
        use Call as C;
        match self {
            Self::Throttled if call == C::Chart => {
                (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", "Too Many Requests")
            }
            Self::Throttled if call.is_to_s3() => {
                (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            Self::Throttled if call == C::StartQueryExecution => {
                (StatusCode::BAD_REQUEST, "TooManyRequestsException", "Rate exceeded")
            }
            Self::Throttled => (StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded"),
            Self::TimedOut if call.is_to_s3() => (
                StatusCode::BAD_REQUEST,
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
            ),
            Self::TimedOut => (StatusCode::BAD_REQUEST, "OperationTimeoutException", "The operation timed out."),
            Self::Unavailable if call == C::PutRecordBatch => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableException", "Slow down.")
            }
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "Service is unable to handle request.")
            }
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
        }
    }

    /// The error reply, in the format of the service of `call`.
    pub(super) fn error_reply(self, call: Call) -> Response {
        let (status, code, message) = self.error(call);
        let (content_type, body) = match call {
            Call::Chart => ("text/html", message.to_owned()),
            Call::PutRecordBatch | Call::StartCrawler | Call::StartQueryExecution => {
                ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string())
            }
            _ => (
                "application/xml",
                format!(
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>0</RequestId></Error>"
                ),
            ),
        };
        (status, [(CONTENT_TYPE, content_type)], Body::from(body)).into_response()
    }
}

impl fmt::Display for CallFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delay => "delay",
            Self::Reset => "reset",
            Self::LostReply => "lost reply",
            Self::CutOff => "cut-off reply",
            Self::Hang => "hang",
            Self::InternalError => "500",
            Self::Unavailable => "503",
            Self::Throttled => "throttled",
            Self::TimedOut => "timed out (400)",
            Self::Partial => "partial batch",
        })
    }
}
