//! Stacks in which one command of the AWS CLI changed a setting that another command sets back.

use anyhow::{Context as _, Result};
use local::LocalCloud;

use super::Doctor;

/// A setting that is changed, the check that finds it, and parts of its problem and its fix.
struct Change {
    broken: &'static str,
    change: String,
    check: &'static str,
    says: [&'static str; 2],
    back: String,
}

impl Doctor<'_> {
    pub async fn finds_changed_settings(&mut self) -> Result<()> {
        let cloud = &self.stack.cloud;
        let changes = [functions(cloud)?, bucket(cloud)?, queries(cloud)?, alerts(cloud)?, live(cloud)?];
        for Change { broken, change, check, says, back } in changes.into_iter().flatten() {
            self.aws(&change.split(' ').collect::<Vec<_>>()).await.context(broken)?;
            self.finds(broken, check, says).await?;
            self.aws(&back.split(' ').collect::<Vec<_>>()).await.context(broken)?;
        }
        Ok(())
    }
}

fn functions(cloud: &LocalCloud) -> Result<Vec<Change>> {
    let [export, query, crawl] = ["ExportCsvFunction", "RunQueryFunction", "StartCrawlerFunction"];
    let update = |output: &str, setting: String| -> Result<String> {
        let name = cloud.output(output)?;
        Ok(format!("lambda update-function-configuration --function-name {name} {setting}"))
    };
    let stack = &cloud.stack;
    let bucket = cloud.output("DataBucket")?;
    let variables = format!("RUST_LOG=info,METRICS_NAMESPACE=finstream/{stack}");
    let logs = |level: &str| update(export, format!("--logging-config LogFormat=JSON,ApplicationLogLevel={level}"));
    let crawled = |name: &str| update(crawl, format!("--environment Variables={{RUST_LOG=info,CRAWLER_NAME={name}}}"));
    Ok(vec![
        Change {
            broken: "a variable of export-csv removed",
            change: update(export, format!("--environment Variables={{{variables}}}"))?,
            check: "export-csv",
            says: ["its variable DATA_BUCKET is missing", "set it back"],
            back: update(export, format!("--environment Variables={{{variables},DATA_BUCKET={bucket}}}"))?,
        },
        Change {
            broken: "a variable of start-crawler changed",
            change: crawled("other")?,
            check: "start-crawler",
            says: ["its variable CRAWLER_NAME is other and should be", "template.yaml"],
            back: crawled(cloud.output("CrawlerName")?)?,
        },
        Change {
            broken: "the timeout of run-query changed",
            change: update(query, "--timeout 3".to_owned())?,
            check: "run-query",
            says: ["its timeout is 3 s and should be 30 s", "set it back"],
            back: update(query, "--timeout 30".to_owned())?,
        },
        Change {
            broken: "the memory of start-crawler changed",
            change: update(crawl, "--memory-size 512".to_owned())?,
            check: "start-crawler",
            says: ["its memory is 512 MB and should be 128 MB", "set it back"],
            back: update(crawl, "--memory-size 128".to_owned())?,
        },
        Change {
            broken: "logs that lose the metrics",
            change: logs("WARN")?,
            check: "export-csv",
            says: ["its application log level is WARN and should be INFO", "set it back"],
            back: logs("INFO")?,
        },
    ])
}

fn bucket(cloud: &LocalCloud) -> Result<Vec<Change>> {
    let name = cloud.output("DataBucket")?;
    let put = |what: &str, option: &str| format!("s3api put-bucket-{what} --bucket {name} --{option}");
    let versions = |status: &str| put("versioning", &format!("versioning-configuration Status={status}"));
    let events = |rules: &str| put("notification-configuration", &format!("notification-configuration {rules}"));
    let encrypted = |default: &str| {
        let rules = format!("{{\"Rules\":[{{\"ApplyServerSideEncryptionByDefault\":{{{default}}}}}]}}");
        put("encryption", &format!("server-side-encryption-configuration {rules}"))
    };
    Ok(vec![
        Change {
            broken: "versioning suspended",
            change: versions("Suspended"),
            check: "bucket",
            says: ["is Suspended", "aws s3api put-bucket-versioning"],
            back: versions("Enabled"),
        },
        Change {
            broken: "no events from the bucket",
            change: events("{}"),
            check: "bucket notifications",
            says: ["reports nothing to EventBridge", "turn on Amazon EventBridge"],
            back: events("{\"EventBridgeConfiguration\":{}}"),
        },
        Change {
            broken: "a key that the roles may not use",
            change: encrypted("\"SSEAlgorithm\":\"aws:kms\",\"KMSMasterKeyID\":\"1234-abcd\""),
            check: "bucket encryption",
            says: ["encrypts with the key 1234-abcd", "as KmsKeyArn"],
            back: encrypted("\"SSEAlgorithm\":\"AES256\""),
        },
    ])
}

fn queries(cloud: &LocalCloud) -> Result<Vec<Change>> {
    let name = cloud.output("WorkGroup")?;
    let workgroup = |state: &str| format!("athena update-work-group --work-group {name} --state {state}");
    Ok(vec![Change {
        broken: "the workgroup disabled",
        change: workgroup("DISABLED"),
        check: "workgroup",
        says: ["is DISABLED", "aws athena update-work-group"],
        back: workgroup("ENABLED"),
    }])
}

fn alerts(cloud: &LocalCloud) -> Result<Vec<Change>> {
    let topic = cloud.output("AlertsArn")?;
    let (alarm, rule) = (format!("{}-delivery-is-late", cloud.stack), format!("{}-records-not-delivered", cloud.stack));
    let state = |state: &str| {
        format!("cloudwatch set-alarm-state --alarm-name {alarm} --state-reason test --state-value {state}")
    };
    Ok(vec![
        Change {
            broken: "an alarm in ALARM",
            change: state("ALARM"),
            check: "alarm delivery-is-late",
            says: ["it is in ALARM: test", "errors/"],
            back: state("OK"),
        },
        Change {
            broken: "an alarm without actions",
            change: format!("cloudwatch disable-alarm-actions --alarm-names {alarm}"),
            check: "alarm delivery-is-late",
            says: ["notifies nobody", "aws cloudwatch enable-alarm-actions"],
            back: format!("cloudwatch enable-alarm-actions --alarm-names {alarm}"),
        },
        Change {
            broken: "a rule disabled",
            change: format!("events disable-rule --name {rule}"),
            check: "rule records-not-delivered",
            says: ["is DISABLED", "aws events enable-rule"],
            back: format!("events enable-rule --name {rule}"),
        },
        Change {
            broken: "a rule without its target",
            change: format!("events remove-targets --rule {rule} --ids alerts"),
            check: "rule records-not-delivered",
            says: ["does not notify arn:", "aws events put-targets"],
            back: format!("events put-targets --rule {rule} --targets Id=alerts,Arn={topic}"),
        },
    ])
}

fn live(cloud: &LocalCloud) -> Result<Vec<Change>> {
    let (stream, alarm) = (format!("{}-live", cloud.stack), format!("{}-ticks-fail", cloud.stack));
    let encryption = |start: &str| {
        format!(
            "kinesis {start}-stream-encryption --stream-name {stream} --encryption-type KMS --key-id alias/aws/kinesis"
        )
    };
    let state = |state: &str| {
        format!("cloudwatch set-alarm-state --alarm-name {alarm} --state-reason test --state-value {state}")
    };
    Ok(vec![
        Change {
            broken: "the live stream not encrypted",
            change: encryption("stop"),
            check: "live stream",
            says: ["it does not encrypt its records", "set it back in Kinesis"],
            back: encryption("start"),
        },
        Change {
            broken: "an alarm of ticks in ALARM",
            change: state("ALARM"),
            check: "alarm ticks-fail",
            says: ["it is in ALARM: test", "its state machine show the error"],
            back: state("OK"),
        },
    ])
}
