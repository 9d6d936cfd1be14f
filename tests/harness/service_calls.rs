//! Calls to the services of the local cloud and to the deployed API, over plain HTTP: one client serves them all.

use anyhow::ensure;
use aws_credential_types::Credentials;
use http::Request;
use reqwest::{Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Stack, sigv4::signed};

impl Stack {
    /// Invokes the function that an output of the template names, and returns its reply to `event`.
    ///
    /// # Errors
    /// The error of the function or of Lambda.
    pub async fn invoke<T: DeserializeOwned>(&self, output: &str, event: &impl Serialize) -> anyhow::Result<T> {
        let function = self.cloud.output(output)?;
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.cloud.endpoint);
        let reply = self.send(function, "lambda", Request::post(url), serde_json::to_string(event)?).await?;
        Ok(serde_json::from_str(&reply)?)
    }

    /// Calls an operation of a service that speaks JSON, such as `AWSGlue.GetCrawler`, and returns its reply.
    ///
    /// # Errors
    /// The error of the service.
    pub async fn call(&self, service: &str, operation: &str, input: &Value) -> anyhow::Result<Value> {
        let request = Request::post(format!("{}/", self.cloud.endpoint)).header("x-amz-target", operation);
        let reply = self.send(operation, service, request, input.to_string()).await?;
        Ok(serde_json::from_str(&reply)?)
    }

    /// Adds environment variables to the function that an output of the template names, and sets its timeout in
    /// seconds; `None` leaves the timeout as it is.
    ///
    /// # Errors
    /// The error of Lambda.
    pub async fn configure(
        &self,
        output: &str,
        variables: &[(&str, &str)],
        timeout: Option<u32>,
    ) -> anyhow::Result<()> {
        let function = self.cloud.output(output)?;
        let url = format!("{}/2015-03-31/functions/{function}/configuration", self.cloud.endpoint);
        let current = self.send(function, "lambda", Request::get(&url), String::new()).await?;
        let current: Value = serde_json::from_str(&current)?;
        let timeout = timeout.map_or(current["Timeout"].clone(), Value::from);
        let mut update = json!({"Environment": current["Environment"], "Timeout": timeout});
        for (name, value) in variables {
            update["Environment"]["Variables"][name] = Value::from(*value);
        }
        self.send(function, "lambda", Request::put(&url), update.to_string()).await?;
        Ok(())
    }

    /// Sends `POST /collect`, unsigned without credentials, and returns status and body: JSON, or as a JSON string
    /// what is not JSON.
    ///
    /// # Errors
    /// When the API cannot be reached.
    pub async fn post_collect(
        &self,
        credentials: Option<&Credentials>,
        content_type: &str,
        body: String,
    ) -> anyhow::Result<(StatusCode, Value)> {
        let url = self.cloud.output("CollectUrl")?;
        let request = Request::post(url).header("content-type", content_type).body(body)?;
        let request = match credentials {
            Some(credentials) => signed(request, &self.cloud.region, "execute-api", credentials)?,
            None => request,
        };
        // A new connection each time: the server may reject a body before it has read it all.
        let reply = reqwest::Client::new().execute(request.try_into()?).await?;
        let (status, text) = (reply.status(), reply.text().await?);
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    /// Signs a request for a service with the credentials, and sends it.
    ///
    /// # Errors
    /// When it cannot be signed, or the service cannot be reached.
    pub async fn send_signed(
        &self,
        request: Request<String>,
        service: &str,
        credentials: &Credentials,
    ) -> anyhow::Result<Response> {
        let request = signed(request, &self.cloud.region, service, credentials)?;
        Ok(self.http.execute(request.try_into()?).await?)
    }

    /// The body of the reply to a request that the local cloud's root sends. `what` names it in an error.
    async fn send(
        &self,
        what: &str,
        service: &str,
        request: http::request::Builder,
        body: String,
    ) -> anyhow::Result<String> {
        let request = request.header("content-type", "application/x-amz-json-1.1").body(body)?;
        let reply = self.send_signed(request, service, &self.root_credentials()).await?;
        let failed = !reply.status().is_success() || reply.headers().contains_key("x-amz-function-error");
        let text = reply.text().await?;
        ensure!(!failed, "{what}: {text}");
        Ok(text)
    }
}
