//! Firehose, which accepts every record, and S3, which holds what is put there. Neither checks a signature.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Deserialize;

/// What Firehose rounds each record up to before it bills it, in bytes. <https://aws.amazon.com/firehose/pricing/>
const BILLED_UNIT: usize = 5 * 1024;

/// The services of one measurement.
#[derive(Debug, Clone, Default)]
pub struct Aws {
    /// The URL of Firehose (`AWS_ENDPOINT_URL_FIREHOSE`): with AWS, too, it has a host of its own.
    pub firehose: String,
    /// The URL of the others (`AWS_ENDPOINT_URL`).
    pub url: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    batches: Mutex<Vec<Bytes>>,
    objects: Mutex<HashMap<String, Bytes>>,
}

/// What was sent to Firehose.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// The payload.
    pub payload: Vec<u8>,
    /// Its bytes with each record rounded up as it is billed.
    pub billed: usize,
}

impl Sent {
    /// The number of lines.
    pub fn lines(&self) -> usize {
        self.payload.iter().filter(|byte| **byte == b'\n').count()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a> {
    #[serde(borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record<'a> {
    data: &'a str,
}

impl Aws {
    /// Serves both.
    ///
    /// # Errors
    /// When no ports are free.
    pub async fn serve() -> anyhow::Result<Self> {
        let state = Arc::new(State::default());
        let router = Router::new().fallback(answer).with_state(state.clone());
        let router = router.layer(extract::DefaultBodyLimit::disable());
        let firehose = format!("http://{}", crate::serve(router.clone()).await?);
        Ok(Self { firehose, url: format!("http://{}", crate::serve(router).await?), state })
    }

    /// Puts an object at `/BUCKET/KEY`.
    pub fn put(&self, path: &str, object: impl Into<Bytes>) {
        self.state.objects.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), object.into());
    }

    /// What Firehose has got since this was called last.
    ///
    /// # Errors
    /// When a call is no `PutRecordBatch`.
    pub fn take_sent(&self) -> anyhow::Result<Sent> {
        let mut sent = Sent::default();
        for batch in self.state.batches.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            for Record { data } in serde_json::from_slice::<Batch>(&batch)?.records {
                let record = BASE64_STANDARD.decode(data)?;
                sent.billed += record.len().div_ceil(BILLED_UNIT) * BILLED_UNIT;
                sent.payload.extend(record);
            }
        }
        Ok(sent)
    }
}

/// A POST without a query is Firehose's; what else is sent is S3's.
async fn answer(extract::State(state): extract::State<Arc<State>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let lock = || state.objects.lock().unwrap_or_else(PoisonError::into_inner);
    match method {
        Method::POST => {
            state.batches.lock().unwrap_or_else(PoisonError::into_inner).push(body);
            r#"{"FailedPutCount":0,"RequestResponses":[]}"#.into_response()
        }
        Method::PUT => {
            lock().insert(uri.path().to_owned(), body);
            [("etag", "\"benchmark\"")].into_response()
        }
        _ => match lock().get(uri.path()) {
            Some(object) => ([("etag", "\"benchmark\"")], object.clone()).into_response(),
            None => (StatusCode::NOT_FOUND, "<Error><Code>NoSuchKey</Code></Error>").into_response(),
        },
    }
}
