//! What the policies say, where the local cloud does not enforce them: the roles of services other than Lambda, and
//! statements that apply only with a customer managed key. As deployed, or as in `template.yaml`.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Tools, deployed_roles, find_all, find_role, list};
use local::LocalCloud;
use serde_json::{Value, json};

use crate::{Context, trials};

trials![
    no_statement_allows_every_action_or_resource,
    each_role_trusts_one_service,
    state_machine_roles_allow_exactly_what_the_states_do,
    the_schedule_role_allows_exactly_what_the_schedules_do,
    only_firehose_writes_to_the_lake_and_the_crawler_only_reads_it,
    the_api_is_throttled_logged_and_authorized_without_cors,
];

/// The statements that may allow every resource, since their actions do not support resource-level permissions.
const WITHOUT_RESOURCES: [&str; 2] = ["LogDelivery", "Tracing"];

async fn no_statement_allows_every_action_or_resource(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
    let statements = find_all(&template, "Statement").into_iter().flat_map(list);
    let allowing: Vec<_> = statements.filter(|statement| statement["Effect"] == "Allow").collect();
    ensure!(allowing.len() > 30, "only {} statements found", allowing.len());
    for statement in allowing {
        ensure!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{statement}");
        ensure!(!list(&statement["Action"]).iter().any(|action| action.to_string().contains('*')), "{statement}");
        let is_excepted = statement["Sid"].as_str().is_some_and(|sid| WITHOUT_RESOURCES.contains(&sid));
        ensure!(is_excepted || !list(&statement["Resource"]).contains(&&json!("*")), "{statement}");
        ensure!(!statement["Principal"].to_string().contains('*'), "{statement}");
    }
    Ok(())
}

async fn each_role_trusts_one_service(context: Arc<Context>) -> Result<()> {
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
        let trust = list(&find_role(&roles, name)?["AssumeRolePolicyDocument"]["Statement"]).first().copied().cloned();
        let trust = trust.with_context(|| format!("{name} trusts no service"))?;
        ensure!(trust["Principal"] == json!({"Service": format!("{service}.amazonaws.com")}), "{name}: {trust}");
    }
    Ok(())
}

async fn state_machine_roles_allow_exactly_what_the_states_do(context: Arc<Context>) -> Result<()> {
    let cloud = &context.stack.cloud;
    allows_exactly_what_the_states_do(&context.tools, cloud, "StateMachineArn", "Pipeline").await?;
    allows_exactly_what_the_states_do(&context.tools, cloud, "WatchArn", "Watch").await
}

/// What `Live` adds, on a stack that has it.
pub async fn roles_of_live_allow_exactly_what_is_done(tools: &Tools, cloud: &LocalCloud) -> Result<()> {
    allows_exactly_what_the_states_do(tools, cloud, "LiveStateMachineArn", "Live").await?;
    let roles = deployed_roles(tools, cloud).await?;
    let queue = format!("arn:aws:sqs:{}:000000000000:{}-missed-ticks", cloud.region, cloud.stack);
    let schedule = [("states:StartExecution", cloud.output("LiveStateMachineArn")?), ("sqs:SendMessage", &queue)];
    let bucket = format!("arn:aws:s3:::{}", cloud.output("DataBucket")?);
    let [bars, errors] = ["bars", "errors"].map(|folder| format!("{bucket}/{folder}/*"));
    let logs =
        format!("arn:aws:logs:{}:000000000000:log-group:/aws/kinesisfirehose/{}-live:*", cloud.region, cloud.stack);
    let mut delivery = vec![("logs:PutLogEvents", logs.as_str())];
    let stream = cloud.output("LiveStreamArn")?;
    let reads = ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"];
    delivery.extend(reads.map(|action| (action, stream)));
    let lists = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"];
    delivery.extend(lists.map(|action| (action, bucket.as_str())));
    for folder in [&bars, &errors] {
        let writes = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"];
        delivery.extend(writes.map(|action| (action, folder.as_str())));
    }
    for (name, required) in [("LiveSchedule", schedule.to_vec()), ("LiveDelivery", delivery)] {
        let required: BTreeSet<_> =
            required.into_iter().map(|(action, on)| (action.to_owned(), on.to_owned())).collect();
        let allowed = allowed_permissions(find_role(&roles, name)?);
        ensure!(required == allowed, "{name}: {:?}", required.symmetric_difference(&allowed).collect::<Vec<_>>());
    }
    Ok(())
}

async fn allows_exactly_what_the_states_do(tools: &Tools, cloud: &LocalCloud, output: &str, name: &str) -> Result<()> {
    let machine = cloud.output(output)?;
    let describe = ["stepfunctions", "describe-state-machine", "--state-machine-arn", machine];
    let described = tools.aws(cloud, &describe).await?;
    let definition: Value = serde_json::from_str(described["definition"].as_str().unwrap_or_default())?;
    let states = definition["States"].as_object().context("no states")?;
    let tasks = states.values().filter(|state| state["Type"] == "Task");
    let required = tasks.map(|task| required_permissions(cloud, task)).collect::<Result<Vec<_>>>()?;
    let required: BTreeSet<_> = required.into_iter().flatten().collect();
    let roles = deployed_roles(tools, cloud).await?;
    let allowed = allowed_permissions(find_role(&roles, name)?);
    let allowed: BTreeSet<_> = allowed.into_iter().filter(|(_, on)| on != "*").collect();
    ensure!(required == allowed, "{name}: {:?}", required.symmetric_difference(&allowed).collect::<Vec<_>>());
    Ok(())
}

/// The actions and the resources that a Task state needs permission for.
fn required_permissions(cloud: &LocalCloud, task: &Value) -> Result<Vec<(String, String)>> {
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
        "aws-sdk:sfn:listExecutions" => {
            // The arguments are an expression where a page has a token and the first has none.
            let arguments = task["Arguments"].as_str().unwrap_or_default();
            let machine = arguments.split("'StateMachineArn': '").nth(1).and_then(|rest| rest.split('\'').next());
            let of_its_own = text("StateMachineArn") == "{% $states.context.StateMachine.Id %}";
            let machine = if of_its_own { Some(cloud.output("LiveStateMachineArn")?) } else { machine };
            ("states:ListExecutions", machine.unwrap_or_default().to_owned())
        }
        "aws-sdk:sfn:describeExecution" => {
            let executions = cloud.output("StateMachineArn")?.replacen(":stateMachine:", ":execution:", 1) + ":*";
            ("states:DescribeExecution", executions)
        }
        // https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        "aws-sdk:glue:getTable" | "aws-sdk:glue:createPartition" => {
            let action = if resource.ends_with("getTable") { "glue:GetTable" } else { "glue:CreatePartition" };
            let (database, table) = (cloud.output("DatabaseName")?, cloud.output("TableName")?);
            let on = ["catalog".to_owned(), format!("database/{database}"), format!("table/{database}/{table}")];
            return Ok(on.map(|on| (action.to_owned(), arn(format!("glue::{on}")))).to_vec());
        }
        other => anyhow::bail!("add the permission that {other} needs"),
    };
    Ok(vec![(action.to_owned(), on)])
}

async fn the_schedule_role_allows_exactly_what_the_schedules_do(context: Arc<Context>) -> Result<()> {
    let schedules = context.aws(&["scheduler", "list-schedules"]).await?;
    let started = list(&schedules["Schedules"]).into_iter().filter_map(|one| one["Target"]["Arn"].as_str());
    let mut required: BTreeSet<_> = started.map(|arn| ("states:StartExecution".to_owned(), arn.to_owned())).collect();
    ensure!(required.len() == 2, "{schedules}");
    let missed =
        format!("arn:aws:sqs:{}:000000000000:{}-missed-runs", context.stack.cloud.region, context.stack.cloud.stack);
    required.insert(("sqs:SendMessage".to_owned(), missed));
    let allowed = allowed_permissions(find_role(&roles(&context).await?, "Schedule")?);
    ensure!(required == allowed, "{allowed:?}");
    Ok(())
}

async fn only_firehose_writes_to_the_lake_and_the_crawler_only_reads_it(context: Arc<Context>) -> Result<()> {
    let roles = roles(&context).await?;
    let bucket = format!("arn:aws:s3:::{}", context.stack.cloud.output("DataBucket")?);
    let on = |name: &str, action: &str| -> Result<Vec<String>> {
        let all = allowed_permissions(find_role(&roles, name)?).into_iter().filter(|(one, _)| one == action);
        Ok(all.map(|(_, resource)| resource.replace(&bucket, "")).collect())
    };
    ensure!(on("Delivery", "s3:PutObject")? == ["/bars/*", "/errors/*"]);
    ensure!(on("Crawler", "s3:GetObject")? == ["/bars/*"]);
    for role in list(&roles) {
        let name = role["RoleName"].as_str().unwrap_or_default();
        for (action, resource) in allowed_permissions(role) {
            ensure!(!action.starts_with("s3:Delete") && !action.starts_with("iam:"), "{name} may {action}");
            let writes = action == "s3:PutObject" && resource.contains("/bars/");
            ensure!(!writes || name.contains("Delivery"), "{name} may write to the lake");
            let other = action.starts_with("s3:") && !resource.starts_with(&bucket);
            ensure!(!other, "{name} may {action} on {resource}");
        }
    }
    Ok(())
}

async fn the_api_is_throttled_logged_and_authorized_without_cors(context: Arc<Context>) -> Result<()> {
    let template = context.tools.template().await?;
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

async fn roles(context: &Context) -> Result<Value> {
    deployed_roles(&context.tools, &context.stack.cloud).await
}

/// Every pair of action and resource that a role's policies allow.
fn allowed_permissions(role: &Value) -> BTreeSet<(String, String)> {
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
