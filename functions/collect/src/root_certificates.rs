//! The root certificates of the system, read once for both HTTP clients: that of the sources and that of the AWS SDK.
//!
//! Each would read them by itself, from 290 files on Debian, and the SDK would prepare them again for each of its clients. That was
//! half of a cold start.

use std::{
    collections::HashMap,
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_smithy_http_client::{
    Connector, HttpClientError,
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::Certificate;
use rustls::{RootCertStore, pki_types::CertificateDer};
use rustls_native_certs::CertificateResult;

/// The longest that a connection to a service of AWS may take, as the SDK has it where nothing else is set.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3_100);

/// The certificates of the authorities that this system trusts.
#[derive(Debug)]
pub struct RootCertificates(Vec<CertificateDer<'static>>);

/// The system has no root certificates, so that no server can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no root certificates were found on this system{problems}: install them (most systems call the package \
     ca-certificates), or name a file of them in SSL_CERT_FILE or a folder in SSL_CERT_DIR"
)]
pub struct NoRootCertificates {
    problems: String,
}

impl RootCertificates {
    /// Those of the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else of the system's own. One that is damaged is passed over.
    ///
    /// # Errors
    /// There is none.
    pub fn of_system() -> Result<Self, NoRootCertificates> {
        Self::of(bundle(|name| env::var_os(name)).as_deref(), rustls_native_certs::load_native_certs)
    }

    /// Those of a bundle, or all that the system has where that has none.
    fn of(bundle: Option<&Path>, all: impl FnOnce() -> CertificateResult) -> Result<Self, NoRootCertificates> {
        let bundled = bundle.map(|bundle| Self::new(rustls_native_certs::load_certs_from_paths(Some(bundle), None)));
        bundled.and_then(Result::ok).map_or_else(|| Self::new(all()), Ok)
    }

    fn new(found: CertificateResult) -> Result<Self, NoRootCertificates> {
        let CertificateResult { certs: found, errors, .. } = found;
        for error in &errors {
            tracing::warn!(%error, "cannot read a root certificate");
        }
        let (all, mut store) = (found.len(), RootCertStore::empty());
        let usable: Vec<_> = found.into_iter().filter(|root| store.add(root.clone()).is_ok()).collect();
        if usable.len() < all {
            tracing::warn!(certificates = all - usable.len(), "root certificates cannot be used");
        }
        if usable.is_empty() {
            let problems = errors.iter().map(|error| format!(", {error}")).collect();
            return Err(NoRootCertificates { problems });
        }
        Ok(Self(usable))
    }

    /// As reqwest takes them.
    pub(crate) fn for_reqwest(&self) -> Result<Vec<Certificate>, reqwest::Error> {
        self.0.iter().map(|root| Certificate::from_der(root)).collect()
    }

    /// The SDK's HTTP client as it makes one by itself, with the proxies of the environment, but which trusts these authorities
    /// and is ready for requests. All clients of services share it.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn sdk_client(&self) -> Result<SharedHttpClient, HttpClientError> {
        Ok(self.prepared(&ProxyConfig::from_env())?.0)
    }

    fn prepared(&self, proxy: &ProxyConfig) -> Result<(SharedHttpClient, Prepared), HttpClientError> {
        let roots = TrustStore::empty().with_pem_certificate(self.pem());
        let context = TlsContext::builder().with_trust_store(roots).build()?;
        let proxy = proxy.clone();
        let connector = move |settings: &HttpConnectorSettings| {
            let builder = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
            let builder = builder.tls_context(context.clone()).proxy_config(proxy.clone());
            SharedHttpConnector::new(builder.connector_settings(settings.clone()).build())
        };
        let usual = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let prepared: Prepared = Arc::new(Mutex::new(HashMap::from([(timeouts(&usual), connector(&usual))])));
        let connectors = prepared.clone();
        let client = http_client_fn(move |settings, _| {
            let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
            connectors.entry(timeouts(settings)).or_insert_with(|| connector(settings)).clone()
        });
        Ok((client, prepared))
    }

    /// As a bundle of PEM, which is what the SDK's client takes.
    fn pem(&self) -> String {
        let entry = |root: &CertificateDer<'_>| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(root))
        };
        self.0.iter().map(entry).collect()
    }
}

/// What sends requests, by its timeouts.
type Prepared = Arc<Mutex<HashMap<[Option<Duration>; 2], SharedHttpConnector>>>;

/// The longest that a connection and a reply may take.
fn timeouts(settings: &HttpConnectorSettings) -> [Option<Duration>; 2] {
    [settings.connect_timeout(), settings.read_timeout()]
}

/// The file in which a Linux distribution has all of its authorities, as curl reads it, unless a variable names others. What
/// somebody has put into the folder beside it by hand is not there: `SSL_CERT_DIR` names that.
fn bundle(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let unnamed = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().all(|name| variable(name).is_none());
    (cfg!(target_os = "linux") && unnamed).then(openssl_probe::probe)?.cert_file
}

#[cfg(test)]
mod tests {
    use std::fs;

    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
    use rcgen::CertifiedKey;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

    use super::*;
    use crate::source::Https;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const DAMAGED: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

    /// The roots in a file with this text.
    fn roots(text: &str) -> Result<Result<RootCertificates, NoRootCertificates>, std::io::Error> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(&file, text)?;
        Ok(RootCertificates::new(rustls_native_certs::load_certs_from_paths(Some(file.path()), None)))
    }

    /// A certificate of its own authority for `localhost`.
    fn certificate() -> Result<CertifiedKey<rcgen::KeyPair>, rcgen::Error> {
        rcgen::generate_simple_self_signed(["localhost".to_owned()])
    }

    /// A server that answers every request over TLS with `ok`, and the URL of it.
    async fn serve(certified: &CertifiedKey<rcgen::KeyPair>) -> Result<String, Box<dyn std::error::Error>> {
        let key = certified.signing_key.serialize_der().try_into()?;
        let certificate = certified.cert.der().clone();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key)?;
        let (listener, acceptor) =
            (TcpListener::bind("localhost:0").await?, TlsAcceptor::from(std::sync::Arc::new(config)));
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                // A client that does not trust this server ends the handshake.
                let Ok(mut connection) = acceptor.accept(connection).await else { continue };
                let _ = connection.read(&mut [0; 16 * 1024]).await;
                let _ =
                    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
                let _ = connection.shutdown().await;
            }
        });
        Ok(url)
    }

    #[tokio::test]
    async fn both_clients_trust_these_authorities_and_no_others() -> TestResult {
        let (ours, other) = (certificate()?, certificate()?);
        let url = serve(&ours).await?;
        for (trusted, expected) in [(&ours, true), (&other, false)] {
            let roots = roots(&[DAMAGED, &trusted.cert.pem()].concat())??;
            // Without the proxies that the environment of a test may have.
            let https = Https::builder("test", &roots)?.no_proxy().build()?;
            let reply = async { https.get(&url).send().await?.text().await }.await;
            assert_eq!(reply.as_deref().ok(), expected.then_some("ok"), "{reply:?}");
            assert!(expected || format!("{reply:?}").contains("InvalidCertificate"), "{reply:?}");
            let (client, prepared) = roots.prepared(&ProxyConfig::disabled())?;
            let s3 = aws_sdk_s3::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .http_client(client)
                .endpoint_url(&url)
                .region(Region::from_static("us-east-1"))
                .credentials_provider(Credentials::for_tests())
                .retry_config(RetryConfig::disabled())
                .force_path_style(true);
            let object = aws_sdk_s3::Client::from_conf(s3.build()).get_object().bucket("b").key("k").send().await;
            assert_eq!(object.is_ok(), expected, "{object:?}");
            assert!(expected || format!("{object:?}").contains("InvalidCertificate"), "{object:?}");
            let connectors = prepared.lock().map(|connectors| connectors.len()).ok();
            assert_eq!(connectors, Some(1), "the SDK has the timeouts of the one that was prepared");
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_sdk_calls_through_a_proxy() -> TestResult {
        let proxy = TcpListener::bind("127.0.0.1:0").await?;
        let roots = roots(&certificate()?.cert.pem())??;
        let (client, _) = roots.prepared(&ProxyConfig::https(format!("http://{}", proxy.local_addr()?))?)?;
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(client)
            .region(Region::from_static("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .retry_config(RetryConfig::disabled());
        let call = aws_sdk_s3::Client::from_conf(s3.build()).list_buckets().send();
        let requested = async {
            let (mut connection, _) = proxy.accept().await?;
            let mut requested = [0; 64];
            let length = connection.read(&mut requested).await?;
            std::io::Result::Ok(String::from_utf8_lossy(&requested[..length]).into_owned())
        };
        let (answer, requested) = tokio::join!(call, requested);
        let requested = requested?;
        assert!(answer.is_err() && requested.starts_with("CONNECT s3.us-east-1.amazonaws.com:443"), "{requested}");
        Ok(())
    }

    #[test]
    fn a_variable_takes_the_place_of_the_bundle() {
        let bundle_where_set = |set: &'static str| bundle(|name| (name == set).then(|| "/certificates".into()));
        assert_eq!([bundle_where_set("SSL_CERT_FILE"), bundle_where_set("SSL_CERT_DIR")], [None, None]);
        let is_found = bundle_where_set("").is_some_and(|bundle| bundle.is_file());
        assert!(is_found || !cfg!(target_os = "linux") || openssl_probe::probe().cert_file.is_none());
    }

    #[test]
    fn a_bundle_without_authorities_is_passed_over() -> TestResult {
        let (bundle, others) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
        let (bundled, other) = (certificate()?.cert, certificate()?.cert);
        fs::write(&others, other.pem())?;
        let all = || rustls_native_certs::load_certs_from_paths(Some(others.path()), None);
        for (text, expected) in [(bundled.pem(), &bundled), (String::new(), &other), (DAMAGED.to_owned(), &other)] {
            fs::write(&bundle, &text)?;
            assert_eq!(RootCertificates::of(Some(bundle.path()), all)?.0, [expected.der().clone()], "{text}");
        }
        assert_eq!(RootCertificates::of(None, all)?.0, [other.der().clone()]);
        Ok(())
    }

    #[test]
    fn a_system_without_authorities_is_an_error() -> TestResult {
        for text in ["", DAMAGED] {
            let error = roots(text)?.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.starts_with("no root certificates were found on this system"), "{error}");
            assert!(error.contains("ca-certificates") && error.contains("SSL_CERT_FILE"), "{error}");
        }
        let missing =
            RootCertificates::new(rustls_native_certs::load_certs_from_paths(Some("/missing.pem".as_ref()), None));
        let error = missing.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("/missing.pem"), "{error}");
        Ok(())
    }
}
