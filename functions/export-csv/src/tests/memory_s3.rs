//! An S3 in memory below the SDK's HTTP layer, so that requests are built and errors are read as they are in production.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_s3::config::{
    BehaviorVersion, Region, StalledStreamProtectionConfig, http::HttpResponse, retry::RetryConfig,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

use crate::Exporter;

/// The objects by `bucket/key`, and what happens to calls.
#[derive(Debug, Default)]
pub struct MemoryS3 {
    pub objects: BTreeMap<String, Vec<u8>>,
    /// Calls that fail.
    pub failing: Option<Failing>,
    /// Whether a missing object is a 403, as it is for a role that may not list the bucket.
    pub hides_missing: bool,
    /// What was written, in this order: the key, the content type and the content.
    pub written: Vec<(String, String, String)>,
}

/// The calls that fail, by HTTP method and the end of the key; with the status and the error code of the reply.
#[derive(Debug, Clone, Copy)]
pub struct Failing(pub &'static str, pub &'static str, pub u16, pub &'static str);

pub type Shared = Arc<Mutex<MemoryS3>>;
pub type Reply = Result<HttpResponse, ConnectorError>;

impl MemoryS3 {
    pub fn reply(&mut self, request: &HttpRequest) -> Reply {
        let key = key(request);
        let etag = self.objects.get(&key).map(|bytes| etag(bytes));
        let header = |name| request.headers().get(name);
        match self.failing {
            Some(Failing(method, end, status, code)) if method == request.method() && key.ends_with(end) => {
                error(status, code)
            }
            _ if request.method() != "PUT" => match (self.objects.get(&key), etag) {
                (Some(bytes), Some(etag)) => respond(200, bytes.clone(), Some(&etag)),
                _ if self.hides_missing => error(403, "AccessDenied"),
                _ => error(404, "NoSuchKey"),
            },
            _ => match (header("if-match"), header("if-none-match"), etag) {
                (None, Some("*"), Some(_)) => error(412, "PreconditionFailed"),
                (Some(_), None, None) => error(404, "NoSuchKey"),
                (Some(expected), None, Some(etag)) if expected != etag => error(412, "PreconditionFailed"),
                _ => {
                    let bytes = request.body().bytes().unwrap_or_default().to_vec();
                    let kind = header("content-type").unwrap_or_default().to_owned();
                    self.written.push((key.clone(), kind, String::from_utf8_lossy(&bytes).into_owned()));
                    self.objects.insert(key, bytes);
                    respond(200, vec![], None)
                }
            },
        }
    }
}

/// `bucket/key` of a request.
pub fn key(request: &HttpRequest) -> String {
    let path = request.uri().split_once("//s3.test/").map_or("", |(_, path)| path);
    path.split('?').next().unwrap_or_default().replace("%3D", "=")
}

/// Equal contents have equal tags, as they do in S3.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
fn etag(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("\"{:016x}\"", hasher.finish())
}

pub fn error(status: u16, code: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>injected by the test</Message></Error>");
    respond(status, body.into_bytes(), None)
}

fn respond(status: u16, body: Vec<u8>, etag: Option<&str>) -> Reply {
    let status = status.try_into().map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(body));
    if let Some(etag) = etag {
        response.headers_mut().insert("etag", etag.to_owned());
    }
    Ok(response)
}

/// The request with its body in memory, where that is a file.
pub async fn in_memory(mut request: HttpRequest) -> Result<HttpRequest, ConnectorError> {
    let body = ByteStream::new(std::mem::replace(request.body_mut(), SdkBody::taken()));
    let bytes = body.collect().await.map_err(|error| ConnectorError::other(error.into(), None))?;
    *request.body_mut() = SdkBody::from(bytes.into_bytes());
    Ok(request)
}

/// Replies to every call at once.
#[derive(Debug)]
struct AtOnce(Shared);

impl HttpConnector for AtOnce {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let s3 = Arc::clone(&self.0);
        HttpConnectorFuture::new(async move {
            let request = in_memory(request).await?;
            s3.lock().unwrap_or_else(PoisonError::into_inner).reply(&request)
        })
    }
}

/// An exporter whose calls are replied to at once.
pub fn exporter(s3: &Shared) -> Exporter {
    exporter_with(AtOnce(Arc::clone(s3)))
}

pub fn exporter_with(connector: impl HttpConnector + 'static) -> Exporter {
    let connector = SharedHttpConnector::new(connector);
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .allow_no_auth()
        .endpoint_url("http://s3.test")
        .force_path_style(true)
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Exporter { s3: aws_sdk_s3::Client::from_conf(config), bucket: "lake".into(), metrics_namespace: "test".into() }
}
