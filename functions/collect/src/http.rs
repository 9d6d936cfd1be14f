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
};

use crate::Error;

/// Whether an event comes from an HTTP API: only those carry a `requestContext`.
pub fn is_request(event: &Value) -> bool {
    event.get("requestContext").is_some()
}

/// The request in an event's body; an empty body asks for the defaults.
pub fn request(event: Value) -> Result<RunRequest, Error> {
    let event: ApiGatewayV2httpRequest = serde_json::from_value(event)?;
    let body = event.body.unwrap_or_default();
    let text = if event.is_base64_encoded { unpack(body)? } else { body };
    if text.trim().is_empty() { Ok(RunRequest::default()) } else { Ok(serde_json::from_str(&text)?) }
}

/// API Gateway sends every body that is not declared as JSON or text in base64.
fn unpack(body: String) -> Result<String, Error> {
    let bytes: Base64Data = serde_json::from_value(Value::String(body))?;
    Ok(String::from_utf8(bytes.to_vec())?)
}

/// The answer with its status; an error as `{"error": name, "message": text}`.
pub fn response(answer: Result<Collection, Error>) -> ApiGatewayV2httpResponse {
    let (status_code, body) = match answer {
        Ok(collection) => (200, json!(collection)),
        Err(error) => {
            let diagnostic = shared::diagnostic(&error);
            (status(error.name()), json!({"error": diagnostic.error_type, "message": diagnostic.error_message}))
        }
    };
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = status_code;
    response.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    response.body = Some(Body::Text(body.to_string()));
    response
}

fn status(name: ErrorName) -> i64 {
    match name {
        ErrorName::InvalidInput => 400,
        ErrorName::NoBars => 404,
        ErrorName::SessionNotOver => 409,
        ErrorName::MarketUnavailable
        | ErrorName::MarketBlocked
        | ErrorName::ServiceUnavailable
        | ErrorName::DeliveryFailed => 503,
        ErrorName::AccessDenied | ErrorName::ServiceRefused | ErrorName::InvalidResult => 500,
    }
}
