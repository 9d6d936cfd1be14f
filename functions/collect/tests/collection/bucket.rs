//! The data bucket, as far as `collect` reads it: the lists of companies.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_credential_types::Credentials;
use aws_sdk_s3::{Client, config::Region};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;

const NO_SUCH_KEY: &str = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";

/// The files by key, each with the number of its version, and the statuses of the replies so far.
#[derive(Clone, Default)]
pub struct Bucket {
    files: Arc<Mutex<BTreeMap<String, (usize, String)>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

impl Bucket {
    /// Writes the file of a list.
    pub fn put(&self, list: &str, text: &str) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, file) = files.entry(format!("lists/{list}.toml")).or_default();
        *version += 1;
        text.clone_into(file);
    }

    /// The statuses of the replies since the last call.
    pub fn statuses(&self) -> Vec<u16> {
        std::mem::take(&mut self.statuses.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A client of S3.
    pub fn client(&self) -> Client {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Client::from_conf(config)
    }

    /// The status, the entity tag and the body of a GetObject.
    fn get(&self, request: &HttpRequest) -> (u16, String, String) {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let key = request.uri().split('?').next().unwrap_or_default().rsplit("/lists/").next().unwrap_or_default();
        match files.get(&format!("lists/{key}")) {
            None => (404, String::new(), NO_SUCH_KEY.to_owned()),
            Some((version, text)) => {
                let etag = format!("\"{version}\"");
                let is_known = request.headers().get("if-none-match") == Some(etag.as_str());
                if is_known { (304, etag, String::new()) } else { (200, etag, text.clone()) }
            }
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

impl HttpConnector for Bucket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, etag, body) = self.get(&request);
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner).push(status);
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None));
        HttpConnectorFuture::ready(status.map(|status| {
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("etag", etag);
            response
        }))
    }
}
