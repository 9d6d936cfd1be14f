//! The data bucket.

use super::{
    deployment::Deployment,
    outcome::{Outcome, failed, wrong},
};

/// Whether the bucket exists and keeps versions, so that a published file can be found after another run of the day.
pub async fn versioning(deployment: &Deployment) -> Outcome {
    let name = deployment.output("DataBucket")?;
    let call = deployment.clients.s3.get_bucket_versioning().bucket(name).send().await;
    let response = call.map_err(|error| failed("s3:GetBucketVersioning", &format!("the bucket {name}"), &error))?;
    match response.status().map(|status| status.as_str()) {
        Some("Enabled") => Ok(format!("{name} exists, with versioning")),
        status => Err(wrong(
            format!("the versioning of {name} is {}", status.unwrap_or("off")),
            format!(
                "enable it: aws s3api put-bucket-versioning --bucket {name} --versioning-configuration Status=Enabled"
            ),
        )),
    }
}

/// Whether the bucket reports new objects to EventBridge, which alerts of those below `errors/`.
pub async fn notifications(deployment: &Deployment) -> Outcome {
    let name = deployment.output("DataBucket")?;
    let call = deployment.clients.s3.get_bucket_notification_configuration().bucket(name).send().await;
    let what = format!("the bucket {name}");
    let response = call.map_err(|error| failed("s3:GetBucketNotification", &what, &error))?;
    if response.event_bridge_configuration().is_some() {
        return Ok("it reports new objects to EventBridge".to_owned());
    }
    Err(wrong(
        format!("{name} reports nothing to EventBridge, so records that cannot be delivered raise no alert"),
        format!(
            "in S3, turn on Amazon EventBridge under the properties of {name}; a bucket given as ExistingBucket keeps \
             its own settings"
        ),
    ))
}
