//! The data bucket, as far as `collect` uses it: the lists of companies, and the outcomes of runs.

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
use shared::{S3Uri, payload::SymbolOutcomes};

const NO_SUCH_KEY: &str = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";

/// The files by key, and the statuses of the replies about lists so far.
#[derive(Clone, Default)]
pub struct Bucket {
    files: Arc<Mutex<BTreeMap<String, File>>>,
    statuses: Arc<Mutex<Vec<u16>>>,
}

/// A file, with the number of its version.
#[derive(Default)]
struct File {
    version: usize,
    content: Vec<u8>,
    metadata: Vec<(String, String)>,
}

impl Bucket {
    /// Writes the file of a list in TOML.
    pub fn put(&self, list: &str, text: &str) {
        self.put_file(&format!("{list}.toml"), text);
    }

    /// Writes the file of a list, by its name.
    pub fn put_file(&self, name: &str, text: &str) {
        self.put_object(format!("lists/{name}"), text.as_bytes().to_vec(), vec![]);
    }

    fn put_object(&self, key: String, content: Vec<u8>, metadata: Vec<(String, String)>) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let file = files.entry(key).or_default();
        *file = File { version: file.version + 1, content, metadata };
    }

    /// The outcome of each symbol of a run, as `collect` has written it.
    pub fn outcomes(&self, uri: &S3Uri) -> Result<SymbolOutcomes, Box<dyn std::error::Error>> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(SymbolOutcomes::read(&files.get(&uri.key).ok_or("no outcomes")?.content)?)
    }

    /// Replaces the outcomes of a run; deletes them where there is no content.
    pub fn replace(&self, uri: &S3Uri, content: Option<&str>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&uri.key);
        if let Some(content) = content {
            self.put_object(uri.key.clone(), content.as_bytes().to_vec(), vec![]);
        }
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

    /// The status, the headers and the body of the reply to a PutObject or a GetObject.
    fn reply(&self, request: &HttpRequest) -> (u16, Vec<(String, String)>, Vec<u8>) {
        let key = key(request);
        if request.method() == "PUT" {
            let headers = request.headers().iter().filter(|(name, _)| name.starts_with("x-amz-meta-"));
            let metadata = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            self.put_object(key, request.body().bytes().unwrap_or_default().to_vec(), metadata);
            return (200, vec![], vec![]);
        }
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        match files.get(&key) {
            None => (404, vec![], NO_SUCH_KEY.as_bytes().to_vec()),
            Some(File { version, content, metadata }) => {
                let etag = format!("\"{version}\"");
                let is_known = request.headers().get("if-none-match") == Some(etag.as_str());
                let headers = metadata.iter().cloned().chain([("etag".to_owned(), etag)]).collect();
                if is_known { (304, headers, vec![]) } else { (200, headers, content.clone()) }
            }
        }
    }
}

/// The key of a request for an object.
fn key(request: &HttpRequest) -> String {
    let path = request.uri().split("amazonaws.com/").nth(1).unwrap_or_default();
    path.split('?').next().unwrap_or_default().replace("%3D", "=")
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}

impl HttpConnector for Bucket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, headers, body) = self.reply(&request);
        if key(&request).starts_with("lists/") {
            self.statuses.lock().unwrap_or_else(PoisonError::into_inner).push(status);
        }
        let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None));
        HttpConnectorFuture::ready(status.map(|status| {
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            for (name, value) in headers {
                response.headers_mut().insert(name, value);
            }
            response
        }))
    }
}
