//! The JSON form of `local up`, `local status` and `local down`.

use std::collections::BTreeMap;

use local::LocalCloud;
use serde::Serialize;

use crate::output::json::path;

/// The local cloud as it is after the command.
#[derive(Debug, Serialize)]
pub struct LocalJson<'a> {
    /// Whether one is up; the other fields are there only then.
    pub up: bool,
    #[serde(flatten)]
    pub cloud: Option<CloudJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct CloudJson<'a> {
    /// The address of all its services, for `AWS_ENDPOINT_URL`.
    pub endpoint: &'a str,
    pub region: &'a str,
    /// The name of the stack deployed on it.
    pub stack: &'a str,
    /// The source whose bars a run collects unless it names another.
    pub source: &'a str,
    /// The market from which bars are fetched.
    pub market_url: &'a str,
    /// How long the state machine's waits last, as a fraction of their length on AWS.
    pub wait_scale: f64,
    /// The outputs of the stack.
    pub outputs: &'a BTreeMap<String, String>,
    /// The file with the environment of a function, or of the AWS CLI.
    pub environment: String,
    /// The folder of its logs.
    pub logs: String,
}

impl<'a> LocalJson<'a> {
    pub fn of(cloud: Option<&'a LocalCloud>) -> Self {
        let cloud = cloud.map(|cloud| CloudJson {
            endpoint: &cloud.endpoint,
            region: &cloud.region,
            stack: &cloud.stack,
            source: cloud.source(),
            market_url: &cloud.market_url,
            wait_scale: cloud.wait_scale,
            outputs: &cloud.outputs,
            environment: path(&cloud.home.join("env")),
            logs: path(&cloud.home.join("log")),
        });
        Self { up: cloud.is_some(), cloud }
    }
}
