//! What the roles may do, by a simulation of their policies. It also finds what a permissions boundary forbids.

use aws_sdk_iam::types::PolicyEvaluationDecisionType::Allowed;

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, unless_any},
};
use crate::output::format::pluralize;

/// What a role has to be allowed; a test compares the actions with template.yaml.
pub struct Role {
    /// Its logical name in the template.
    logical: &'static str,
    /// Actions, and an example of a resource as [`Deployment::expand`] takes it.
    needs: &'static [(&'static [&'static str], &'static str)],
}

pub const COLLECT: Role = Role {
    logical: "CollectRole",
    needs: &[
        (&["firehose:PutRecordBatch"], "arn:{partition}:firehose:{region}:{account}:deliverystream/{DeliveryStream}"),
        (&["s3:ListBucket"], BUCKET),
        (&["s3:GetObject"], "arn:{partition}:s3:::{DataBucket}/lists/a-list"),
        (
            &["s3:GetObject", "s3:PutObject"],
            "arn:{partition}:s3:::{DataBucket}/runs/trade_date=2026-11-20/a-run/symbols.jsonl",
        ),
        (
            &["secretsmanager:GetSecretValue"],
            "arn:{partition}:secretsmanager:{region}:{account}:secret:{param:AlpacaSecret}-AbCdEf",
        ),
        (WRITE_LOG, "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{CollectFunction}:log-stream:s"),
    ],
};

pub const START_CRAWLER: Role = Role {
    logical: "StartCrawlerRole",
    needs: &[
        (&["glue:StartCrawler"], "arn:{partition}:glue:{region}:{account}:crawler/{CrawlerName}"),
        (
            WRITE_LOG,
            "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{StartCrawlerFunction}:log-stream:s",
        ),
    ],
};

pub const RUN_QUERY: Role = Role {
    logical: "RunQueryRole",
    needs: &[
        (&["athena:StartQueryExecution"], "arn:{partition}:athena:{region}:{account}:workgroup/{WorkGroup}"),
        (&["glue:GetTable", "glue:GetPartitions"], TABLE),
        (&["s3:GetBucketLocation", "s3:ListBucket"], BUCKET),
        (&["s3:GetObject"], "arn:{partition}:s3:::{DataBucket}/bars/an-object"),
        (&["s3:GetObject", "s3:PutObject"], "arn:{partition}:s3:::{DataBucket}/results/an-object"),
        (WRITE_LOG, "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{RunQueryFunction}:log-stream:s"),
    ],
};

pub const EXPORT_CSV: Role = Role {
    logical: "ExportCsvRole",
    needs: &[
        (&["s3:GetObject"], "arn:{partition}:s3:::{DataBucket}/results/an-object"),
        (&["s3:GetObject", "s3:PutObject"], "arn:{partition}:s3:::{DataBucket}/runs/an-object"),
        (&["s3:GetObject", "s3:PutObject"], "arn:{partition}:s3:::{DataBucket}/exports/an-object"),
        (WRITE_LOG, "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{ExportCsvFunction}:log-stream:s"),
    ],
};

pub const DELIVERY: Role = Role {
    logical: "DeliveryRole",
    needs: &[
        (&["s3:GetBucketLocation", "s3:ListBucket"], BUCKET),
        (&["s3:PutObject", "s3:AbortMultipartUpload"], "arn:{partition}:s3:::{DataBucket}/bars/an-object"),
        (&["s3:PutObject"], "arn:{partition}:s3:::{DataBucket}/errors/an-object"),
    ],
};

pub const CRAWLER: Role = Role {
    logical: "CrawlerRole",
    needs: &[
        (&["s3:GetBucketLocation", "s3:ListBucket"], BUCKET),
        (&["s3:GetObject"], "arn:{partition}:s3:::{DataBucket}/bars/an-object"),
        (&["glue:GetTable", "glue:UpdateTable", "glue:GetPartitions", "glue:BatchCreatePartition"], TABLE),
    ],
};

pub const PIPELINE: Role = Role {
    logical: "PipelineRole",
    needs: &[
        (&["lambda:InvokeFunction"], "arn:{partition}:lambda:{region}:{account}:function:{CollectFunction}"),
        (&["lambda:InvokeFunction"], "arn:{partition}:lambda:{region}:{account}:function:{StartCrawlerFunction}"),
        (&["lambda:InvokeFunction"], "arn:{partition}:lambda:{region}:{account}:function:{RunQueryFunction}"),
        (&["lambda:InvokeFunction"], "arn:{partition}:lambda:{region}:{account}:function:{ExportCsvFunction}"),
        (&["glue:GetCrawler"], "arn:{partition}:glue:{region}:{account}:crawler/{CrawlerName}"),
        (&["athena:GetQueryExecution"], "arn:{partition}:athena:{region}:{account}:workgroup/{WorkGroup}"),
        (&["sns:Publish"], "{TopicArn}"),
    ],
};

pub const WATCH: Role = Role {
    logical: "WatchRole",
    needs: &[
        (&["states:ListExecutions"], "{StateMachineArn}"),
        (&["states:DescribeExecution"], "arn:{partition}:states:{region}:{account}:execution:{stack}-pipeline:a-run"),
    ],
};

pub const SCHEDULE: Role = Role {
    logical: "ScheduleRole",
    needs: &[
        (&["states:StartExecution"], "{StateMachineArn}"),
        (&["states:StartExecution"], "{WatchArn}"),
        (&["sqs:SendMessage"], "arn:{partition}:sqs:{region}:{account}:{stack}-missed-runs"),
    ],
};

/// What [`COLLECT`] needs besides, with `Live`.
pub const COLLECT_LIVE: Role = Role { logical: "CollectRole", needs: &[(&["kinesis:PutRecords"], "{LiveStreamArn}")] };

pub const LIVE_DELIVERY: Role = Role {
    logical: "LiveDeliveryRole",
    needs: &[
        (
            &["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"],
            "{LiveStreamArn}",
        ),
        (&["s3:GetBucketLocation", "s3:ListBucket"], BUCKET),
        (&["s3:PutObject", "s3:AbortMultipartUpload"], "arn:{partition}:s3:::{DataBucket}/bars/an-object"),
        (&["s3:PutObject"], "arn:{partition}:s3:::{DataBucket}/errors/an-object"),
    ],
};

pub const LIVE: Role = Role {
    logical: "LiveRole",
    needs: &[
        (&["states:ListExecutions"], "{LiveStateMachineArn}"),
        (&["lambda:InvokeFunction"], "arn:{partition}:lambda:{region}:{account}:function:{CollectFunction}"),
        (&["glue:GetTable", "glue:CreatePartition"], TABLE),
    ],
};

pub const LIVE_SCHEDULE: Role = Role {
    logical: "LiveScheduleRole",
    needs: &[
        (&["states:StartExecution"], "{LiveStateMachineArn}"),
        (&["sqs:SendMessage"], "arn:{partition}:sqs:{region}:{account}:{stack}-missed-ticks"),
    ],
};

const WRITE_LOG: &[&str] = &["logs:CreateLogStream", "logs:PutLogEvents"];
const BUCKET: &str = "arn:{partition}:s3:::{DataBucket}";
const TABLE: &str = "arn:{partition}:glue:{region}:{account}:table/{DatabaseName}/{TableName}";

/// How many denials are listed: a role without its policy has one for each of its needs.
const SHOWN: usize = 2;

/// Whether the role may do what it has to.
pub async fn role(deployment: &Deployment, role: &Role) -> Outcome {
    let name = physical_name(deployment, role.logical).await?;
    let what = format!("the role {name}");
    let arn = deployment.expand("arn:{partition}:iam::{account}:role/")? + &name;
    let (mut denied, mut count) = (Vec::new(), 0);
    for (actions, resource) in role.needs {
        let resource = deployment.expand(resource)?;
        let call = deployment.clients.iam.simulate_principal_policy().policy_source_arn(&arn);
        let call = call.set_action_names(Some(actions.iter().map(|action| (*action).to_owned()).collect()));
        let call = call.resource_arns(&resource).send().await;
        let response = call.map_err(|error| failed("iam:SimulatePrincipalPolicy", &what, &error))?;
        let results = response.evaluation_results();
        count += results.len();
        let denials = results.iter().filter(|result| *result.eval_decision() != Allowed);
        let denials: Vec<_> = denials.map(|result| result.eval_action_name()).collect();
        if !denials.is_empty() {
            denied.push(format!("it may not {} on {resource}", denials.join(" or ")));
        }
    }
    if denied.len() > SHOWN {
        let more = denied.len() - SHOWN;
        denied.truncate(SHOWN);
        denied.push(format!("and {more} more"));
    }
    let fix = format!(
        "deploy this version's template.yaml; if it is deployed, a policy of {name} was changed by hand, or a \
         permissions boundary or a policy of the organization forbids it"
    );
    unless_any(denied, fix, format!("{name} may do what it has to ({} simulated)", pluralize(count, "call")))
}

/// The name under which CloudFormation created the role.
async fn physical_name(deployment: &Deployment, logical: &str) -> Result<String, NotOk> {
    let call = deployment.clients.cloudformation.describe_stack_resource();
    let call = call.stack_name(&deployment.stack).logical_resource_id(logical).send().await;
    let response =
        call.map_err(|error| failed("cloudformation:DescribeStackResource", &format!("the role {logical}"), &error))?;
    let name = response.stack_resource_detail().and_then(|detail| detail.physical_resource_id());
    name.map(str::to_owned).ok_or_else(|| NotOk::Skipped(format!("the stack has no resource {logical}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_one_that_the_template_allows() {
        let template = include_str!("../../../../template.yaml");
        let live = [LIVE_DELIVERY, LIVE, LIVE_SCHEDULE, Role { logical: "LiveCollectPolicy", ..COLLECT_LIVE }];
        let daily = [COLLECT, START_CRAWLER, RUN_QUERY, EXPORT_CSV, DELIVERY, CRAWLER, PIPELINE, WATCH, SCHEDULE];
        for Role { logical, needs } in daily.into_iter().chain(live) {
            let (_, after) = template.split_once(&format!("\n  {logical}:\n")).unwrap_or_default();
            let role = after.split("\n\n").next().unwrap_or_default();
            for action in needs.iter().flat_map(|(actions, _)| *actions) {
                assert!(role.contains(action), "{logical}: {action}");
            }
        }
    }
}
