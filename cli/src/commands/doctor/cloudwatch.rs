//! The alarms.

use aws_sdk_cloudwatch::types::MetricAlarm;

use super::{
    deployment::Deployment,
    outcome::{GONE, NotOk, Outcome, failed, wrong},
};

/// Whether an alarm exists, notifies the topic of alerts, and is not in ALARM.
pub async fn alarm(deployment: &Deployment, suffix: &str) -> Outcome {
    let name = format!("{}-{suffix}", deployment.stack);
    let call = deployment.clients.cloudwatch.describe_alarms().alarm_names(&name).send().await;
    let what = format!("the alarm {name}");
    let response = call.map_err(|error| failed("cloudwatch:DescribeAlarms", &what, &error))?;
    let Some(alarm) = response.metric_alarms().first() else {
        return Err(wrong(format!("{what} does not exist"), GONE));
    };
    notifies(&name, alarm, deployment.output("AlertsArn")?)?;
    match alarm.state_value().map(|state| state.as_str()) {
        Some("ALARM") => Err(wrong(
            format!("it is in ALARM: {}", alarm.state_reason().unwrap_or("no reason was given")),
            alarm.alarm_description().unwrap_or("see the section on alerts in docs/runbook.md"),
        )),
        // Without data it is INSUFFICIENT_DATA until its first period has passed.
        state => Ok(format!("not in ALARM ({})", state.unwrap_or("OK"))),
    }
}

/// Whether the alarm has the topic among its actions, and its actions are enabled.
fn notifies(name: &str, alarm: &MetricAlarm, topic: &str) -> Result<(), NotOk> {
    if !alarm.alarm_actions().iter().any(|action| action == topic) {
        return Err(wrong(
            format!("the alarm {name} does not notify {topic}"),
            format!(
                "deploy this version's template.yaml; if it is deployed, the alarm was changed by hand, so choose that \
                 topic as an action of {name} in CloudWatch"
            ),
        ));
    }
    if alarm.actions_enabled() == Some(false) {
        let fix = format!("enable its actions: aws cloudwatch enable-alarm-actions --alarm-names {name}");
        return Err(wrong(format!("the actions of the alarm {name} are disabled, so it notifies nobody"), fix));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_has_the_topic_among_its_actions_and_they_are_enabled() {
        for (actions, enabled, expected) in [
            (vec!["a", "alerts"], Some(true), None),
            (vec!["alerts"], None, None),
            (vec!["alerts"], Some(false), Some("aws cloudwatch enable-alarm-actions --alarm-names late")),
            (vec!["other"], Some(true), Some("as an action of late")),
            (vec![], Some(false), Some("as an action of late")),
        ] {
            let actions = actions.into_iter().map(str::to_owned).collect();
            let alarm = MetricAlarm::builder().set_alarm_actions(Some(actions)).set_actions_enabled(enabled).build();
            match (notifies("late", &alarm, "alerts"), expected) {
                (Ok(()), None) => {}
                (Err(NotOk::Wrong { fix, .. }), Some(expected)) => assert!(fix.contains(expected), "{fix}"),
                other => unreachable!("{alarm:?}: {other:?}"),
            }
        }
    }
}
