//! The proxy itself. What it lets through it lets through as it came, headers, signature and all, so
//! that the local cloud checks the caller and its policies as ever.

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

const DELAY: Duration = Duration::from_secs(1);

/// The local cloud's root, which it knows by the key alone: it does not look at the signature.
const ROOT: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/firehose/aws4_request, SignedHeaders=host, Signature=0";

/// A proxy that lets calls go wrong by rules; it serves any number of upstreams.
#[derive(Debug, Clone, Default)]
pub struct FaultProxy {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rules: Mutex<Rules>,
    cut: Notify,
    http: reqwest::Client,
}

/// A request as it came.
struct Sent {
    upstream: String,
    parts: Parts,
    body: Bytes,
}

impl FaultProxy {
    /// Stands in front of `upstream` until the runtime ends, at the address that is returned.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn serve(&self, upstream: &str) -> io::Result<String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(exchange).with_state((self.clone(), upstream.to_owned()));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(url)
    }

    /// Lets calls go wrong from now on.
    pub fn set(&self, rule: CallFaultRule) {
        self.rules().set(rule);
    }

    /// Ends the rules for a call of a day, and says how many calls they met.
    pub fn end(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.rules().end(call, date)
    }

    /// How many calls the rules for a call of a day have met.
    pub fn met(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.rules().met(call, date)
    }

    /// Closes every connection on which a call is under way.
    pub fn cut(&self) {
        self.shared.cut.notify_waiters();
    }

    /// A panic elsewhere leaves the rules as good as they were.
    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, sent: &Sent) -> anyhow::Result<Response> {
        let Some(call) = Call::of(&sent.parts) else { return Ok(whole(self.forward(sent).await?)) };
        let mut text = call::text(&sent.parts, &sent.body);
        if call == Call::GetResult {
            // Its address says nothing of the run, its answer does.
            text += &String::from_utf8_lossy(self.forward(sent).await?.body());
        }
        let fault = self.rules().meet(call, &text);
        match fault {
            None => Ok(whole(self.forward(sent).await?)),
            Some(CallFault::Delay) => {
                tokio::time::sleep(DELAY).await;
                Ok(whole(self.forward(sent).await?))
            }
            Some(CallFault::Reset) => Ok(nothing()),
            Some(CallFault::LostReply) => self.forward(sent).await.map(|_| nothing()),
            Some(CallFault::CutOff) => Ok(half(self.forward(sent).await?)),
            Some(CallFault::Hang) => {
                self.forward(sent).await?;
                std::future::pending().await
            }
            Some(CallFault::Partial) => self.partial(sent).await,
            Some(fault) => Ok(fault.refusal(call)),
        }
    }

    async fn forward(&self, sent: &Sent) -> anyhow::Result<axum::http::Response<Bytes>> {
        let Sent { upstream, parts, body } = sent;
        let request = self.shared.http.request(parts.method.clone(), format!("{upstream}{}", parts.uri));
        let answer = request.headers(parts.headers.clone()).body(body.clone()).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut response = axum::http::Response::new(answer.bytes().await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        for name in [CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        Ok(response)
    }

    /// Puts the first half of a batch's records, and reports the others as not taken. The function's
    /// signature does not fit the half, so the local cloud's root sends it.
    async fn partial(&self, sent: &Sent) -> anyhow::Result<Response> {
        let mut batch: Value = serde_json::from_slice(&sent.body)?;
        let records = batch["Records"].as_array().cloned().unwrap_or_default();
        let (taken, refused) = records.split_at(records.len() / 2);
        if !taken.is_empty() {
            batch["Records"] = json!(taken);
            let mut parts = sent.parts.clone();
            parts.headers.insert(AUTHORIZATION, HeaderValue::from_static(ROOT));
            for name in ["x-amz-security-token", "content-length"] {
                parts.headers.remove(name);
            }
            let half = Sent { upstream: sent.upstream.clone(), parts, body: batch.to_string().into() };
            let answer = self.forward(&half).await?;
            anyhow::ensure!(answer.status() == StatusCode::OK, "the half was refused: {answer:?}");
        }
        let slow = json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."});
        let entries: Vec<_> =
            taken.iter().map(|_| json!({"RecordId": "1"})).chain(refused.iter().map(|_| slow.clone())).collect();
        Ok(axum::Json(json!({"FailedPutCount": refused.len(), "Encrypted": true, "RequestResponses": entries}))
            .into_response())
    }
}

async fn exchange(State((proxy, upstream)): State<(FaultProxy, String)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return nothing() };
    let sent = Sent { upstream, parts, body };
    tokio::select! {
        biased;
        () = proxy.shared.cut.notified() => nothing(),
        answer = proxy.answer(&sent) => answer.unwrap_or_else(|error| {
            eprintln!("{} {} did not get through: {error:#}", sent.parts.method, sent.parts.uri);
            nothing()
        }),
    }
}

fn whole(answer: axum::http::Response<Bytes>) -> Response {
    answer.map(Body::from)
}

/// A body that fails at once: the connection is closed before anything is written.
fn nothing() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(cut())])).into_response()
}

fn half(answer: axum::http::Response<Bytes>) -> Response {
    let (mut parts, body) = answer.into_parts();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    // Only what is written before the body fails goes out; giving way once lets that happen.
    let fails = async {
        tokio::task::yield_now().await;
        Err(cut())
    };
    let half = stream::iter([Ok(body.slice(..body.len() / 2))]).chain(stream::once(fails));
    Response::from_parts(parts, Body::from_stream(half))
}

fn cut() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionAborted)
}
