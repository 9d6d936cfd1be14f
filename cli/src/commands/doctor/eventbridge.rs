//! The rules that alert of what the pipeline does not report by itself.

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, wrong},
};

/// Whether a rule is enabled, and notifies the topic of alerts.
pub async fn rule(deployment: &Deployment, suffix: &str) -> Outcome {
    let name = format!("{}-{suffix}", deployment.stack);
    let what = format!("the rule {name}");
    let client = &deployment.clients.eventbridge;
    let call = client.describe_rule().name(&name).send().await;
    let found = call.map_err(|error| failed("events:DescribeRule", &what, &error))?;
    is_enabled(&name, found.state().map(|state| state.as_str()))?;
    let call = client.list_targets_by_rule().rule(&name).send().await;
    let response = call.map_err(|error| failed("events:ListTargetsByRule", &what, &error))?;
    let targets: Vec<_> = response.targets().iter().map(|target| target.arn()).collect();
    notifies(&name, &targets, deployment.output("AlertsArn")?)
}

fn is_enabled(name: &str, state: Option<&str>) -> Result<(), NotOk> {
    match state {
        // The other state of an enabled rule is ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS.
        Some(state) if !state.starts_with("ENABLED") => Err(wrong(
            format!("the rule {name} is {state}, so it alerts of nothing"),
            format!("enable it: aws events enable-rule --name {name}"),
        )),
        _ => Ok(()),
    }
}

fn notifies(name: &str, targets: &[&str], topic: &str) -> Outcome {
    if targets.contains(&topic) {
        return Ok("ENABLED, notifies the topic of alerts".to_owned());
    }
    Err(wrong(
        format!("the rule {name} does not notify {topic}"),
        format!(
            "deploy this version's template.yaml; if it is deployed, the rule was changed by hand, so set it back: \
             aws events put-targets --rule {name} --targets Id=alerts,Arn={topic}"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_enabled_and_has_the_topic_as_a_target() {
        for (state, targets, expected) in [
            (Some("ENABLED"), vec!["other", "alerts"], None),
            (Some("ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"), vec!["alerts"], None),
            (None, vec!["alerts"], None),
            (Some("DISABLED"), vec!["alerts"], Some("aws events enable-rule --name r")),
            (Some("ENABLED"), vec!["other"], Some("aws events put-targets --rule r --targets Id=alerts,Arn=alerts")),
            (Some("ENABLED"), vec![], Some("aws events put-targets --rule r --targets Id=alerts,Arn=alerts")),
        ] {
            let found = is_enabled("r", state).and_then(|()| notifies("r", &targets, "alerts"));
            match (&found, expected) {
                (Ok(_), None) => {}
                (Err(NotOk::Wrong { fix, .. }), Some(command)) => assert!(fix.ends_with(command), "{fix}"),
                _ => unreachable!("{state:?} {targets:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_rules_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        for suffix in ["run-did-not-succeed", "records-not-delivered"] {
            assert!(template.contains(&format!("      Name: !Sub ${{AWS::StackName}}-{suffix}\n")), "{suffix}");
        }
    }
}
