//! `POST /collect`: the request from an API Gateway HTTP API's event, and the answer as its response.

use aws_lambda_events::{
    apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse},
    encodings::{Base64Data, Body},
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
};
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};
use shared::{
    ErrorName, HandlerError, NamedError, json,
    payload::{CollectOutcome, Collection, Reason, RunRequest},
};

use crate::Error;

/// The longest body that is accepted, in bytes: the longest request, and a little for another way to write it.
const MAX_BODY: usize = 256 * 1024;

/// The request in the body of an HTTP API's event, which names no run; an empty body takes the defaults.
///
/// # Errors
/// What is wrong with the body.
pub fn request(event: Value) -> Result<RunRequest, Error> {
    let event: ApiGatewayV2httpRequest = json::value(event)?;
    let body = event.body.unwrap_or_default();
    if body.len() > MAX_BODY * 4 / 3 {
        return Err(Error::TooLarge { bytes: body.len(), max: MAX_BODY });
    }
    let text = if event.is_base64_encoded { decode_base64(&body)? } else { body };
    if text.len() > MAX_BODY {
        return Err(Error::TooLarge { bytes: text.len(), max: MAX_BODY });
    }
    if text.trim().is_empty() {
        return Ok(RunRequest::default());
    }
    check_content_type(event.headers.get(CONTENT_TYPE))?;
    match json::text(&text) {
        // The export of a run counts the bars of its id, so a caller may not add any.
        Ok(RunRequest { run_id: Some(_), .. }) => Err(Error::HttpRunId),
        Err(error) if error.field.as_deref() == Some("run_id") => Err(Error::HttpRunId),
        parsed => Ok(parsed?),
    }
}

/// Accepts `application/json`, with or without parameters such as a charset.
fn check_content_type(content_type: Option<&HeaderValue>) -> Result<(), Error> {
    let declared = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Error::ContentType(declared)) }
}

/// API Gateway sends every body that is not declared as JSON or text in base64.
fn decode_base64(body: &str) -> Result<String, Error> {
    let not_text = |error: &dyn std::fmt::Display| Error::Body(error.to_string());
    let bytes: Base64Data = serde_json::from_value(Value::from(body)).map_err(|error| not_text(&error))?;
    String::from_utf8(bytes.to_vec()).map_err(|error| not_text(&error))
}

/// Rejects a collection without bars: over HTTP nothing resumes it.
///
/// # Errors
/// [`Error::NoBarsYet`] where the market is yet to say what there is of the day, else [`Error::NoBars`], unless nothing
/// traded on the date.
pub fn not_empty(collection: Collection) -> Result<Collection, Error> {
    let Collection { outcome, trade_date, bars, symbols, .. } = &collection;
    if *bars > 0 || *outcome == CollectOutcome::NoSession {
        return Ok(collection);
    }
    let is_stopped =
        matches!(outcome, CollectOutcome::Blocked | CollectOutcome::Unavailable | CollectOutcome::OutOfTime);
    let may_change = |reason: &Reason| reason.is_temporary() && *reason != Reason::SessionNotOver;
    if is_stopped || symbols.reasons.keys().any(may_change) {
        let is_blocked = match outcome {
            CollectOutcome::Short => symbols.reasons.contains_key(&Reason::Blocked),
            stopped => *stopped == CollectOutcome::Blocked,
        };
        let (failed, failed_count) = (symbols.failed.clone(), symbols.failed_count);
        return Err(Error::NoBarsYet { trade_date: *trade_date, failed, failed_count, is_blocked });
    }
    Err(Error::no_bars(*trade_date, symbols.clone()))
}

/// The response with the answer, or with an error as `{"error": name, "message": text, "field": name or null}`.
pub fn response(answer: Result<Collection, Error>) -> ApiGatewayV2httpResponse {
    let (status_code, body) = match answer {
        Ok(collection) => (200, json!(collection)),
        Err(error) => {
            let (status, field) = (status(&error), error.field().map(str::to_owned));
            let Diagnostic { error_type, error_message } = HandlerError::from(error).into();
            (status, json!({"error": error_type, "message": error_message, "field": field}))
        }
    };
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status_code;
    response.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    response.body = Some(Body::Text(body.to_string()));
    response
}

fn status(error: &Error) -> i64 {
    match error.name() {
        ErrorName::InvalidInput => match error {
            Error::TooLarge { .. } => 413,
            Error::ContentType(_) => 415,
            _ => 400,
        },
        ErrorName::InvalidList if error.field().is_some() => 404,
        ErrorName::NoBars => 404,
        ErrorName::SessionNotOver => 409,
        ErrorName::MarketUnavailable
        | ErrorName::MarketBlocked
        | ErrorName::ServiceUnavailable
        | ErrorName::SourceUnauthorized
        | ErrorName::DeliveryFailed => 503,
        ErrorName::InvalidList | ErrorName::AccessDenied | ErrorName::ServiceRefused | ErrorName::InvalidResult => 500,
    }
}
