//! A compiled function in a process of its own, as Lambda starts it: without anything of this process's environment.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use axum::body::Bytes;
use tokio::{process::Child, process::Command, time::timeout};

use crate::{aws::Aws, process::Usage, runtime_api::RuntimeApi};

/// The longest that a function may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);

/// A function that has started, and waits for an event.
#[derive(Debug)]
pub struct Function {
    /// How long it took from the start of the process to the first request for an event.
    pub start: Duration,
    process: Child,
    api: RuntimeApi,
}

impl Function {
    /// Starts a program with these variables, whose AWS services are these. Its log is thrown away.
    ///
    /// # Errors
    /// When it requests no event.
    pub async fn start(program: &Path, aws: &Aws, variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let mut api = RuntimeApi::serve().await?;
        let address = api.address.to_string();
        let lambda = [
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "benchmark"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "benchmark"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "benchmark"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "benchmark"),
            ("AWS_SECRET_ACCESS_KEY", "benchmark"),
            ("AWS_ENDPOINT_URL", &aws.url),
            ("AWS_ENDPOINT_URL_FIREHOSE", &aws.firehose),
        ];
        let mut command = Command::new(program);
        command.env_clear().envs(lambda).envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let began = Instant::now();
        let process = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let waits = timeout(START_LIMIT, api.waiting.recv()).await.ok().flatten();
        let waits = waits.with_context(|| format!("{} has requested no event", program.display()))?;
        Ok(Self { start: waits.duration_since(began), process, api })
    }

    /// Answers one event, and returns the answer with the time that it took.
    ///
    /// # Errors
    /// When the function fails or ends.
    pub async fn invoke(&mut self, event: impl Into<Bytes>) -> anyhow::Result<(Duration, Bytes)> {
        let began = Instant::now();
        self.api.events.send(event.into())?;
        let answer = tokio::select! {
            answer = self.api.answers.recv() => answer,
            ended = self.process.wait() => bail!("the function ended: {}", ended?),
        };
        match answer.context("the Runtime API has ended")? {
            Ok(answer) => Ok((began.elapsed(), answer)),
            Err(error) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
        }
    }

    /// What its process has taken since it began.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.process.id().context("the function has ended")?)
    }
}
