//! `POST /collect`: the same request and answer as an invocation, as an API Gateway HTTP API sends and takes them.

use aws_lambda_events::{
    apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse},
    encodings::{Base64Data, Body},
    http::{HeaderMap, HeaderValue, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use shared::{
    ErrorName, NamedError,
    payload::{Collection, RunRequest},
    read,
};

use crate::Error;

/// The longest body, in bytes: the longest list of symbols takes a third of it.
pub const MAX_BODY: usize = 32 * 1024;

/// Whether an event comes from an HTTP API. Those carry a `requestContext`, and never the `run_id`
/// that the state machine gives to every request, whatever else its input holds.
pub fn is_request(event: &Value) -> bool {
    event.get("requestContext").is_some() && event.get("run_id").is_none()
}

/// The request in an event's body; an empty body asks for the defaults.
pub fn request(event: Value) -> Result<RunRequest, Error> {
    let event: ApiGatewayV2httpRequest = read::value(event)?;
    let body = event.body.unwrap_or_default();
    if body.len() > MAX_BODY * 4 / 3 {
        return Err(Error::TooLarge(body.len()));
    }
    let text = if event.is_base64_encoded { unpack(&body)? } else { body };
    if text.len() > MAX_BODY {
        return Err(Error::TooLarge(text.len()));
    }
    if text.trim().is_empty() {
        return Ok(RunRequest::default());
    }
    check(event.headers.get(CONTENT_TYPE))?;
    Ok(read::text(&text)?)
}

/// Only JSON is taken for JSON, with or without parameters such as a charset.
fn check(content_type: Option<&HeaderValue>) -> Result<(), Error> {
    let declared = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    let media_type = declared.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Error::ContentType(declared)) }
}

/// API Gateway sends every body that is not declared as JSON or text in base64.
fn unpack(body: &str) -> Result<String, Error> {
    let not_text = |error: &dyn std::fmt::Display| Error::Body(error.to_string());
    let bytes: Base64Data = serde_json::from_value(Value::from(body)).map_err(|error| not_text(&error))?;
    String::from_utf8(bytes.to_vec()).map_err(|error| not_text(&error))
}

/// The answer with its status; an error as `{"error": name, "message": text, "field": name or null}`.
pub fn response(answer: Result<Collection, Error>) -> ApiGatewayV2httpResponse {
    let (status_code, body) = match answer {
        Ok(collection) => (200, json!(collection)),
        Err(error) => {
            let diagnostic = shared::diagnostic(&error);
            let (name, message) = (diagnostic.error_type, diagnostic.error_message);
            (status(&error), json!({"error": name, "message": message, "field": error.field()}))
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
            Error::TooLarge(_) => 413,
            Error::ContentType(_) => 415,
            _ => 400,
        },
        ErrorName::NoBars => 404,
        ErrorName::SessionNotOver => 409,
        ErrorName::MarketUnavailable
        | ErrorName::MarketBlocked
        | ErrorName::ServiceUnavailable
        | ErrorName::DeliveryFailed => 503,
        ErrorName::AccessDenied | ErrorName::ServiceRefused | ErrorName::InvalidResult => 500,
    }
}
