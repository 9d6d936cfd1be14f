//! How a request reaches the market and its reply comes back: over HTTPS, or from a script in a test.

use std::{fmt::Debug, str::FromStr, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use jiff::Timestamp;
use reqwest::{Client, ClientBuilder, Url, header::HeaderMap, redirect};
use serde::de::DeserializeOwned;

use crate::{failure::Failure, root_certificates::RootCertificates};

/// The header with which the simulated market (`market-sim`) marks its replies.
const SIMULATED: &str = "x-finstream-simulated";

/// The headers that say how many requests may still be sent, and when the whole rate is there again.
const RATE_REMAINING: &str = "x-ratelimit-remaining";
const RATE_RESET: &str = "x-ratelimit-reset";

/// The longest that a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest that a request may take, from its start to the end of its reply.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// A reply of any status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    /// The HTTP status.
    pub status: u16,
    /// The body, which may be JSON or not.
    pub body: String,
    /// Whether a header said that the market is simulated.
    pub simulated: bool,
    /// What its headers said of the rate limit.
    pub rate: ReportedRate,
}

/// What the market reports of its rate limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportedRate {
    /// The number of requests that may still be sent before the reset.
    pub remaining: Option<u64>,
    /// How long after the reply the whole rate is there again.
    pub resets_in: Option<Duration>,
}

impl HttpReply {
    /// A reply that says nothing of a rate or a simulation.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), simulated: false, rate: ReportedRate::default() }
    }

    /// The body as JSON; `what` says of what, for the message.
    ///
    /// # Errors
    /// It is something else.
    pub fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T, Failure> {
        serde_json::from_str(&self.body).map_err(|error| Failure {
            simulated: self.simulated,
            ..Failure::malformed(format!("status {} with something that is not {what}: {error}", self.status))
        })
    }
}

/// Why no reply, or no whole one, arrived.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unreachable {
    /// What happened, with its causes.
    pub problem: String,
    /// Whether a header had said that the market is simulated.
    pub simulated: bool,
    /// Whether the time for it was up.
    pub timed_out: bool,
}

/// What sends the requests of the client.
pub trait Transport: Debug + Send + Sync {
    /// Sends a GET request with these headers, and returns its reply within 15 seconds.
    fn get(&self, url: Url, headers: HeaderMap) -> BoxFuture<'_, Result<HttpReply, Unreachable>>;
}

/// The transport over HTTP and HTTPS. It connects on its first request and keeps the connections.
#[derive(Debug, Clone)]
pub struct Https(Client);

impl Https {
    /// A transport with this User-Agent (`USER_AGENT`), which trusts these authorities. Yahoo blocks the defaults of common
    /// tools.
    ///
    /// # Errors
    /// The HTTP client cannot be built, for example because TLS cannot be set up.
    pub fn new(user_agent: &str, roots: &RootCertificates) -> Result<Self, reqwest::Error> {
        Ok(Self(Self::builder(user_agent, roots)?.build()?))
    }

    pub(crate) fn builder(user_agent: &str, roots: &RootCertificates) -> Result<ClientBuilder, reqwest::Error> {
        Ok(Client::builder()
            .user_agent(user_agent)
            .tls_certs_only(roots.for_reqwest()?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirect leads to a consent page, never to data.
            .redirect(redirect::Policy::none()))
    }
}

impl Transport for Https {
    fn get(&self, url: Url, headers: HeaderMap) -> BoxFuture<'_, Result<HttpReply, Unreachable>> {
        async move {
            let unreachable = |error: reqwest::Error, simulated| {
                let timed_out = error.is_timeout();
                Unreachable { problem: chain(&error.without_url()), simulated, timed_out }
            };
            let response = self.0.get(url).headers(headers).send().await.map_err(|error| unreachable(error, false))?;
            let (status, simulated) = (response.status().as_u16(), response.headers().contains_key(SIMULATED));
            let rate = reported_rate(response.headers(), Timestamp::now());
            let body = response.bytes().await.map_err(|error| unreachable(error, simulated))?;
            Ok(HttpReply { status, body: text(body.into()), simulated, rate })
        }
        .boxed()
    }
}

/// The body as text, with a replacement for what is not UTF-8. reqwest's own `text` copies every body.
fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// What the headers of a reply that arrived at `now` report. The reset is in seconds since 1970 in UTC.
fn reported_rate(headers: &HeaderMap, now: Timestamp) -> ReportedRate {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let reset = text(RATE_RESET).and_then(|text| Timestamp::from_second(i64::from_str(text).ok()?).ok());
    ReportedRate {
        remaining: text(RATE_REMAINING).and_then(|text| text.parse().ok()),
        // One in the past is negative, which no duration of this type is.
        resets_in: reset.map(|reset| Duration::try_from(now.duration_until(reset)).unwrap_or_default()),
    }
}

/// The error's text with those of its causes; reqwest's own ends at "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_body_is_text_whatever_it_is() {
        for (body, expected) in
            [("Société".as_bytes(), "Société"), (b"Soci\xe9t\xe9", "Soci\u{fffd}t\u{fffd}"), (b"", "")]
        {
            assert_eq!(text(body.to_vec()), expected);
        }
    }

    #[test]
    fn the_rate_is_what_the_headers_say() -> Result<(), jiff::Error> {
        let now = Timestamp::from_second(1_795_185_000)?;
        let seconds = |number| Some(Duration::from_secs(number));
        for (remaining, reset, expected) in [
            (None, None, ReportedRate::default()),
            (Some("199"), Some("1795185030"), ReportedRate { remaining: Some(199), resets_in: seconds(30) }),
            (Some("0"), Some("1795184990"), ReportedRate { remaining: Some(0), resets_in: seconds(0) }),
            (Some("-1"), Some("soon"), ReportedRate::default()),
            (Some(" 7 "), None, ReportedRate { remaining: Some(7), resets_in: None }),
        ] {
            let named = [(RATE_REMAINING, remaining), (RATE_RESET, reset)];
            let named = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
            let headers = named.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            assert_eq!(reported_rate(&headers.collect(), now), expected, "{remaining:?}, {reset:?}");
        }
        Ok(())
    }
}
