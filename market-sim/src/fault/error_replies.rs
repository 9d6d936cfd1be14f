//! Errors with Yahoo's status and message, sent even if the request is valid.

use axum::http::StatusCode;
use shared::{Interval, MarketSource};

use crate::{
    error_reply::ErrorReply,
    request::{Query, unknown_interval},
};

pub fn not_found(_: &Query) -> ErrorReply {
    ErrorReply::not_found()
}

pub fn not_listed_yet(query: &Query) -> ErrorReply {
    let (start, end) = window(query);
    ErrorReply::bad_request(format!("Data doesn't exist for startDate = {start}, endDate = {end}"))
}

pub fn too_old(query: &Query) -> ErrorReply {
    let ((start, end), interval) = (window(query), interval(query));
    let days = MarketSource::YAHOO.days_kept(interval.parse().unwrap_or(Interval::FiveMinutes)).unwrap_or_default();
    ErrorReply {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        code: "Unprocessable Entity",
        description: format!(
            "{interval} data not available for startTime={start} and endTime={end}. The requested range must be within the last {days} days."
        ),
    }
}

pub fn bad_request(query: &Query) -> ErrorReply {
    unknown_interval(interval(query))
}

pub fn internal_error(_: &Query) -> ErrorReply {
    ErrorReply {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "Internal Server Error",
        description: "internal server error".to_owned(),
    }
}

fn window(query: &Query) -> (&str, &str) {
    (query.period1.as_deref().unwrap_or("0"), query.period2.as_deref().unwrap_or("0"))
}

fn interval(query: &Query) -> &str {
    query.interval.as_deref().unwrap_or("5m")
}
