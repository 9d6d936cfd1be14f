//! The key of an account at Alpaca: where it is kept, when it is read, and how it stays secret.
//!
//! The operator keeps it in AWS Secrets Manager, as `{"key_id": "…", "secret_key": "…"}`. It is read at the first request of
//! a process, and anew when Alpaca does not accept it, so that a rotation needs no deployment. Its values are header values
//! that are marked as sensitive: neither `Debug` nor the HTTP client's log shows them, and nothing else holds them.

use std::{fmt::Debug, sync::Arc};

use aws_sdk_secretsmanager::Client;
use futures::{FutureExt, future::BoxFuture};
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Deserialize;
use shared::{ServiceError, payload::Reason};
use tokio::sync::Mutex;

use super::refusal::Refusal;
use crate::failure::{Failure, FailureScope};

/// Where the key is kept.
pub trait KeyStore: Debug + Send + Sync {
    /// The name of the secret, for messages.
    fn name(&self) -> &str;

    /// Reads the secret's text as it is now.
    fn read(&self) -> BoxFuture<'_, Result<String, ServiceError>>;
}

/// AWS Secrets Manager.
#[derive(Debug)]
pub struct SecretsManager {
    /// The client.
    pub client: Client,
    /// The secret's name (`ALPACA_SECRET`).
    pub name: String,
}

impl KeyStore for SecretsManager {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self) -> BoxFuture<'_, Result<String, ServiceError>> {
        async move {
            let reply = self.client.get_secret_value().secret_id(&self.name).send().await;
            let reply = reply.map_err(|error| ServiceError::from_sdk("secretsmanager:GetSecretValue", &error))?;
            Ok(reply.secret_string.unwrap_or_default())
        }
        .boxed()
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret cannot be read.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The secret's text is something else. It is not shown.
    #[error("the secret {0} is not a key: store it as {{\"key_id\": \"…\", \"secret_key\": \"…\"}}")]
    Invalid(String),
}

/// A secret that could not be reached is worth another attempt, and one that may not be read or is no key is not.
impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        let (reason, scope) = match &error {
            KeyError::Service(ServiceError::Unavailable { .. }) => (Reason::Unavailable, FailureScope::Source),
            _ => (Reason::Unauthorized, FailureScope::Key),
        };
        Self::Request(Failure::new(reason, error.to_string()).about(scope))
    }
}

/// A key. What it prints are placeholders.
#[derive(Debug, PartialEq, Eq)]
pub struct ApiKey {
    id: HeaderValue,
    secret: HeaderValue,
}

/// The key as the secret holds it, which is parsed and dropped.
#[derive(Deserialize)]
struct Secret {
    key_id: String,
    secret_key: String,
}

impl ApiKey {
    /// The key in the text of a secret; `None` where it is something else.
    fn parse(text: &str) -> Option<Self> {
        let Secret { key_id, secret_key } = serde_json::from_str(text).ok()?;
        let value = |text: String| {
            let mut value = HeaderValue::from_str(text.trim()).ok().filter(|value| !value.is_empty())?;
            value.set_sensitive(true);
            Some(value)
        };
        Some(Self { id: value(key_id)?, secret: value(secret_key)? })
    }

    /// The headers of a request.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("apca-api-key-id", self.id.clone());
        headers.insert("apca-api-secret-key", self.secret.clone());
        headers
    }
}

/// The key of this process.
#[derive(Debug)]
pub struct Keys {
    store: Box<dyn KeyStore>,
    /// It is locked while the secret is read, so that requests at the same time share one call.
    held: Mutex<Option<Arc<ApiKey>>>,
}

impl Keys {
    /// The key in a store, which is read when it is needed first.
    pub fn new(store: Box<dyn KeyStore>) -> Self {
        Self { store, held: Mutex::default() }
    }

    /// The key that was read last.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self) -> Result<Arc<ApiKey>, KeyError> {
        let mut held = self.held.lock().await;
        match &*held {
            Some(key) => Ok(key.clone()),
            None => self.read(&mut held).await,
        }
    }

    /// Another key than one that was not accepted; `None` where the secret holds no other.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn other_than(&self, rejected: &ApiKey) -> Result<Option<Arc<ApiKey>>, KeyError> {
        let mut held = self.held.lock().await;
        let current = match &*held {
            Some(key) if **key != *rejected => key.clone(),
            _ => self.read(&mut held).await?,
        };
        Ok((*current != *rejected).then_some(current))
    }

    /// The refusal of a request whose key is not accepted, and of which the secret holds no other.
    pub fn not_accepted(&self, failure: &Failure) -> Refusal {
        let detail = format!("the key in the secret {} is not accepted: {}", self.store.name(), failure.detail);
        let Failure { reason, scope, simulated, .. } = *failure;
        Refusal::Key(Failure { simulated, ..Failure::new(reason, detail).about(scope) })
    }

    async fn read(&self, held: &mut Option<Arc<ApiKey>>) -> Result<Arc<ApiKey>, KeyError> {
        let key = ApiKey::parse(&self.store.read().await?).map(Arc::new);
        let key = key.ok_or_else(|| KeyError::Invalid(self.store.name().to_owned()))?;
        *held = Some(key.clone());
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// A store whose secret is another one at each read, until the last.
    struct Rotating(&'static [&'static str], Arc<AtomicUsize>);

    impl Debug for Rotating {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("Rotating")
        }
    }

    impl KeyStore for Rotating {
        fn name(&self) -> &str {
            "finstream/alpaca"
        }

        fn read(&self) -> BoxFuture<'_, Result<String, ServiceError>> {
            let at = self.1.fetch_add(1, Ordering::SeqCst).min(self.0.len() - 1);
            futures::future::ready(Ok(self.0[at].to_owned())).boxed()
        }
    }

    const OLD: &str = r#"{"key_id":"PKOLD","secret_key":"hush-old"}"#;
    const NEW: &str = r#"{"key_id":"PKNEW","secret_key":"hush-new"}"#;

    #[tokio::test]
    async fn the_secret_is_read_once_and_anew_when_the_key_is_rejected() -> Outcome {
        let reads = Arc::new(AtomicUsize::new(0));
        let keys = Keys::new(Box::new(Rotating(&[OLD, NEW], reads.clone())));
        let old = keys.get().await?;
        assert_eq!(keys.get().await?, old);
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        let new = keys.other_than(&old).await?.ok_or("the secret was rotated")?;
        assert_eq!(new.headers()["apca-api-secret-key"], "hush-new");
        assert_eq!(keys.other_than(&old).await?, Some(new.clone()), "another request had the old key, too");
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        assert_eq!(keys.other_than(&new).await?, None);
        Ok(())
    }

    #[tokio::test]
    async fn no_value_is_ever_printed() -> Outcome {
        let keys = Keys::new(Box::new(Rotating(&[OLD], Arc::default())));
        let key = keys.get().await?;
        let printed = format!("{keys:?} {key:?} {:?}", key.headers());
        assert!(!printed.contains("hush") && !printed.contains("PKOLD"), "{printed}");
        Ok(())
    }

    #[tokio::test]
    async fn a_secret_that_is_no_key_is_not_shown() {
        for text in [
            "",
            "hush",
            r#"{"key_id":"hush"}"#,
            r#"{"key_id":"hush","secret_key":7}"#,
            r#"{"key_id":"hush","secret_key":" "}"#,
        ] {
            let error = Keys::new(Box::new(Rotating(Box::leak(Box::new([text])), Arc::default()))).get().await;
            let error = error.err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
            assert!(error.contains("finstream/alpaca") && !error.contains("hush"), "{text}: {error}");
        }
    }
}
