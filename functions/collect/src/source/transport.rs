//! How a request reaches the market and its reply comes back: over HTTPS, or from a script in a test.

use std::{fmt::Debug, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use reqwest::{Client, Url, redirect};

/// The header with which the simulated market (`market-sim`) marks its replies.
const SIMULATED: &str = "x-finstream-simulated";

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
    /// Sends a GET request, and returns its reply within 15 seconds.
    fn get(&self, url: Url) -> BoxFuture<'_, Result<HttpReply, Unreachable>>;
}

/// The transport over HTTP and HTTPS. It connects on its first request and keeps the connections.
#[derive(Debug)]
pub struct Https(Client);

impl Https {
    /// A transport with this User-Agent.
    ///
    /// # Errors
    /// The HTTP client cannot be built, for example because TLS cannot be set up.
    pub fn new(user_agent: &str) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(user_agent)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // A redirect leads to a consent page, never to data.
            .redirect(redirect::Policy::none());
        Ok(Self(client.build()?))
    }
}

impl Transport for Https {
    fn get(&self, url: Url) -> BoxFuture<'_, Result<HttpReply, Unreachable>> {
        async move {
            let unreachable = |error: reqwest::Error, simulated| {
                let timed_out = error.is_timeout();
                Unreachable { problem: chain(&error.without_url()), simulated, timed_out }
            };
            let response = self.0.get(url).send().await.map_err(|error| unreachable(error, false))?;
            let (status, simulated) = (response.status().as_u16(), response.headers().contains_key(SIMULATED));
            let body = response.text().await.map_err(|error| unreachable(error, simulated))?;
            Ok(HttpReply { status, body, simulated })
        }
        .boxed()
    }
}

/// The error's text with those of its causes; reqwest's own ends at "error sending request".
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
