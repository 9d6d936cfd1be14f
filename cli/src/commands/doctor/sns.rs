//! The topics, and whether their subscribers have confirmed.

use aws_sdk_sns::types::Subscription;

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, wrong},
};

/// What a pending subscription has in place of its ARN, and the attribute that says so where it has one.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>
const PENDING: &str = "PendingConfirmation";

/// Whether everybody who is to be notified has confirmed.
pub async fn subscriptions(deployment: &Deployment, output: &str) -> Outcome {
    let arn = deployment.output(output)?;
    let email = deployment.parameter("NotificationEmail")?;
    let what = format!("the topic {}", arn.rsplit(':').next().unwrap_or(arn));
    let call = deployment.clients.sns.list_subscriptions_by_topic().topic_arn(arn).send().await;
    let response = call.map_err(|error| failed("sns:ListSubscriptionsByTopic", &what, &error))?;
    let (mut confirmed, mut pending) = (Vec::new(), Vec::new());
    for subscription in response.subscriptions() {
        let endpoint = subscription.endpoint().unwrap_or_default().to_owned();
        if is_pending(deployment, subscription).await? { pending.push(endpoint) } else { confirmed.push(endpoint) }
    }
    if !pending.is_empty() {
        return Err(wrong(
            format!("not confirmed by {}", pending.join(", ")),
            format!("open the link in the message that AWS sent there, or subscribe again to {what}"),
        ));
    }
    match (confirmed.is_empty(), email.is_empty()) {
        (true, true) => Ok("nobody is subscribed; the parameter NotificationEmail subscribes an address".to_owned()),
        (true, false) => Err(wrong(
            format!("{email} is not subscribed: the subscription was deleted, or the link in a message was followed"),
            format!(
                "subscribe it again: aws sns subscribe --topic-arn {arn} --protocol email --notification-endpoint {email}"
            ),
        )),
        _ => Ok(format!("confirmed by {}", confirmed.join(", "))),
    }
}

async fn is_pending(deployment: &Deployment, subscription: &Subscription) -> Result<bool, NotOk> {
    let arn = subscription.subscription_arn().unwrap_or(PENDING);
    if !arn.starts_with("arn:") {
        return Ok(true);
    }
    let call = deployment.clients.sns.get_subscription_attributes().subscription_arn(arn).send().await;
    let response = call.map_err(|error| failed("sns:GetSubscriptionAttributes", "a subscription", &error))?;
    Ok(response.attributes().and_then(|attributes| attributes.get(PENDING)).is_some_and(|pending| pending == "true"))
}
