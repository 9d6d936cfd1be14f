//! Error replies: a status, and a message that is sent with or without a code.

use axum::http::StatusCode;
use serde::Serialize;

/// A reply with an error in place of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErrorReply {
    #[serde(skip)]
    pub status: StatusCode,
    /// Alpaca's number of the error: the trading API sends one, the market data API mostly does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    pub message: String,
}

impl ErrorReply {
    /// A reply without a code.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: None, message: message.into() }
    }

    /// A parameter is unknown, missing or invalid.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A symbol with characters that no US share has. The reply names one symbol and has data of none.
    pub fn invalid_symbol(symbol: &str) -> Self {
        Self::bad_request(format!("invalid symbol: {symbol}"))
    }

    /// Nothing is listed under the symbol, as the trading API says it.
    pub fn asset_not_found(symbol: &str) -> Self {
        let message = format!("asset not found for {symbol}");
        Self { status: StatusCode::NOT_FOUND, code: Some(40_410_000), message }
    }

    /// The key is missing or wrong, as the market data API says it
    /// (<https://github.com/alpacahq/Alpaca-API/issues/228>).
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden.")
    }

    /// The key is missing or wrong, as the trading API says it.
    pub fn unauthorized() -> Self {
        let message = "request is not authorized".to_owned();
        Self { status: StatusCode::UNAUTHORIZED, code: Some(40_110_000), message }
    }

    /// `end` is too recent for a plan without real-time data
    /// (<https://github.com/bennycode/trading-signals/issues/1375>).
    pub fn too_recent() -> Self {
        Self::new(StatusCode::FORBIDDEN, "subscription does not permit querying recent SIP data")
    }

    /// The rate limit is exceeded.
    pub fn too_many_requests() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests.")
    }

    /// 501: Alpaca would reply with data, and the simulated market has none. Alpaca itself never sends this status.
    pub fn not_simulated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, message)
    }
}
