//! The calls that are made with each function's role, and the functions that are allowed to make them.
//!
//! Only the authorization matters: what a call names need not exist, and its arguments need not be valid.

use anyhow::{Context as _, Result};
use http::{Method, Request};
use local::LocalCloud;
use serde_json::{Value, json};

pub const FUNCTIONS: [&str; 4] = ["collect", "start-crawler", "run-query", "export-csv"];

/// A call to a service.
pub struct CallCase {
    /// The action and its resource.
    pub action: String,
    /// The service that the request is signed for.
    pub service: &'static str,
    pub request: Request<String>,
    /// The functions that need the call; all others must be denied it.
    pub allowed: &'static [&'static str],
}

const NO_FUNCTION: &[&str] = &[];

/// The default of the template's parameter `AlpacaSecret`.
const ALPACA_SECRET: &str = "finstream/alpaca";

pub fn all(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let mut calls = firehose(cloud)?;
    calls.extend(kinesis(cloud)?);
    calls.extend(glue(cloud)?);
    calls.extend(athena(cloud)?);
    calls.extend(s3(cloud)?);
    calls.extend(secrets(cloud)?);
    calls.extend(logs(cloud)?);
    calls.extend(control(cloud)?);
    calls.extend(unused_services(cloud)?);
    Ok(calls)
}

fn firehose(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let ours = cloud.output("DeliveryStream")?;
    let call = |operation, stream: &str, allowed| {
        let line = "e30K"; // {} and a newline
        let body = json!({"DeliveryStreamName": stream, "Records": [{"Data": line}], "Record": {"Data": line}});
        json_call(cloud, "firehose", "Firehose_20150804", operation, stream, body, allowed)
    };
    Ok(vec![
        call("PutRecordBatch", ours, &["collect"])?,
        call("PutRecordBatch", "another", NO_FUNCTION)?,
        call("PutRecord", ours, NO_FUNCTION)?,
        call("PutRecord", "another", NO_FUNCTION)?,
        call("DescribeDeliveryStream", ours, NO_FUNCTION)?,
        call("DeleteDeliveryStream", ours, NO_FUNCTION)?,
    ])
}

fn kinesis(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let ours = cloud.output("LiveStreamArn")?;
    let another = format!("{ours}-of-another");
    let call = |operation, stream: &str, allowed| {
        let record = json!({"Data": "e30K", "PartitionKey": "test"});
        let mut body = json!({"StreamARN": stream, "Records": [record], "ShardIterator": "test"});
        body.as_object_mut().context("no object")?.extend(record.as_object().cloned().unwrap_or_default());
        json_call(cloud, "kinesis", "Kinesis_20131202", operation, stream, body, allowed)
    };
    Ok(vec![
        call("PutRecords", ours, &["collect"])?,
        call("PutRecords", &another, NO_FUNCTION)?,
        call("PutRecord", ours, NO_FUNCTION)?,
        call("GetRecords", ours, NO_FUNCTION)?,
        call("GetShardIterator", ours, NO_FUNCTION)?,
        call("DescribeStream", ours, NO_FUNCTION)?,
        call("DeleteStream", ours, NO_FUNCTION)?,
    ])
}

fn glue(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let (crawler, database) = (cloud.output("CrawlerName")?, cloud.output("DatabaseName")?);
    let on_crawler = |operation, name: &str, allowed| {
        json_call(cloud, "glue", "AWSGlue", operation, name, json!({"Name": name}), allowed)
    };
    let on_table = |operation, table: &str, allowed| {
        let body = json!({"DatabaseName": database, "Name": table, "TableName": table});
        json_call(cloud, "glue", "AWSGlue", operation, table, body, allowed)
    };
    Ok(vec![
        on_crawler("StartCrawler", crawler, &["start-crawler"])?,
        on_crawler("StartCrawler", "another", NO_FUNCTION)?,
        on_crawler("StopCrawler", crawler, NO_FUNCTION)?,
        on_crawler("DeleteCrawler", crawler, NO_FUNCTION)?,
        on_table("GetTable", "bars", &["run-query"])?,
        on_table("GetPartitions", "bars", &["run-query"])?,
        on_table("DeleteTable", "bars", NO_FUNCTION)?,
    ])
}

fn athena(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let ours = cloud.output("WorkGroup")?;
    let call = |operation, group: &str, allowed| {
        let body = json!({"WorkGroup": group, "QueryString": "SELECT 1"});
        json_call(cloud, "athena", "AmazonAthena", operation, group, body, allowed)
    };
    Ok(vec![
        call("StartQueryExecution", ours, &["run-query"])?,
        call("StartQueryExecution", "primary", NO_FUNCTION)?,
        call("UpdateWorkGroup", ours, NO_FUNCTION)?,
        call("DeleteWorkGroup", ours, NO_FUNCTION)?,
    ])
}

fn s3(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let bucket = cloud.output("DataBucket")?;
    let call = |action: &str, method: Method, path: &str, allowed| -> Result<CallCase> {
        let action = format!("s3:{action} {}", path.strip_prefix(bucket).unwrap_or(path));
        let request = Request::builder().method(method).uri(format!("{}/{path}", cloud.endpoint));
        Ok(CallCase { action, service: "s3", request: request.body(String::new())?, allowed })
    };
    let mut calls = Vec::new();
    let objects: [(&str, &[&str], &[&str]); 8] = [
        ("lists/test", &["collect"], NO_FUNCTION),
        ("bars/test", &["run-query"], NO_FUNCTION),
        ("errors/test", NO_FUNCTION, NO_FUNCTION),
        ("results/test", &["run-query", "export-csv"], &["run-query"]),
        ("runs/test/run-1/symbols.jsonl", &["collect", "export-csv"], &["collect", "export-csv"]),
        ("runs/test/run-1/report.html", &["export-csv"], &["export-csv"]),
        ("exports/test", &["export-csv"], &["export-csv"]),
        ("else/test", NO_FUNCTION, NO_FUNCTION),
    ];
    for (key, readers, writers) in objects {
        let path = format!("{bucket}/{key}");
        calls.push(call("GetObject", Method::GET, &path, readers)?);
        calls.push(call("PutObject", Method::PUT, &path, writers)?);
        calls.push(call("DeleteObject", Method::DELETE, &path, NO_FUNCTION)?);
    }
    // Athena lists the bucket with a prefix and without; collect may, so that S3 says of a missing list that it is missing.
    for prefix in ["", "&prefix=bars%2F", "&prefix=exports%2F"] {
        calls.push(call(
            "ListBucket",
            Method::GET,
            &format!("{bucket}?list-type=2{prefix}"),
            &["collect", "run-query"],
        )?);
    }
    calls.push(call("PutBucketPolicy", Method::PUT, &format!("{bucket}?policy"), NO_FUNCTION)?);
    calls.push(call("GetObject", Method::GET, "finstream-deployment/test", NO_FUNCTION)?);
    calls.push(call("PutObject", Method::PUT, "finstream-deployment/test", NO_FUNCTION)?);
    calls.push(call("ListAllMyBuckets", Method::GET, "", NO_FUNCTION)?);
    Ok(calls)
}

/// Only `collect` reads the key of Alpaca, and no function changes it or reads another secret.
fn secrets(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let call = |operation, secret: &str, allowed| {
        let body = json!({"SecretId": secret, "SecretString": "{}"});
        json_call(cloud, "secretsmanager", "secretsmanager", operation, secret, body, allowed)
    };
    Ok(vec![
        call("GetSecretValue", ALPACA_SECRET, &["collect"])?,
        call("GetSecretValue", "finstream/another", NO_FUNCTION)?,
        call("GetSecretValue", "finstream/alpaca-of-another", NO_FUNCTION)?,
        call("PutSecretValue", ALPACA_SECRET, NO_FUNCTION)?,
        call("DescribeSecret", ALPACA_SECRET, NO_FUNCTION)?,
        call("DeleteSecret", ALPACA_SECRET, NO_FUNCTION)?,
    ])
}

/// Each function may write to its own log group only.
fn logs(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let owners: [(&str, &[&str]); 4] = [
        ("collect", &["collect"]),
        ("start-crawler", &["start-crawler"]),
        ("run-query", &["run-query"]),
        ("export-csv", &["export-csv"]),
    ];
    let mut calls = Vec::new();
    for (function, allowed) in owners {
        let group = format!("/aws/lambda/{}-{function}", cloud.stack);
        let stream = json!({"logGroupName": group, "logStreamName": "test", "logEvents": []});
        for operation in ["CreateLogStream", "PutLogEvents"] {
            calls.push(json_call(cloud, "logs", "Logs_20140328", operation, &group, stream.clone(), allowed)?);
        }
        let whole = json!({"logGroupName": group});
        calls.push(json_call(cloud, "logs", "Logs_20140328", "DeleteLogGroup", &group, whole, NO_FUNCTION)?);
    }
    Ok(calls)
}

/// The pipeline invokes the functions; no function may start the pipeline or invoke another.
fn control(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let machine = cloud.output("StateMachineArn")?;
    let states = |operation| {
        let body = json!({"stateMachineArn": machine, "input": "{}"});
        json_call(cloud, "states", "AWSStepFunctions", operation, "pipeline", body, NO_FUNCTION)
    };
    let mut calls = vec![states("StartExecution")?, states("ListExecutions")?, states("DeleteStateMachine")?];
    for function in FUNCTIONS {
        let path = format!("{}/2015-03-31/functions/{}-{function}", cloud.endpoint, cloud.stack);
        let action = format!("lambda:InvokeFunction {function}");
        let request = Request::post(format!("{path}/invocations")).body("{}".to_owned())?;
        calls.push(CallCase { action, service: "lambda", request, allowed: NO_FUNCTION });
        let action = format!("lambda:UpdateFunctionConfiguration {function}");
        let request = Request::put(format!("{path}/configuration")).body("{}".to_owned())?;
        calls.push(CallCase { action, service: "lambda", request, allowed: NO_FUNCTION });
    }
    Ok(calls)
}

/// Services that no function uses.
fn unused_services(cloud: &LocalCloud) -> Result<Vec<CallCase>> {
    let query = |service, version: &str, action: &str, on: &str, parameters: &str| -> Result<CallCase> {
        let body = format!("Action={action}&Version={version}&{parameters}");
        let request = Request::post(format!("{}/", cloud.endpoint))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)?;
        Ok(CallCase { action: format!("{service}:{action} {on}"), service, request, allowed: NO_FUNCTION })
    };
    let json = |service, target, operation| json_call(cloud, service, target, operation, "", json!({}), NO_FUNCTION);
    let topics =
        [cloud.output("TopicArn")?, cloud.output("AlertsArn")?].map(|arn| format!("TopicArn={arn}&Message=test"));
    let policy = "RoleName=test&PolicyName=test&PolicyDocument=test";
    Ok(vec![
        query("sns", "2010-03-31", "Publish", "runs", &topics[0])?,
        query("sns", "2010-03-31", "Publish", "alerts", &topics[1])?,
        query("iam", "2010-05-08", "ListRoles", "", "")?,
        query("iam", "2010-05-08", "CreateUser", "", "UserName=test")?,
        query("iam", "2010-05-08", "PutRolePolicy", "", policy)?,
        query("ec2", "2016-11-15", "DescribeInstances", "", "")?,
        query("cloudformation", "2010-05-15", "DescribeStacks", "", "")?,
        query("cloudformation", "2010-05-15", "DeleteStack", "", "StackName=test")?,
        json("dynamodb", "DynamoDB_20120810", "ListTables")?,
        json("secretsmanager", "secretsmanager", "ListSecrets")?,
        json("kms", "TrentService", "ListKeys")?,
        json("sqs", "AmazonSQS", "ListQueues")?,
        json("events", "AWSEvents", "PutEvents")?,
    ])
}

/// A call to a service whose protocol is JSON.
fn json_call(
    cloud: &LocalCloud,
    service: &'static str,
    target: &str,
    operation: &str,
    on: &str,
    body: Value,
    allowed: &'static [&'static str],
) -> Result<CallCase> {
    let request = Request::post(format!("{}/", cloud.endpoint))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("{target}.{operation}"))
        .body(body.to_string())?;
    Ok(CallCase { action: format!("{service}:{operation} {on}"), service, request, allowed })
}
