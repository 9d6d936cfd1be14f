//! The alarms.

use super::{
    deployment::Deployment,
    outcome::{GONE, Outcome, failed, wrong},
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
    let topic = deployment.output("AlertsArn")?;
    if alarm.actions_enabled() == Some(false) || !alarm.alarm_actions().iter().any(|action| action == topic) {
        let fix = format!("enable its actions: aws cloudwatch enable-alarm-actions --alarm-names {name}");
        return Err(wrong(format!("{what} notifies nobody"), fix));
    }
    match alarm.state_value().map(|state| state.as_str()) {
        Some("ALARM") => Err(wrong(
            format!("it is in ALARM: {}", alarm.state_reason().unwrap_or("no reason was given")),
            alarm.alarm_description().unwrap_or("see the section on alerts in docs/runbook.md"),
        )),
        // Without data it is INSUFFICIENT_DATA until its first period has passed.
        state => Ok(format!("not in ALARM ({})", state.unwrap_or("OK"))),
    }
}
