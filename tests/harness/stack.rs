//! The real template deployed on a local cloud of its own.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, bail, ensure};
use aws_credential_types::Credentials;
use aws_sdk_s3::Client as S3;
use aws_sdk_sfn::{
    Client as StepFunctions,
    types::{ExecutionStatus, HistoryEvent},
};
use local::{
    UpOptions,
    cloud::{Guard, LocalCloud, Market, Storage},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::{
    Bar, ExportFiles, Interval, ListFormat, ListName, Manifest, PublishedDay, S3Uri, TradeDate, payload::RunOutcome,
};

use crate::{MarketServer, Tools, kill_server, poll};

/// A deployed stack; its local cloud is taken down when it is dropped.
#[derive(Debug)]
pub struct Stack {
    /// The local cloud it is deployed on, with the outputs of the template.
    pub cloud: Guard,
    options: UpOptions,
    /// The simulated market that `collect` queries.
    pub market: MarketServer,
    pub(crate) s3: S3,
    pub(crate) http: reqwest::Client,
    sfn: StepFunctions,
    _home: tempfile::TempDir,
}

/// How an execution ended.
#[derive(Debug)]
pub enum Ended<T = RunOutcome> {
    /// It succeeded with this output.
    Succeeded(Box<T>),
    /// It failed.
    Failed {
        /// The error's name.
        error: String,
        /// The error's message.
        cause: String,
    },
}

impl Stack {
    /// Brings up a local cloud and deploys the template on it. The waits of the state machine last a hundredth of what
    /// they do on AWS.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up(tools: &Tools) -> anyhow::Result<Self> {
        Self::up_with(tools, &[]).await
    }

    /// As [`Stack::up`], with values for parameters of the template.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up_with(tools: &Tools, parameters: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::up_on(tools, parameters, Storage::Ephemeral).await
    }

    /// As [`Stack::up`], on a local cloud whose data outlives its server.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up_persistent(tools: &Tools) -> anyhow::Result<Self> {
        Self::up_on(tools, &[], Storage::Persistent).await
    }

    async fn up_on(tools: &Tools, parameters: &[(&str, &str)], storage: Storage) -> anyhow::Result<Self> {
        let market = MarketServer::serve().await?;
        let home = tempfile::Builder::new().prefix("test-cloud-").tempdir_in(tools.root.join("target"))?;
        let options = UpOptions {
            root: tools.root.clone(),
            home: home.path().to_owned(),
            market: Market::Url(market.url.clone()),
            alpaca_key: Some(market.alpaca_key()),
            wait_scale: 0.01,
            parameters: parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            storage,
        };
        let cloud = LocalCloud::up(options.clone(), &()).await?.guard()?;
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .endpoint_url(&cloud.endpoint)
            .region(aws_config::Region::new(cloud.region.clone()))
            .credentials_provider(root_credentials(&cloud))
            .load()
            .await;
        let (s3, sfn, http) = (S3::new(&config), StepFunctions::new(&config), reqwest::Client::new());
        Ok(Self { cloud, options, market, s3, http, sfn, _home: home })
    }

    /// Kills the server and every function, as a power failure would, and brings the local cloud up again.
    ///
    /// # Errors
    /// When something cannot be killed, or the step of bringing it up that failed.
    pub async fn killed_and_up_again(self) -> anyhow::Result<Self> {
        let Self { cloud, options, .. } = self;
        kill_server(&cloud).await?;
        drop(cloud);
        let cloud = LocalCloud::up(options.clone(), &()).await?.guard()?;
        Ok(Self { cloud, options, ..self })
    }

    /// The credentials of the local account's root, who may do everything.
    pub fn root_credentials(&self) -> Credentials {
        root_credentials(&self.cloud)
    }

    /// Starts an execution of the pipeline with `input` and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started, does not end within two minutes, or ends neither succeeded nor failed.
    pub async fn execute(&self, input: &Value) -> anyhow::Result<Ended> {
        Ok(self.follow(input).await?.1)
    }

    /// As [`Stack::execute`], and returns the execution's name, too.
    ///
    /// # Errors
    /// As [`Stack::execute`].
    pub async fn follow(&self, input: &Value) -> anyhow::Result<(String, Ended)> {
        let arn = self.start(input).await?;
        let ended = poll(&arn, Duration::from_millis(100), async || self.ended(&arn).await).await?;
        let name = arn.rsplit(':').next().unwrap_or_default().to_owned();
        Ok((name, ended))
    }

    /// Starts an execution of the pipeline with `input`, and returns its ARN.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(&self, input: &Value) -> anyhow::Result<String> {
        self.start_on("StateMachineArn", input).await
    }

    /// Starts a tick of the open session, an execution of the machine `live`, with `input`, and returns its ARN.
    ///
    /// # Errors
    /// When it cannot be started, such as on a stack without `Live`.
    pub async fn start_tick(&self, input: &Value) -> anyhow::Result<String> {
        self.start_on("LiveStateMachineArn", input).await
    }

    /// Starts a tick with `input` and waits for its end: its output.
    ///
    /// # Errors
    /// As [`Stack::execute`].
    pub async fn tick(&self, input: &Value) -> anyhow::Result<Ended<Value>> {
        let arn = self.start_tick(input).await?;
        poll(&arn, Duration::from_millis(100), async || self.ended(&arn).await).await
    }

    async fn start_on(&self, machine: &str, input: &Value) -> anyhow::Result<String> {
        let machine = self.cloud.output(machine)?;
        let started = self.sfn.start_execution().state_machine_arn(machine).input(input.to_string()).send().await?;
        Ok(started.execution_arn)
    }

    /// The events of an execution, oldest first.
    ///
    /// # Errors
    /// When Step Functions does not answer.
    pub async fn history(&self, execution: &str) -> anyhow::Result<Vec<HistoryEvent>> {
        let mut events = self.sfn.get_execution_history().execution_arn(execution).into_paginator().items().send();
        let mut history = Vec::new();
        while let Some(event) = events.next().await {
            history.push(event?);
        }
        Ok(history)
    }

    /// How an execution ended; `None` while it is running.
    ///
    /// # Errors
    /// When Step Functions does not answer, its output is not a `T`, or it ended neither succeeded nor failed.
    pub async fn ended<T: DeserializeOwned>(&self, execution: &str) -> anyhow::Result<Option<Ended<T>>> {
        let described = self.sfn.describe_execution().execution_arn(execution).send().await?;
        match described.status() {
            ExecutionStatus::Running => Ok(None),
            ExecutionStatus::Succeeded => {
                Ok(Some(Ended::Succeeded(Box::new(serde_json::from_str(described.output().unwrap_or_default())?))))
            }
            ExecutionStatus::Failed => {
                let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
                Ok(Some(Ended::Failed { error: text(described.error()), cause: text(described.cause()) }))
            }
            other => bail!("the execution ended as {other}"),
        }
    }

    /// Executes `input`, which must succeed, and returns the execution's output.
    ///
    /// # Errors
    /// When the execution fails, or as [`Stack::execute`].
    pub async fn succeed(&self, input: &Value) -> anyhow::Result<RunOutcome> {
        match self.execute(input).await? {
            Ended::Succeeded(outcome) => Ok(*outcome),
            Ended::Failed { error, cause } => bail!("{input} failed with {error}: {cause}"),
        }
    }

    /// Executes `input`, which must fail, and returns the name and the message of the error.
    ///
    /// # Errors
    /// When the execution succeeds, or as [`Stack::execute`].
    pub async fn fail(&self, input: &Value) -> anyhow::Result<(String, String)> {
        match self.execute(input).await? {
            Ended::Failed { error, cause } => Ok((error, cause)),
            Ended::Succeeded(outcome) => bail!("{input} succeeded with {outcome:?}"),
        }
    }

    /// The text of an object.
    ///
    /// # Errors
    /// When it does not exist, or is not UTF-8.
    pub async fn object(&self, uri: &S3Uri) -> anyhow::Result<String> {
        let object = self.s3.get_object().bucket(&uri.bucket).key(&uri.key).send().await?;
        Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
    }

    /// Writes an object.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_object(&self, uri: &S3Uri, text: String) -> anyhow::Result<()> {
        self.s3.put_object().bucket(&uri.bucket).key(&uri.key).body(text.into_bytes().into()).send().await?;
        Ok(())
    }

    /// The user-defined metadata of an object.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn metadata(&self, uri: &S3Uri) -> anyhow::Result<HashMap<String, String>> {
        let object = self.s3.head_object().bucket(&uri.bucket).key(&uri.key).send().await?;
        Ok(object.metadata.unwrap_or_default())
    }

    /// The address of an object in the data bucket.
    ///
    /// # Errors
    /// When the stack has no data bucket.
    pub fn in_data_bucket(&self, key: impl Into<String>) -> anyhow::Result<S3Uri> {
        Ok(S3Uri::new(self.cloud.output("DataBucket")?, key))
    }

    /// Writes the file of a list of companies, each a name and a symbol.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn put_list(&self, list: &str, companies: &[(&str, &str)]) -> anyhow::Result<()> {
        let list: ListName = list.parse()?;
        let company =
            |(name, symbol): &(&str, &str)| format!("[[company]]\nsymbol = \"{symbol}\"\nname = \"{name}\"\n");
        let file = companies.iter().map(company).collect();
        self.put_object(&list.uri(self.cloud.output("DataBucket")?, ListFormat::Toml), file).await
    }

    /// What is published for a day of a list, or `None` where nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn published(&self, day: &PublishedDay) -> anyhow::Result<Option<Manifest>> {
        let uri = Manifest::uri(self.cloud.output("DataBucket")?, day);
        if self.keys(&uri.key).await?.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&self.object(&uri).await?)?))
    }

    /// The CSV that is published for a day of a list, or `None` where nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn published_csv(&self, day: &PublishedDay) -> anyhow::Result<Option<String>> {
        match self.published(day).await? {
            Some(manifest) => self.object(&manifest.files.csv).await.map(Some),
            None => Ok(None),
        }
    }

    /// Checks that the copies at the day's own address are those of the run that is published, byte for byte.
    ///
    /// # Errors
    /// When they are not, or when nothing is published.
    pub async fn verify_copies(&self, day: &PublishedDay) -> anyhow::Result<()> {
        let manifest = self.published(day).await?.with_context(|| format!("nothing is published in {day}"))?;
        let copies = ExportFiles::of_day(self.cloud.output("DataBucket")?, day);
        for (own, copy) in manifest.files.in_order().into_iter().zip(copies.in_order()) {
            ensure!(self.object(own).await? == self.object(copy).await?, "{copy} is not {own}");
        }
        Ok(())
    }

    /// The keys in the data bucket that begin with `prefix`.
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

    /// Every bar that the lake holds for `date`, duplicates included, object by object.
    ///
    /// # Errors
    /// When an object cannot be read or a line is not a bar.
    pub async fn lake(&self, date: &str) -> anyhow::Result<Vec<Vec<Bar>>> {
        let mut objects = Vec::new();
        for key in self.keys(&format!("bars/trade_date={date}/")).await? {
            objects.push(self.bars_of_object(&key).await?);
        }
        Ok(objects)
    }

    /// The bars in one object of the lake.
    ///
    /// # Errors
    /// As [`Stack::lake`].
    pub async fn bars_of_object(&self, key: &str) -> anyhow::Result<Vec<Bar>> {
        let text = self.object(&self.in_data_bucket(key)?).await?;
        Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
    }
}

fn root_credentials(cloud: &LocalCloud) -> Credentials {
    Credentials::new(&cloud.access_key_id, &cloud.secret_access_key, None, None, "the local cloud's root")
}

/// A day of a list, in bars of five minutes.
///
/// # Errors
/// When that is not the name of a list.
pub fn published_day(list: &str, trade_date: TradeDate) -> anyhow::Result<PublishedDay> {
    Ok(PublishedDay { list: list.parse()?, interval: Interval::FiveMinutes, trade_date })
}
