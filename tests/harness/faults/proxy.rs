//! The proxy. It forwards requests unchanged, with their headers and signatures, so that the local cloud still
//! authenticates the caller and enforces its policies.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use shared::TradeDate;
use tokio::{net::TcpListener, sync::Notify};

use super::{Call, CallFault, CallFaultRule, call, rules::Rules};

/// How late a reply with [`CallFault::Delay`] is.
const DELAY: Duration = Duration::from_secs(1);

/// Authenticates the local cloud's root, whom it recognizes by the access key: it does not verify signatures.
const ROOT_AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/firehose/aws4_request, SignedHeaders=host, Signature=0";

/// A proxy that injects faults by rules, in front of any number of upstream servers.
#[derive(Debug, Clone, Default)]
pub struct FaultProxy {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Mutex<Rules>,
    close: Notify,
    http: reqwest::Client,
}

/// A request as the function sent it.
struct Received {
    upstream: String,
    parts: Parts,
    body: Bytes,
}

impl FaultProxy {
    /// Proxies `upstream` until the Tokio runtime ends; returns the URL to use in its place.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn serve(&self, upstream: &str) -> io::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(handle).with_state((self.clone(), upstream.to_owned()));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(url)
    }

    /// Injects faults by this rule from now on.
    pub fn inject(&self, rule: CallFaultRule) {
        self.rules().add(rule);
    }

    /// Removes the rules with this call and this date, and returns the number of calls that they matched.
    pub fn clear(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.rules().remove(call, date)
    }

    /// The number of calls that the rules with this call and this date have matched.
    pub fn matched(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.rules().matched(call, date)
    }

    /// Closes every connection on which a request is in flight.
    pub fn close_connections(&self) {
        self.shared.close.notify_waiters();
    }

    /// A poisoned lock is ignored: no panic can leave the rules half changed.
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&self, received: &Received) -> anyhow::Result<Response> {
        let Some(call) = Call::of(&received.parts) else { return Ok(unchanged(self.forward(received).await?)) };
        let mut text = call::searchable_text(&received.parts, &received.body);
        if call == Call::GetResult {
            // The URL does not name the run's date, the object does.
            text += &String::from_utf8_lossy(self.forward(received).await?.body());
        }
        let fault = self.rules().fault_of(call, &text);
        match fault {
            None => Ok(unchanged(self.forward(received).await?)),
            Some(CallFault::Delay) => {
                tokio::time::sleep(DELAY).await;
                Ok(unchanged(self.forward(received).await?))
            }
            Some(CallFault::Reset) => Ok(no_reply()),
            Some(CallFault::LostReply) => self.forward(received).await.map(|_| no_reply()),
            Some(CallFault::CutOff) => Ok(truncated(self.forward(received).await?)),
            Some(CallFault::Hang) => {
                self.forward(received).await?;
                std::future::pending().await
            }
            Some(CallFault::Partial) => self.accept_half(received).await,
            Some(fault) => Ok(fault.error_reply(call)),
        }
    }

    async fn forward(&self, received: &Received) -> anyhow::Result<axum::http::Response<Bytes>> {
        let Received { upstream, parts, body } = received;
        let request = self.shared.http.request(parts.method.clone(), format!("{upstream}{}", parts.uri));
        let reply = request.headers(parts.headers.clone()).body(body.clone()).send().await?;
        let (status, headers) = (reply.status(), reply.headers().clone());
        let mut response = axum::http::Response::new(reply.bytes().await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        Ok(response)
    }

    /// Forwards the first half of a batch's records, and reports the others as rejected. The function's signature
    /// is not valid for the half, so it is sent as the local cloud's root.
    async fn accept_half(&self, received: &Received) -> anyhow::Result<Response> {
        let mut batch: Value = serde_json::from_slice(&received.body)?;
        let records = batch["Records"].as_array().cloned().unwrap_or_default();
        let (accepted, rejected) = records.split_at(records.len() / 2);
        if !accepted.is_empty() {
            batch["Records"] = json!(accepted);
            let mut parts = received.parts.clone();
            parts.headers.insert(AUTHORIZATION, HeaderValue::from_static(ROOT_AUTHORIZATION));
            for name in ["x-amz-security-token", "content-length"] {
                parts.headers.remove(name);
            }
            let half = Received { upstream: received.upstream.clone(), parts, body: batch.to_string().into() };
            let reply = self.forward(&half).await?;
            anyhow::ensure!(reply.status() == StatusCode::OK, "the half was rejected: {reply:?}");
        }
        let throttled = json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."});
        let entries: Vec<_> = accepted
            .iter()
            .map(|_| json!({"RecordId": "1"}))
            .chain(rejected.iter().map(|_| throttled.clone()))
            .collect();
        Ok(axum::Json(json!({"FailedPutCount": rejected.len(), "Encrypted": true, "RequestResponses": entries}))
            .into_response())
    }
}

async fn handle(State((proxy, upstream)): State<(FaultProxy, String)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return no_reply() };
    let received = Received { upstream, parts, body };
    tokio::select! {
        biased;
        () = proxy.shared.close.notified() => no_reply(),
        reply = proxy.reply(&received) => reply.unwrap_or_else(|error| {
            eprintln!("{} {} could not be forwarded: {error:#}", received.parts.method, received.parts.uri);
            no_reply()
        }),
    }
}

fn unchanged(reply: axum::http::Response<Bytes>) -> Response {
    reply.map(Body::from)
}

/// A body that fails at once: the connection is closed before anything is written.
fn no_reply() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(connection_aborted())])).into_response()
}

/// Half of a reply, which announces its whole length; then the connection is closed.
fn truncated(reply: axum::http::Response<Bytes>) -> Response {
    let (mut parts, body) = reply.into_parts();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // Only what was written before the body fails is sent; yielding once lets that happen.
    let fails = async {
        tokio::task::yield_now().await;
        Err(connection_aborted())
    };
    let body = stream::iter([Ok(body.slice(..body.len() / 2))]).chain(stream::once(fails));
    Response::from_parts(parts, Body::from_stream(body))
}

fn connection_aborted() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
