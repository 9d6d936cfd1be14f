//! Metrics for CloudWatch, in the embedded metric format: one JSON line on standard output, which CloudWatch Logs turns
//! into metrics. The line is no log event, so it does not depend on the log level.
//!
//! The format is one object, so serde writes it; the libraries for it bring a registry that wants flushing.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Writes counts to standard output, each a metric of `namespace` without dimensions.
pub fn record(namespace: &str, counts: &[(&str, usize)]) {
    println!("{}", line(namespace, counts, Timestamp::now()));
}

fn line(namespace: &str, counts: &[(&str, usize)], at: Timestamp) -> Value {
    let definitions: Vec<_> = counts.iter().map(|(name, _)| json!({"Name": name, "Unit": "Count"})).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": [
            {"Namespace": namespace, "Dimensions": [[]], "Metrics": definitions}]}),
    );
    line.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), json!(count))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_the_embedded_metric_format() -> Result<(), jiff::Error> {
        let at = Timestamp::from_millisecond(1_795_215_604_000)?;
        let expected = json!({
            "_aws": {"Timestamp": 1_795_215_604_000_i64, "CloudWatchMetrics": [{"Namespace": "finstream/prod", "Dimensions": [[]],
                "Metrics": [{"Name": "Bars", "Unit": "Count"}, {"Name": "SymbolsFailed", "Unit": "Count"}]}]},
            "Bars": 780, "SymbolsFailed": 0,
        });
        assert_eq!(line("finstream/prod", &[("Bars", 780), ("SymbolsFailed", 0)], at), expected);
        Ok(())
    }
}
