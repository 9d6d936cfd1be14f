//! The calls that are tried with each function's role, and who may make them.
//!
//! Whether a call would come to something does not matter: what is asked for need not exist.

use anyhow::Result;
use http::{Method, Request};
use local::LocalCloud;
use serde_json::{Value, json};

pub const FUNCTIONS: [&str; 4] = ["collect", "start-crawler", "run-query", "export-csv"];

pub struct Call {
    /// The action, and on what.
    pub what: String,
    pub service: &'static str,
    pub request: Request<String>,
    /// The functions that need it; nobody else may.
    pub allowed: &'static [&'static str],
}

const NOBODY: &[&str] = &[];

pub fn all(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let mut calls = firehose(cloud)?;
    calls.extend(glue(cloud)?);
    calls.extend(athena(cloud)?);
    calls.extend(s3(cloud)?);
    calls.extend(logs(cloud)?);
    calls.extend(control(cloud)?);
    calls.extend(strange(cloud)?);
    Ok(calls)
}

fn firehose(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let ours = cloud.output("DeliveryStream")?;
    let call = |operation, stream: &str, allowed| {
        let line = "e30K"; // {} and a newline
        let body = json!({"DeliveryStreamName": stream, "Records": [{"Data": line}], "Record": {"Data": line}});
        json_call(cloud, "firehose", "Firehose_20150804", operation, stream, body, allowed)
    };
    Ok(vec![
        call("PutRecordBatch", ours, &["collect"])?,
        call("PutRecordBatch", "another", NOBODY)?,
        call("PutRecord", ours, NOBODY)?,
        call("PutRecord", "another", NOBODY)?,
        call("DescribeDeliveryStream", ours, NOBODY)?,
        call("DeleteDeliveryStream", ours, NOBODY)?,
    ])
}

fn glue(cloud: &LocalCloud) -> Result<Vec<Call>> {
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
        on_crawler("StartCrawler", "another", NOBODY)?,
        on_crawler("StopCrawler", crawler, NOBODY)?,
        on_crawler("DeleteCrawler", crawler, NOBODY)?,
        on_table("GetTable", "bars", &["run-query"])?,
        on_table("GetPartitions", "bars", &["run-query"])?,
        on_table("DeleteTable", "bars", NOBODY)?,
    ])
}

fn athena(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let ours = cloud.output("WorkGroup")?;
    let call = |operation, group: &str, allowed| {
        let body = json!({"WorkGroup": group, "QueryString": "SELECT 1"});
        json_call(cloud, "athena", "AmazonAthena", operation, group, body, allowed)
    };
    Ok(vec![
        call("StartQueryExecution", ours, &["run-query"])?,
        call("StartQueryExecution", "primary", NOBODY)?,
        call("UpdateWorkGroup", ours, NOBODY)?,
        call("DeleteWorkGroup", ours, NOBODY)?,
    ])
}

fn s3(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let bucket = cloud.output("DataBucket")?;
    let call = |action: &str, method: Method, path: &str, allowed| -> Result<Call> {
        let what = format!("s3:{action} {}", path.strip_prefix(bucket).unwrap_or(path));
        let request = Request::builder().method(method).uri(format!("{}/{path}", cloud.endpoint));
        Ok(Call { what, service: "s3", request: request.body(String::new())?, allowed })
    };
    let mut calls = Vec::new();
    let folders: [(&str, &[&str], &[&str]); 5] = [
        ("bars", &["run-query"], NOBODY),
        ("errors", NOBODY, NOBODY),
        ("results", &["run-query", "export-csv"], &["run-query"]),
        ("exports", NOBODY, &["export-csv"]),
        ("else", NOBODY, NOBODY),
    ];
    for (folder, readers, writers) in folders {
        let path = format!("{bucket}/{folder}/test");
        calls.push(call("GetObject", Method::GET, &path, readers)?);
        calls.push(call("PutObject", Method::PUT, &path, writers)?);
        calls.push(call("DeleteObject", Method::DELETE, &path, NOBODY)?);
    }
    calls.push(call("ListBucket", Method::GET, &format!("{bucket}?list-type=2&prefix=bars%2F"), &["run-query"])?);
    calls.push(call("ListBucket", Method::GET, &format!("{bucket}?list-type=2&prefix=exports%2F"), NOBODY)?);
    calls.push(call("ListBucket", Method::GET, &format!("{bucket}?list-type=2"), NOBODY)?);
    calls.push(call("PutBucketPolicy", Method::PUT, &format!("{bucket}?policy"), NOBODY)?);
    calls.push(call("GetObject", Method::GET, "finstream-deployment/test", NOBODY)?);
    calls.push(call("PutObject", Method::PUT, "finstream-deployment/test", NOBODY)?);
    calls.push(call("ListAllMyBuckets", Method::GET, "", NOBODY)?);
    Ok(calls)
}

/// Each function writes to its own log only.
fn logs(cloud: &LocalCloud) -> Result<Vec<Call>> {
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
        calls.push(json_call(cloud, "logs", "Logs_20140328", "DeleteLogGroup", &group, whole, NOBODY)?);
    }
    Ok(calls)
}

/// The pipeline runs the functions, never the reverse.
fn control(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let machine = cloud.output("StateMachineArn")?;
    let states = |operation| {
        let body = json!({"stateMachineArn": machine, "input": "{}"});
        json_call(cloud, "states", "AWSStepFunctions", operation, "pipeline", body, NOBODY)
    };
    let mut calls = vec![states("StartExecution")?, states("ListExecutions")?, states("DeleteStateMachine")?];
    for function in FUNCTIONS {
        let path = format!("{}/2015-03-31/functions/{}-{function}", cloud.endpoint, cloud.stack);
        let what = format!("lambda:InvokeFunction {function}");
        let request = Request::post(format!("{path}/invocations")).body("{}".to_owned())?;
        calls.push(Call { what, service: "lambda", request, allowed: NOBODY });
        let what = format!("lambda:UpdateFunctionConfiguration {function}");
        let request = Request::put(format!("{path}/configuration")).body("{}".to_owned())?;
        calls.push(Call { what, service: "lambda", request, allowed: NOBODY });
    }
    Ok(calls)
}

/// Services that no function has to do with.
fn strange(cloud: &LocalCloud) -> Result<Vec<Call>> {
    let query = |service, version: &str, action: &str, on: &str, parameters: &str| -> Result<Call> {
        let body = format!("Action={action}&Version={version}&{parameters}");
        let request = Request::post(format!("{}/", cloud.endpoint))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)?;
        Ok(Call { what: format!("{service}:{action} {on}"), service, request, allowed: NOBODY })
    };
    let json = |service, target, operation| json_call(cloud, service, target, operation, "", json!({}), NOBODY);
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

/// A call of a service that takes JSON.
fn json_call(
    cloud: &LocalCloud,
    service: &'static str,
    target: &str,
    operation: &str,
    on: &str,
    body: Value,
    allowed: &'static [&'static str],
) -> Result<Call> {
    let request = Request::post(format!("{}/", cloud.endpoint))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("{target}.{operation}"))
        .body(body.to_string())?;
    Ok(Call { what: format!("{service}:{operation} {on}"), service, request, allowed })
}
