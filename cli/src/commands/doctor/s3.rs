//! The data bucket.

use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault};
use serde_json::json;

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, wrong},
};

/// Whether the bucket exists and keeps versions, so that what was replaced or deleted by mistake can be restored.
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

/// Whether new objects are encrypted with the key that the roles may use.
pub async fn encryption(deployment: &Deployment) -> Outcome {
    let name = deployment.output("DataBucket")?;
    let key = deployment.parameter("KmsKeyArn")?;
    let call = deployment.clients.s3.get_bucket_encryption().bucket(name).send().await;
    let response =
        call.map_err(|error| failed("s3:GetEncryptionConfiguration", &format!("the bucket {name}"), &error))?;
    let rules = response.server_side_encryption_configuration().map(|found| found.rules()).unwrap_or_default();
    let default = rules.iter().find_map(|rule| rule.apply_server_side_encryption_by_default());
    is_encrypted(name, default, key)
}

/// Whether the bucket's default encryption is that of the parameter `KmsKeyArn`, which is empty for keys of AWS.
fn is_encrypted(bucket: &str, default: Option<&ServerSideEncryptionByDefault>, key: &str) -> Outcome {
    let algorithm = default.map(|default| default.sse_algorithm()).unwrap_or(&ServerSideEncryption::Aes256);
    let is_kms = algorithm.as_str().starts_with("aws:kms");
    let found = default.filter(|_| is_kms).and_then(|default| default.kms_master_key_id());
    let found = found.filter(|found| !found.ends_with("alias/aws/s3"));
    match found {
        None if key.is_empty() => Ok(format!("{algorithm}, with a key of AWS")),
        Some(alias) if alias.contains("alias/") && !key.is_empty() => {
            Err(NotOk::Skipped(format!("the default key of {bucket} is given by its alias, {alias}")))
        }
        // A key of the same account may be given by its id alone.
        Some(found) if key == found || key.ends_with(&format!("/{found}")) => {
            Ok(format!("{algorithm}, with the key of KmsKeyArn"))
        }
        Some(found) if key.is_empty() => Err(wrong(
            format!("{bucket} encrypts with the key {found}, which the roles may not use: KmsKeyArn is empty"),
            "deploy with that key's ARN as KmsKeyArn; a bucket given as ExistingBucket keeps its own encryption",
        )),
        found => Err(other_key(bucket, algorithm, found, key)),
    }
}

/// The problem of a bucket that does not encrypt with the key of the parameter.
fn other_key(bucket: &str, algorithm: &ServerSideEncryption, found: Option<&str>, key: &str) -> NotOk {
    let with = found.unwrap_or("a key of AWS");
    let deploy = found.map(|found| format!(", or deploy with KmsKeyArn={found}")).unwrap_or_default();
    let default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
    let rules = json!({"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": true}]});
    wrong(
        format!("{bucket} encrypts by {algorithm} with {with} and should with {key}"),
        format!(
            "set its default: aws s3api put-bucket-encryption --bucket {bucket} \
             --server-side-encryption-configuration '{rules}'{deploy}; a bucket given as ExistingBucket keeps its own \
             encryption"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd";
    const OTHER: &str = "arn:aws:kms:eu-west-1:123456789012:key/9999-ffff";
    const PUT: &str = "set its default: aws s3api put-bucket-encryption --bucket b ";

    #[test]
    fn the_bucket_encrypts_with_the_key_of_the_stack() -> Result<(), aws_sdk_s3::error::BuildError> {
        for (algorithm, key, parameter, expected) in [
            ("AES256", None, "", "ok: AES256, with a key of AWS"),
            ("aws:kms", None, "", "ok: aws:kms, with a key of AWS"),
            ("aws:kms", Some("alias/aws/s3"), "", "ok: aws:kms, with a key of AWS"),
            ("aws:kms", Some(KEY), KEY, "ok: aws:kms, with the key of KmsKeyArn"),
            ("aws:kms", Some("1234-abcd"), KEY, "ok: aws:kms, with the key of KmsKeyArn"),
            ("aws:kms", Some("alias/bars"), KEY, "skipped: the default key of b is given by its alias, alias/bars"),
            ("aws:kms", Some(KEY), "", "wrong: deploy with that key's ARN as KmsKeyArn"),
            ("aws:kms", Some("alias/bars"), "", "wrong: deploy with that key's ARN as KmsKeyArn"),
            ("aws:kms:dsse", Some(KEY), "", "wrong: deploy with that key's ARN as KmsKeyArn"),
            ("aws:kms", Some(OTHER), KEY, PUT),
            ("aws:kms", Some("alias/aws/s3"), KEY, PUT),
            ("aws:kms", None, KEY, PUT),
            ("AES256", None, KEY, PUT),
        ] {
            let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm.into());
            let default = default.set_kms_master_key_id(key.map(str::to_owned)).build()?;
            let found = match is_encrypted("b", Some(&default), parameter) {
                Ok(detail) => format!("ok: {detail}"),
                Err(NotOk::Wrong { fix, .. }) => format!("wrong: {fix}"),
                Err(NotOk::Skipped(reason)) => format!("skipped: {reason}"),
            };
            assert!(found.contains(expected), "{algorithm} {key:?} {parameter}: {found}");
        }
        Ok(())
    }

    #[test]
    fn a_bucket_with_another_key_can_keep_it() {
        let NotOk::Wrong { fix, .. } = other_key("b", &ServerSideEncryption::AwsKms, Some(OTHER), KEY) else {
            unreachable!("it is wrong")
        };
        assert!(fix.contains(&format!(r#""KMSMasterKeyID":"{KEY}""#)), "{fix}");
        assert!(fix.contains(&format!(", or deploy with KmsKeyArn={OTHER};")), "{fix}");
    }
}
