//! A stack of the real template on a local cloud, run as the schedule, a person or the API runs it.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client as S3;
use aws_sdk_sfn::{Client as StepFunctions, types::ExecutionStatus};
use local::{
    UpOptions,
    cloud::{Guard, LocalCloud, MarketSource},
};
use serde_json::Value;
use shared::{Bar, S3Uri, TradeDate, payload::RunOutcome};

use crate::{MarketServer, Tools};

/// A deployed stack; its local cloud is taken down when it is dropped.
#[derive(Debug)]
pub struct Stack {
    /// Where it runs.
    pub cloud: Guard,
    /// The market that its functions ask.
    pub market: MarketServer,
    pub(crate) s3: S3,
    pub(crate) http: reqwest::Client,
    sfn: StepFunctions,
    _home: tempfile::TempDir,
}

/// How an execution ended.
#[derive(Debug)]
pub enum Ended {
    /// With an output.
    Succeeded(Box<RunOutcome>),
    /// With an error.
    Failed {
        /// Its name.
        error: String,
        /// What it says.
        cause: String,
    },
}

impl Stack {
    /// Brings up a local cloud of its own, with waits that last a hundredth of what they do on AWS.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up(tools: &Tools) -> anyhow::Result<Self> {
        Self::up_with(tools, &[]).await
    }

    /// The same, with further parameters of the template.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up_with(tools: &Tools, parameters: &[(&str, &str)]) -> anyhow::Result<Self> {
        let market = MarketServer::serve().await?;
        let home = tempfile::Builder::new().prefix("test-cloud-").tempdir_in(tools.root.join("target"))?;
        let options = UpOptions {
            root: tools.root.clone(),
            home: home.path().to_owned(),
            market: MarketSource::Url(market.url.clone()),
            wait_scale: 0.01,
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let cloud = LocalCloud::up(options, &()).await?.guard()?;
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(&cloud.endpoint)
            .region(aws_config::Region::new(cloud.region.clone()))
            .credentials_provider(Credentials::new(
                &cloud.access_key_id,
                &cloud.secret_access_key,
                None,
                None,
                "the local cloud's root",
            ))
            .load()
            .await;
        let (s3, sfn, http) = (S3::new(&config), StepFunctions::new(&config), reqwest::Client::new());
        Ok(Self { cloud, market, s3, http, sfn, _home: home })
    }

    /// Starts an execution with `input` and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started, does not end within two minutes, or ends in another way than the two known ones.
    pub async fn execute(&self, input: &Value) -> anyhow::Result<Ended> {
        Ok(self.follow(input).await?.1)
    }

    /// The same, with the execution's name.
    ///
    /// # Errors
    /// As above.
    pub async fn follow(&self, input: &Value) -> anyhow::Result<(String, Ended)> {
        let machine = self.cloud.output("StateMachineArn")?;
        let started = self.sfn.start_execution().state_machine_arn(machine).input(input.to_string()).send().await?;
        let arn = started.execution_arn;
        let ended = tokio::time::timeout(Duration::from_secs(120), self.ended(&arn)).await;
        let ended = ended.with_context(|| format!("{arn} did not end within two minutes"))??;
        let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        Ok((name, ended))
    }

    async fn ended(&self, execution: &str) -> anyhow::Result<Ended> {
        loop {
            let now = self.sfn.describe_execution().execution_arn(execution).send().await?;
            match now.status() {
                ExecutionStatus::Running => tokio::time::sleep(Duration::from_millis(100)).await,
                ExecutionStatus::Succeeded => {
                    return Ok(Ended::Succeeded(serde_json::from_str(now.output().unwrap_or_default())?));
                }
                ExecutionStatus::Failed => {
                    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
                    return Ok(Ended::Failed { error: text(now.error()), cause: text(now.cause()) });
                }
                other => bail!("the execution ended as {other}"),
            }
        }
    }

    /// Executes `input` and returns the output of an execution that must succeed.
    ///
    /// # Errors
    /// When it fails.
    pub async fn succeed(&self, input: &Value) -> anyhow::Result<RunOutcome> {
        match self.execute(input).await? {
            Ended::Succeeded(outcome) => Ok(*outcome),
            Ended::Failed { error, cause } => bail!("{input} failed with {error}: {cause}"),
        }
    }

    /// Executes `input` and returns error and cause of an execution that must fail.
    ///
    /// # Errors
    /// When it succeeds.
    pub async fn fail(&self, input: &Value) -> anyhow::Result<(String, String)> {
        match self.execute(input).await? {
            Ended::Failed { error, cause } => Ok((error, cause)),
            Ended::Succeeded(outcome) => bail!("{input} succeeded with {outcome:?}"),
        }
    }

    /// The text of an object.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn object(&self, uri: &S3Uri) -> anyhow::Result<String> {
        let object = self.s3.get_object().bucket(&uri.bucket).key(&uri.key).send().await?;
        Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
    }

    /// The user-defined metadata of an object.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn metadata(&self, uri: &S3Uri) -> anyhow::Result<HashMap<String, String>> {
        let object = self.s3.head_object().bucket(&uri.bucket).key(&uri.key).send().await?;
        Ok(object.metadata.unwrap_or_default())
    }

    /// The address of an object of the data bucket.
    ///
    /// # Errors
    /// When the stack has no data bucket.
    pub fn in_data_bucket(&self, key: impl Into<String>) -> anyhow::Result<S3Uri> {
        Ok(S3Uri::new(self.cloud.output("DataBucket")?, key))
    }

    /// The CSV that is published for a day.
    ///
    /// # Errors
    /// When the stack has no data bucket.
    pub fn published_csv(&self, date: TradeDate) -> anyhow::Result<S3Uri> {
        self.in_data_bucket(format!("exports/trade_date={date}/hourly_extremes.csv"))
    }

    /// The keys below a prefix of the data bucket.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn keys(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let bucket = self.cloud.output("DataBucket")?;
        let mut pages = self.s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            keys.extend(page?.contents().iter().filter_map(|object| object.key().map(str::to_owned)));
        }
        Ok(keys)
    }

    /// Every bar that the lake holds of `date`, object by object; duplicates and all.
    ///
    /// # Errors
    /// When an object cannot be read or a line is not a bar.
    pub async fn lake(&self, date: &str) -> anyhow::Result<Vec<Vec<Bar>>> {
        let mut objects = Vec::new();
        for key in self.keys(&format!("bars/trade_date={date}/")).await? {
            let text = self.object(&self.in_data_bucket(key)?).await?;
            objects.push(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?);
        }
        Ok(objects)
    }
}
