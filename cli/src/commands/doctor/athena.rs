//! The workgroup.

use super::{
    deployment::Deployment,
    outcome::{Outcome, failed, unless_any, wrong},
};

/// Whether the workgroup takes queries, and writes their results below `results/` of the data bucket.
pub async fn work_group(deployment: &Deployment) -> Outcome {
    let name = deployment.output("WorkGroup")?;
    let what = format!("the workgroup {name}");
    let call = deployment.clients.athena.get_work_group().work_group(name).send().await;
    let response = call.map_err(|error| failed("athena:GetWorkGroup", &what, &error))?;
    let group = response.work_group();
    let state = group.and_then(|group| group.state()).map(|state| state.as_str()).unwrap_or("ENABLED");
    if state != "ENABLED" {
        let fix = format!("enable it: aws athena update-work-group --work-group {name} --state ENABLED");
        return Err(wrong(format!("{what} is {state}"), fix));
    }
    let configuration = group.and_then(|group| group.configuration());
    let location = configuration.and_then(|configuration| configuration.result_configuration());
    let location = location.and_then(|result| result.output_location()).unwrap_or_default();
    let enforced = configuration.and_then(|configuration| configuration.enforce_work_group_configuration());
    let expected = deployment.expand("s3://{DataBucket}/results/")?;
    let mut problems = Vec::new();
    if location != expected {
        problems.push(format!("its result location is {location:?} and should be {expected}"));
    }
    if enforced == Some(false) {
        problems.push("it lets queries override its settings".to_owned());
    }
    unless_any(
        problems,
        "deploy this version's template.yaml, or set it back in Athena",
        format!("ENABLED, writes to {location}"),
    )
}
