//! Calls over plain HTTP, signed with Signature Version 4: one way to every service of the local cloud.

use std::time::SystemTime;

use anyhow::ensure;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use http::Request;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::Stack;

/// The request, signed for a service with the keys.
///
/// # Errors
/// When the request cannot be signed.
pub fn signed(
    mut request: Request<String>,
    region: &str,
    service: &str,
    keys: &Credentials,
) -> anyhow::Result<Request<String>> {
    let identity = keys.clone().into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256; // S3 asks for it
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(settings)
        .build()?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body().as_bytes());
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body)?;
    let (instructions, _) = sign(signable, &signing)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

impl Stack {
    /// What the function behind an output of the template answers to `event`.
    ///
    /// # Errors
    /// What the function or Lambda says.
    pub async fn invoke<T: DeserializeOwned>(&self, output: &str, event: &impl Serialize) -> anyhow::Result<T> {
        let function = self.cloud.output(output)?;
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.cloud.endpoint);
        let (answer, failed) = self.ask("lambda", Request::post(url), serde_json::to_string(event)?).await?;
        ensure!(!failed, "{function}: {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    /// What a service answers to an operation of its JSON protocol, such as `AWSGlue.GetCrawler`.
    ///
    /// # Errors
    /// What the service says.
    pub async fn call(&self, service: &str, operation: &str, input: &Value) -> anyhow::Result<Value> {
        let request = Request::post(format!("{}/", self.cloud.endpoint)).header("x-amz-target", operation);
        let (answer, failed) = self.ask(service, request, input.to_string()).await?;
        ensure!(!failed, "{operation}: {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    /// Changes the settings of the function behind an output of the template.
    ///
    /// # Errors
    /// What Lambda says.
    pub async fn configure(
        &self,
        output: &str,
        variables: &[(&str, &str)],
        timeout: Option<u32>,
    ) -> anyhow::Result<()> {
        let function = self.cloud.output(output)?;
        let url = format!("{}/2015-03-31/functions/{function}/configuration", self.cloud.endpoint);
        let (now, failed) = self.ask("lambda", Request::get(&url), String::new()).await?;
        ensure!(!failed, "{function}: {now}");
        let now: Value = serde_json::from_str(&now)?;
        let mut wanted =
            json!({"Environment": now["Environment"], "Timeout": timeout.map_or(now["Timeout"].clone(), Value::from)});
        for (name, value) in variables {
            wanted["Environment"]["Variables"][name] = Value::from(*value);
        }
        let (answer, failed) = self.ask("lambda", Request::put(&url), wanted.to_string()).await?;
        ensure!(!failed, "{function}: {answer}");
        Ok(())
    }

    /// The answer to a request of the local cloud's root, and whether it is a failure.
    async fn ask(
        &self,
        service: &str,
        request: http::request::Builder,
        body: String,
    ) -> anyhow::Result<(String, bool)> {
        let (id, secret) = (&self.cloud.access_key_id, &self.cloud.secret_access_key);
        let root = Credentials::new(id, secret, None, None, "the local cloud's root");
        let request = request.header("content-type", "application/x-amz-json-1.1").body(body)?;
        let request = signed(request, &self.cloud.region, service, &root)?;
        let answer = self.http.execute(request.try_into()?).await?;
        let failed = !answer.status().is_success() || answer.headers().contains_key("x-amz-function-error");
        Ok((answer.text().await?, failed))
    }
}
