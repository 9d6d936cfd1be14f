//! The Lambda Runtime API for one function process: it hands out events, and takes answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::sync::{Mutex, mpsc};

/// The time that an invocation has, in all.
const TIME_LIMIT: Duration = Duration::from_secs(900);

/// What the function answers: the answer, or the error.
pub type Answer = Result<Bytes, Bytes>;

/// The side of the benchmark.
#[derive(Debug)]
pub struct RuntimeApi {
    /// Where the function reaches it (`AWS_LAMBDA_RUNTIME_API`).
    pub address: SocketAddr,
    /// Takes the event of each invocation.
    pub events: mpsc::UnboundedSender<Bytes>,
    /// When the function requested each event.
    pub waiting: mpsc::UnboundedReceiver<Instant>,
    /// Its answers.
    pub answers: mpsc::UnboundedReceiver<Answer>,
}

/// The side of the function.
#[derive(Debug)]
struct Function {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    waiting: mpsc::UnboundedSender<Instant>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl RuntimeApi {
    /// Serves one function.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn serve() -> anyhow::Result<Self> {
        let (events, of_function) = mpsc::unbounded_channel();
        let (is_waiting, waiting) = mpsc::unbounded_channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let function = Function { events: Mutex::new(of_function), waiting: is_waiting, answers: answer };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(error))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::new(function));
        Ok(Self { address: crate::serve(router).await?, events, waiting, answers })
    }
}

async fn next(State(function): State<Arc<Function>>) -> Response {
    // Nobody listens any more once the benchmark ends.
    let _ = function.waiting.send(Instant::now());
    let Some(event) = function.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = SystemTime::now() + TIME_LIMIT;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis().to_string();
    let headers = [
        ("lambda-runtime-aws-request-id", "benchmark"),
        ("lambda-runtime-deadline-ms", &deadline),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:benchmark"),
    ];
    (headers, event).into_response()
}

async fn response(State(function): State<Arc<Function>>, body: Bytes) -> StatusCode {
    let _ = function.answers.send(Ok(body));
    StatusCode::ACCEPTED
}

async fn error(State(function): State<Arc<Function>>, body: Bytes) -> StatusCode {
    let _ = function.answers.send(Err(body));
    StatusCode::ACCEPTED
}
