//! Requests to a local cloud signed with any keys, where the AWS CLI would be too slow or does not know the service.

use std::time::SystemTime;

use anyhow::Context;
use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use local::LocalCloud;

/// A request before it is signed.
pub type Request = http::Request<String>;

/// Signs `request` for `service`, and sends it.
///
/// # Errors
/// When it cannot be signed or gets no answer; a refusal is an answer.
pub async fn send(
    cloud: &LocalCloud,
    keys: &Credentials,
    service: &str,
    mut request: Request,
) -> anyhow::Result<(u16, String)> {
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let identity = keys.clone().into();
    let signing = v4::SigningParams::builder()
        .identity(&identity)
        .region(&cloud.region)
        .name(service)
        .time(SystemTime::now())
        .settings(settings)
        .build()?
        .into();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let (method, uri) = (request.method().as_str(), request.uri().to_string());
    let signable = SignableRequest::new(method, &uri, headers, SignableBody::Bytes(request.body().as_bytes()))?;
    let (instructions, _) = sign(signable, &signing)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    send_as_it_is(request).await
}

/// Sends a request that nobody signed.
///
/// # Errors
/// When it gets no answer; a refusal is an answer.
pub async fn send_as_it_is(request: Request) -> anyhow::Result<(u16, String)> {
    let uri = request.uri().to_string();
    let answer = reqwest::Client::new().execute(request.try_into()?).await;
    let answer = answer.with_context(|| format!("{uri} does not answer"))?;
    Ok((answer.status().as_u16(), answer.text().await?))
}
