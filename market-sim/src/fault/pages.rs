//! Pages that are sent whatever the request.

use axum::http::StatusCode;

use crate::reply::{HTML, JSON, Page};

const fn html(status: StatusCode, body: &'static str) -> Page {
    Page { status, content_type: HTML, location: None, body }
}

const fn json(status: StatusCode, body: &'static str) -> Page {
    Page { status, content_type: JSON, location: None, body }
}

pub const UNAUTHORIZED: Page = json(
    StatusCode::UNAUTHORIZED,
    r#"{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}"#,
);

pub const TOO_MANY_REQUESTS: Page = html(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests\r\n");
pub const EDGE_TOO_MANY_REQUESTS: Page = html(StatusCode::TOO_MANY_REQUESTS, "Edge: Too Many Requests");
pub const TOO_MANY_REQUESTS_AS_OK: Page = html(StatusCode::OK, "Too Many Requests\r\n");

pub const FORBIDDEN: Page = html(
    StatusCode::FORBIDDEN,
    "<!DOCTYPE html><html><head><title>Access Denied</title></head><body>You don't have permission to access this server.</body></html>",
);

/// A status outside of the ranges of HTTP, which Yahoo made up.
const DENIED: StatusCode = match StatusCode::from_u16(999) {
    Ok(status) => status,
    Err(_) => StatusCode::FORBIDDEN,
};

pub const REQUEST_DENIED: Page = html(
    DENIED,
    "<html><head><title>Yahoo! - 999 Unable to process request at this time -- error 999</title></head><body>Sorry, Unable to process request at this time -- error 999.</body></html>",
);

pub const CONSENT: Page = html(
    StatusCode::OK,
    "<!DOCTYPE html><html><head><title>Yahoo is part of the Yahoo family of brands</title></head><body><form class=\"consent-form\" method=\"post\">We, Yahoo, are part of the Yahoo family of brands. Accept all</form></body></html>",
);

/// The target of [`REDIRECT`]: a page of this market, so that a client which follows it stays on this machine.
pub const CONSENT_PATH: &str = "/consent";

pub const REDIRECT: Page =
    Page { status: StatusCode::FOUND, content_type: HTML, location: Some(CONSENT_PATH), body: "" };

pub const RIGHT_BACK: Page = html(
    StatusCode::OK,
    "<!DOCTYPE html><html><head><title>Yahoo</title></head><body><h1>Will be right back...</h1>Thank you for your patience.</body></html>",
);

pub const EMPTY: Page = json(StatusCode::OK, "");
pub const NOT_JSON: Page = json(StatusCode::OK, "upstream connect error or disconnect before headers");

pub const BAD_GATEWAY: Page = html(
    StatusCode::BAD_GATEWAY,
    "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>",
);

/// The page that nginx sends where it is not told another.
pub const FORBIDDEN_BY_NGINX: Page = html(
    StatusCode::FORBIDDEN,
    "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
);

pub const GATEWAY_TIMEOUT: Page = html(
    StatusCode::GATEWAY_TIMEOUT,
    "<html><head><title>504 Gateway Time-out</title></head><body><h1>504 Gateway Time-out</h1></body></html>",
);

pub const UNAVAILABLE: Page = html(
    StatusCode::SERVICE_UNAVAILABLE,
    "<html><head><title>503 Service Unavailable</title></head><body><h1>503 Service Unavailable</h1></body></html>",
);
