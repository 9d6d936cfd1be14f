//! The delivery stream.

use aws_sdk_firehose::types::DeliveryStreamDescription;

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, unless_any, wrong},
};

const DEPLOY: &str = "deploy this version's template.yaml, or set it back in Firehose";

/// The prefix of delivered objects, as in template.yaml.
const PREFIX: &str = "bars/trade_date=!{partitionKeyFromQuery:trade_date}/!{timestamp:yyyy}-";

/// Whether the stream that an output names takes records, and writes them below `bars/` of the data bucket.
pub async fn stream(deployment: &Deployment, output: &str) -> Outcome {
    let stream = describe(deployment, output).await?;
    destination(deployment, &stream)
}

/// As [`stream`], of the one that reads the data stream of the open session.
pub async fn live_stream(deployment: &Deployment) -> Outcome {
    let stream = describe(deployment, "LiveDeliveryStream").await?;
    let source = stream.source().and_then(|source| source.kinesis_stream_source_description());
    let source = source.and_then(|source| source.kinesis_stream_arn()).unwrap_or("no data stream");
    let expected = deployment.output("LiveStreamArn")?;
    if source != expected {
        return Err(wrong(format!("it reads {source} and should read {expected}"), DEPLOY));
    }
    destination(deployment, &stream).map(|detail| format!("{detail}, reads the live stream"))
}

async fn describe(deployment: &Deployment, output: &str) -> Result<DeliveryStreamDescription, NotOk> {
    let name = deployment.output(output)?;
    let call = deployment.clients.firehose.describe_delivery_stream().delivery_stream_name(name).send().await;
    let what = format!("the delivery stream {name}");
    let response = call.map_err(|error| failed("firehose:DescribeDeliveryStream", &what, &error))?;
    let stream =
        response.delivery_stream_description.ok_or_else(|| NotOk::Skipped(format!("{what} is not described")))?;
    match stream.delivery_stream_status().as_str() {
        "ACTIVE" => Ok(stream),
        status => Err(wrong(format!("{what} is {status}"), "wait if it is being created, otherwise deploy it anew")),
    }
}

fn destination(deployment: &Deployment, stream: &DeliveryStreamDescription) -> Outcome {
    let destination = stream.destinations().first();
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
    unless_any(problems, DEPLOY, "ACTIVE, writes to bars/")
}

#[cfg(test)]
mod tests {
    use super::PREFIX;

    #[test]
    fn the_prefix_is_that_of_the_template() {
        assert!(include_str!("../../../../template.yaml").contains(&format!("        Prefix: {PREFIX}\n")));
    }
}
