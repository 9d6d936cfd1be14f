//! The topics, and whether their subscribers have confirmed.

use aws_sdk_sns::types::Subscription;

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, wrong},
};

/// What a pending subscription has in place of its ARN, and the attribute that says so where it has one.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>
const PENDING: &str = "PendingConfirmation";

/// What a subscription has in place of its ARN while SNS still lists it after its address has unsubscribed.
const DELETED: &str = "Deleted";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Confirmed,
    Pending,
    Deleted,
}

/// Whether everybody who is to be notified has confirmed.
pub async fn subscriptions(deployment: &Deployment, output: &str) -> Outcome {
    let arn = deployment.output(output)?;
    let email = deployment.parameter("NotificationEmail")?;
    let what = format!("the topic {}", arn.rsplit(':').next().unwrap_or(arn));
    let pages = deployment.clients.sns.list_subscriptions_by_topic().topic_arn(arn).into_paginator();
    let listed = pages.items().send().collect::<Result<Vec<_>, _>>().await;
    let mut subscribers = Vec::new();
    for subscription in listed.map_err(|error| failed("sns:ListSubscriptionsByTopic", &what, &error))? {
        let state = state(deployment, &subscription).await?;
        subscribers.push((subscription.endpoint.unwrap_or_default(), state));
    }
    verdict(&subscribers, email, arn)
}

async fn state(deployment: &Deployment, subscription: &Subscription) -> Result<State, NotOk> {
    let arn = subscription.subscription_arn().unwrap_or(PENDING);
    if !arn.starts_with("arn:") {
        return Ok(without_arn(arn));
    }
    let call = deployment.clients.sns.get_subscription_attributes().subscription_arn(arn).send().await;
    let response = call.map_err(|error| failed("sns:GetSubscriptionAttributes", "a subscription", &error))?;
    let pending = response.attributes().and_then(|attributes| attributes.get(PENDING));
    Ok(if pending.is_some_and(|pending| pending == "true") { State::Pending } else { State::Confirmed })
}

fn without_arn(text: &str) -> State {
    if text == DELETED { State::Deleted } else { State::Pending }
}

/// Whether `email`, where there is one, is among the confirmed subscribers of the topic, and nobody is pending.
fn verdict(subscribers: &[(String, State)], email: &str, topic: &str) -> Outcome {
    let in_state = |wanted: State| -> Vec<&str> {
        let found = subscribers.iter().filter(|(_, state)| *state == wanted);
        found.map(|(endpoint, _)| endpoint.as_str()).collect()
    };
    let (confirmed, pending) = (in_state(State::Confirmed), in_state(State::Pending));
    let is_listed = [&confirmed, &pending].into_iter().flatten().any(|endpoint| endpoint.eq_ignore_ascii_case(email));
    if !email.is_empty() && !is_listed {
        return Err(wrong(
            format!("{email} is not subscribed: the subscription was deleted, or the link in a message was followed"),
            format!(
                "subscribe it again: aws sns subscribe --topic-arn {topic} --protocol email \
                 --notification-endpoint {email}"
            ),
        ));
    }
    if !pending.is_empty() {
        return Err(wrong(
            format!("not confirmed by {}", pending.join(", ")),
            format!("open the link in the message that AWS sent there, or subscribe again to {topic}"),
        ));
    }
    if confirmed.is_empty() {
        return Ok("nobody is subscribed; the parameter NotificationEmail subscribes an address".to_owned());
    }
    Ok(format!("confirmed by {}", confirmed.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{State::*, *};

    #[test]
    fn the_address_of_the_stack_has_to_be_confirmed() {
        for (email, subscribers, expected) in [
            ("", vec![], "nobody is subscribed"),
            ("", vec![("a@b.c", Deleted)], "nobody is subscribed"),
            ("", vec![("d@e.f", Confirmed)], "confirmed by d@e.f"),
            ("a@b.c", vec![("a@b.c", Confirmed), ("d@e.f", Confirmed)], "confirmed by a@b.c, d@e.f"),
            ("A@b.c", vec![("a@b.c", Confirmed)], "confirmed by a@b.c"),
            ("a@b.c", vec![("a@b.c", Deleted), ("a@b.c", Confirmed)], "confirmed by a@b.c"),
            ("a@b.c", vec![("a@b.c", Pending)], "wrong: not confirmed by a@b.c"),
            ("a@b.c", vec![("a@b.c", Confirmed), ("d@e.f", Pending)], "wrong: not confirmed by d@e.f"),
            ("a@b.c", vec![], "wrong: a@b.c is not subscribed"),
            ("a@b.c", vec![("a@b.c", Deleted)], "wrong: a@b.c is not subscribed"),
            ("a@b.c", vec![("d@e.f", Confirmed)], "wrong: a@b.c is not subscribed"),
            ("a@b.c", vec![("d@e.f", Pending)], "wrong: a@b.c is not subscribed"),
        ] {
            let listed: Vec<_> = subscribers.iter().map(|(endpoint, state)| ((*endpoint).to_owned(), *state)).collect();
            let found = match verdict(&listed, email, "arn:aws:sns:eu-west-1:123456789012:fin-alerts") {
                Ok(detail) => detail,
                Err(NotOk::Wrong { problem, .. }) => format!("wrong: {problem}"),
                Err(NotOk::Skipped(reason)) => reason,
            };
            assert!(found.starts_with(expected), "{email:?} {subscribers:?}: {found}");
        }
    }

    #[test]
    fn a_subscription_without_an_arn_was_deleted_or_is_pending() {
        assert_eq!(without_arn("Deleted"), Deleted);
        assert_eq!(without_arn("PendingConfirmation"), Pending);
        assert_eq!(without_arn("pending confirmation"), Pending);
    }
}
