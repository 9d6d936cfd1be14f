//! The lake of a run: what the real clients of Firehose and Kinesis sent, record by record.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::{base64, body::SdkBody};
use collect::{DataStream, DeliveryStream};
use serde_json::{Value, json};
use shared::Bar;

/// What a stream has accepted.
#[derive(Clone, Default)]
pub struct Lake {
    bars: Arc<Mutex<Vec<Bar>>>,
    /// The number of records that held them.
    records: Arc<Mutex<usize>>,
    /// The number of calls that reject their last record before any is accepted whole.
    rejections: Arc<Mutex<u32>>,
    /// Whether each call of two records or more rejects every other one.
    rejects_half: bool,
    /// The number of calls.
    calls: Arc<AtomicUsize>,
}

impl Lake {
    /// A stream that rejects the last record of so many calls first.
    pub fn rejecting(rejections: u32) -> Self {
        Self { rejections: Arc::new(Mutex::new(rejections)), ..Self::default() }
    }

    /// A stream that rejects every other record of each call.
    pub fn rejecting_half() -> Self {
        Self { rejects_half: true, ..Self::default() }
    }

    /// The number of calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// The bars, in the order in which they were sent.
    pub fn bars(&self) -> Vec<Bar> {
        self.bars.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of records.
    pub fn records(&self) -> usize {
        *self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The delivery stream of the daily run.
    pub fn delivery_stream(&self) -> DeliveryStream {
        DeliveryStream { client: aws_sdk_firehose::Client::new(&self.config()), name: "bars".into() }
    }

    /// The data stream of the open session.
    pub fn data_stream(&self) -> DataStream {
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/live".into();
        DataStream { client: aws_sdk_kinesis::Client::new(&self.config()), arn }
    }

    fn config(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    /// Accepts the records of a `PutRecordBatch`, or of a `PutRecords`.
    fn put(&self, body: &[u8]) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let request: Value = serde_json::from_slice(body)?;
        let records = request["Records"].as_array().ok_or("no records")?.clone();
        let mut entries = Vec::new();
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut rejections = self.rejections.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last_rejected = *rejections > 0;
        *rejections = rejections.saturating_sub(1);
        let (count, mut failed) = (records.len(), 0);
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, record) in records.into_iter().enumerate() {
            if is_last_rejected && at + 1 == count || self.rejects_half && at % 2 == 1 {
                failed += 1;
                entries.push(json!({"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}));
                continue;
            }
            let data = base64::decode(record["Data"].as_str().unwrap_or_default())?;
            for line in data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                bars.push(serde_json::from_slice(line)?);
            }
            *self.records.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            entries.push(json!({"RecordId": "accepted", "SequenceNumber": "1", "ShardId": "shardId-000000000000"}));
        }
        Ok(
            json!({"FailedPutCount": failed, "RequestResponses": entries, "FailedRecordCount": failed, "Records": entries}),
        )
    }
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lake")
    }
}

impl HttpConnector for Lake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.put(request.body().bytes().unwrap_or_default());
        HttpConnectorFuture::ready(answer.map_err(|error| ConnectorError::other(error, None)).and_then(|answer| {
            let ok = StatusCode::try_from(200).map_err(|error| ConnectorError::other(error.into(), None))?;
            Ok(HttpResponse::new(ok, SdkBody::from(answer.to_string())))
        }))
    }
}
