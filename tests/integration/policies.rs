//! What the policies say, where the local cloud does not enforce them: the roles of other services than
//! Lambda, and what is there only with a key of one's own. As deployed, or as `template.yaml` has it.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{Context, trials};

trials![
    no_statement_allows_more_than_it_names,
    each_role_is_for_one_service,
    the_state_machines_may_do_what_their_states_do,
    the_schedules_may_start_what_they_start,
    only_firehose_writes_to_the_lake_and_the_crawler_only_reads_it,
    the_api_is_throttled_logged_and_closed_to_browsers_and_strangers,
];

/// What is allowed on every resource, since AWS knows no narrower one.
const WITHOUT_RESOURCES: [&str; 2] = ["LogDelivery", "Tracing"];

async fn no_statement_allows_more_than_it_names(context: Arc<Context>) -> Result<()> {
    let template = template(&context).await?;
    let mut statements = Vec::new();
    find(&template, "Statement", &mut statements);
    let allowing: Vec<_> = statements.into_iter().flat_map(list).filter(|one| one["Effect"] == "Allow").collect();
    ensure!(allowing.len() > 30, "only {} statements found", allowing.len());
    for statement in allowing {
        ensure!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{statement}");
        ensure!(!list(&statement["Action"]).iter().any(|action| action.to_string().contains('*')), "{statement}");
        let excused = statement["Sid"].as_str().is_some_and(|sid| WITHOUT_RESOURCES.contains(&sid));
        ensure!(excused || !list(&statement["Resource"]).contains(&&json!("*")), "{statement}");
        ensure!(!statement["Principal"].to_string().contains('*'), "{statement}");
    }
    Ok(())
}

async fn each_role_is_for_one_service(context: Arc<Context>) -> Result<()> {
    let roles = roles(&context).await?;
    let expected = [
        ("Collect", "lambda"),
        ("StartCrawler", "lambda"),
        ("RunQuery", "lambda"),
        ("ExportCsv", "lambda"),
        ("Delivery", "firehose"),
        ("Crawler", "glue"),
        ("Pipeline", "states"),
        ("Watch", "states"),
        ("Schedule", "scheduler"),
    ];
    ensure!(list(&roles).len() == expected.len(), "{roles}");
    for (name, service) in expected {
        let trust = list(&role(&roles, name)?["AssumeRolePolicyDocument"]["Statement"]).first().copied().cloned();
        let trust = trust.with_context(|| format!("{name} trusts nobody"))?;
        ensure!(trust["Principal"] == json!({"Service": format!("{service}.amazonaws.com")}), "{name}: {trust}");
    }
    Ok(())
}

async fn the_state_machines_may_do_what_their_states_do(context: Arc<Context>) -> Result<()> {
    let roles = roles(&context).await?;
    for (output, name) in [("StateMachineArn", "Pipeline"), ("WatchArn", "Watch")] {
        let machine = context.stack.cloud.output(output)?;
        let described =
            aws(&context, &["stepfunctions", "describe-state-machine", "--state-machine-arn", machine]).await?;
        let definition: Value = serde_json::from_str(described["definition"].as_str().unwrap_or_default())?;
        let states = definition["States"].as_object().context("no states")?;
        let tasks = states.values().filter(|state| state["Type"] == "Task");
        let needs = tasks.map(|task| need(&context, task)).collect::<Result<BTreeSet<_>>>()?;
        let may: BTreeSet<_> = allowed(role(&roles, name)?).into_iter().filter(|(_, on)| on != "*").collect();
        ensure!(needs == may, "{name}: {:?}", needs.symmetric_difference(&may).collect::<Vec<_>>());
    }
    Ok(())
}

/// The action of a Task state, and on what.
fn need(context: &Context, task: &Value) -> Result<(String, String)> {
    let cloud = &context.stack.cloud;
    let text = |name: &str| task["Arguments"][name].as_str().unwrap_or_default().to_owned();
    let arn = |rest: String| format!("arn:aws:{}", rest.replacen("::", &format!(":{}:000000000000:", cloud.region), 1));
    let resource = task["Resource"].as_str().unwrap_or_default();
    let (action, on) = match resource.trim_start_matches("arn:aws:states:::") {
        "lambda:invoke" => ("lambda:InvokeFunction", text("FunctionName")),
        "sns:publish" => ("sns:Publish", text("TopicArn")),
        "aws-sdk:glue:getCrawler" => ("glue:GetCrawler", arn(format!("glue::crawler/{}", text("Name")))),
        "aws-sdk:athena:getQueryExecution" => {
            ("athena:GetQueryExecution", arn(format!("athena::workgroup/{}", cloud.output("WorkGroup")?)))
        }
        "aws-sdk:sfn:listExecutions" => ("states:ListExecutions", text("StateMachineArn")),
        other => anyhow::bail!("it is not known here what {other} needs"),
    };
    Ok((action.to_owned(), on))
}

async fn the_schedules_may_start_what_they_start(context: Arc<Context>) -> Result<()> {
    let schedules = aws(&context, &["scheduler", "list-schedules"]).await?;
    let started = list(&schedules["Schedules"]).into_iter().filter_map(|one| one["Target"]["Arn"].as_str());
    let mut needs: BTreeSet<_> = started.map(|arn| ("states:StartExecution".to_owned(), arn.to_owned())).collect();
    ensure!(needs.len() == 2, "{schedules}");
    let missed =
        format!("arn:aws:sqs:{}:000000000000:{}-missed-runs", context.stack.cloud.region, context.stack.cloud.stack);
    needs.insert(("sqs:SendMessage".to_owned(), missed));
    let may = allowed(role(&roles(&context).await?, "Schedule")?);
    ensure!(needs == may, "{may:?}");
    Ok(())
}

async fn only_firehose_writes_to_the_lake_and_the_crawler_only_reads_it(context: Arc<Context>) -> Result<()> {
    let roles = roles(&context).await?;
    let bucket = format!("arn:aws:s3:::{}", context.stack.cloud.output("DataBucket")?);
    let on = |name: &str, action: &str| -> Result<Vec<String>> {
        let all = allowed(role(&roles, name)?).into_iter().filter(|(one, _)| one == action);
        Ok(all.map(|(_, resource)| resource.replace(&bucket, "")).collect())
    };
    ensure!(on("Delivery", "s3:PutObject")? == ["/bars/*", "/errors/*"]);
    ensure!(on("Crawler", "s3:GetObject")? == ["/bars/*"]);
    for one in list(&roles) {
        let name = one["RoleName"].as_str().unwrap_or_default();
        for (action, resource) in allowed(one) {
            ensure!(!action.starts_with("s3:Delete") && !action.starts_with("iam:"), "{name} may {action}");
            let writes = action == "s3:PutObject" && resource.contains("/bars/");
            ensure!(!writes || name.contains("Delivery"), "{name} may write to the lake");
            let other = action.starts_with("s3:") && !resource.starts_with(&bucket);
            ensure!(!other, "{name} may {action} on {resource}");
        }
    }
    Ok(())
}

async fn the_api_is_throttled_logged_and_closed_to_browsers_and_strangers(context: Arc<Context>) -> Result<()> {
    let template = template(&context).await?;
    let of = |kind: &str| -> Vec<Value> {
        let all = template["Resources"].as_object().into_iter().flat_map(|all| all.values());
        all.filter(|one| one["Type"] == format!("AWS::ApiGatewayV2::{kind}"))
            .map(|one| one["Properties"].clone())
            .collect()
    };
    let (apis, stages, routes) = (of("Api"), of("Stage"), of("Route"));
    ensure!(apis.len() == 1 && stages.len() == 1 && !routes.is_empty());
    ensure!(apis.iter().all(|api| api["CorsConfiguration"].is_null()), "{apis:?}");
    ensure!(routes.iter().all(|route| route["AuthorizationType"] == "AWS_IAM"), "{routes:?}");
    for stage in stages {
        let limit = |name: &str| stage["DefaultRouteSettings"][name].as_u64().is_some_and(|limit| limit <= 10);
        ensure!(limit("ThrottlingRateLimit") && limit("ThrottlingBurstLimit"), "{stage}");
        ensure!(stage["AccessLogSettings"]["DestinationArn"].is_object(), "{stage}");
    }
    Ok(())
}

async fn aws(context: &Context, args: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&context.tools.aws(&context.stack.cloud, args).await?)?)
}

/// `template.yaml` with its short functions written out; the AWS CLI's own reader does it.
pub async fn template(context: &Context) -> Result<Value> {
    let read = "import json\nfrom awscli.customizations.cloudformation.yamlhelper import yaml_parse\n\
                print(json.dumps(yaml_parse(open('template.yaml').read())))";
    let run = context.tools.python(read, &[]).await?;
    serde_json::from_str(&run.text).with_context(|| run.text)
}

/// The stack's roles with their policies, as they are deployed.
async fn roles(context: &Context) -> Result<Value> {
    let details = aws(context, &["iam", "get-account-authorization-details", "--filter", "Role"]).await?;
    Ok(details["RoleDetailList"].clone())
}

/// The role that the template calls `<name>Role`.
pub fn role<'a>(roles: &'a Value, name: &str) -> Result<&'a Value> {
    let part = format!("-{name}Role-");
    let found = list(roles).into_iter().find(|one| one["RoleName"].as_str().is_some_and(|name| name.contains(&part)));
    found.with_context(|| format!("no {name}Role among {roles}"))
}

/// Every pair of action and resource that a role's policies allow.
fn allowed(role: &Value) -> BTreeSet<(String, String)> {
    let documents = list(&role["RolePolicyList"]).into_iter().map(|policy| &policy["PolicyDocument"]);
    let mut pairs = BTreeSet::new();
    for statement in documents.flat_map(|document| list(&document["Statement"])) {
        for action in list(&statement["Action"]) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            pairs.extend(list(&statement["Resource"]).into_iter().map(|resource| (text(action), text(resource))));
        }
    }
    pairs
}

/// The items of a list, or the one thing that stands in its place.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Everything under `key`, however deep.
fn find<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get(key));
            map.values().for_each(|inner| find(inner, key, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| find(inner, key, found)),
        _ => {}
    }
}
