//! The delivery stream.

use super::{
    deployment::Deployment,
    outcome::{Outcome, failed, unless_any, wrong},
};

/// The prefix of delivered objects, as in template.yaml.
const PREFIX: &str = "bars/trade_date=!{partitionKeyFromQuery:trade_date}/!{timestamp:yyyy}-";

/// Whether the stream takes records, and writes them below `bars/` of the data bucket.
pub async fn stream(deployment: &Deployment) -> Outcome {
    let name = deployment.output("DeliveryStream")?;
    let call = deployment.clients.firehose.describe_delivery_stream().delivery_stream_name(name).send().await;
    let what = format!("the delivery stream {name}");
    let response = call.map_err(|error| failed("firehose:DescribeDeliveryStream", &what, &error))?;
    let stream = response.delivery_stream_description();
    let status = stream.map(|stream| stream.delivery_stream_status().as_str()).unwrap_or_default();
    if status != "ACTIVE" {
        return Err(wrong(format!("{what} is {status}"), "wait if it is being created, otherwise deploy it anew"));
    }
    let destination = stream.and_then(|stream| stream.destinations().first());
    let destination = destination.and_then(|destination| destination.extended_s3_destination_description());
    let prefix = destination.and_then(|destination| destination.prefix()).unwrap_or_default();
    let bucket = destination.map(|destination| destination.bucket_arn()).unwrap_or_default();
    let mut problems = Vec::new();
    if prefix != PREFIX {
        problems.push(format!("its prefix is {prefix:?} and should be {PREFIX:?}"));
    }
    let expected = deployment.expand("arn:{partition}:s3:::{DataBucket}")?;
    if bucket != expected {
        problems.push(format!("its bucket is {bucket} and should be {expected}"));
    }
    unless_any(problems, "deploy this version's template.yaml, or set it back in Firehose", "ACTIVE, writes to bars/")
}

#[cfg(test)]
mod tests {
    use super::PREFIX;

    #[test]
    fn the_prefix_is_that_of_the_template() {
        assert!(include_str!("../../../../template.yaml").contains(&format!("        Prefix: {PREFIX}\n")));
    }
}
