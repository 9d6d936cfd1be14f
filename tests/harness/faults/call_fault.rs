//! The ways in which a call goes wrong, and what the caller hears then: each service's own words, in
//! the form of its protocol.

use std::fmt;

use axum::{
    body::Body,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::Call;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// It is answered late.
    Delay,
    /// The connection is closed before the call arrives.
    Reset,
    /// It arrives, and the connection is closed in place of the reply.
    LostReply,
    /// It arrives, and the connection is closed half-way through the reply.
    CutOff,
    /// It arrives, and nothing comes back as long as the caller waits.
    Hang,
    /// Status 500.
    InternalError,
    /// Status 503.
    Unavailable,
    /// The service asks to slow down.
    Throttled,
    /// The service gave up waiting, which is status 400.
    TimedOut,
    /// Half of a batch's records arrive.
    Partial,
}

impl CallFault {
    /// Status, code and message with which the service of `call` refuses it in this way.
    fn words(self, call: Call) -> (StatusCode, &'static str, &'static str) {
        use Call as C;
        let is_s3 = matches!(call, C::GetResult | C::PutReport | C::PutCsv);
        match self {
            Self::Throttled if call == C::Chart => {
                (StatusCode::TOO_MANY_REQUESTS, "Too Many Requests", "Too Many Requests")
            }
            Self::Throttled if is_s3 => {
                (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
            }
            Self::Throttled if call == C::StartQueryExecution => {
                (StatusCode::BAD_REQUEST, "TooManyRequestsException", "Rate exceeded")
            }
            Self::Throttled => (StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded"),
            Self::TimedOut if is_s3 => (
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

    /// The refusal, as the service of `call` sends it.
    pub(super) fn refusal(self, call: Call) -> Response {
        let (status, code, message) = self.words(call);
        let (content_type, body) = match call {
            Call::Chart => ("text/html", message.to_owned()),
            Call::PutRecordBatch | Call::StartCrawler | Call::StartQueryExecution => {
                ("application/x-amz-json-1.1", json!({"__type": code, "message": message}).to_string())
            }
            Call::GetResult | Call::PutReport | Call::PutCsv => (
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
