//! The key of Alpaca, in the secret that `collect` reads: when it is read, what a run says without a good one, and that no part of
//! it is ever shown.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, kill_function};
use local::cloud::AlpacaKey;
use market_sim::Key;
use serde_json::{Value, json};
use shared::{Interval, MarketSource};

use super::{input, search::Search, verify};
use crate::Context;

const SECRET: &str = "finstream/alpaca";

/// One after another, since they all use the same market and the same secret.
pub async fn a_key_is_read_when_it_is_needed_and_shown_nowhere(context: Arc<Context>) -> Result<()> {
    let case = Case { stack: Stack::up(&context.tools).await?, context: &context };
    let AlpacaKey { id, secret } = case.stack.market.alpaca_key();
    case.good("2024-10-01").await?;
    case.doctor_says("it answers collect").await?;
    case.a_refused_key_ends_a_run_at_once().await?;
    case.a_key_may_be_refused_half_way().await?;
    let rotated = case.a_rotation_needs_no_deployment().await?;
    let wrong = case.a_secret_that_is_no_key_is_named().await?;
    case.put(&key_json(&rotated)).await?;
    case.a_secret_that_is_missing_or_denied_is_named().await?;
    case.nothing_shows([id, secret, rotated.id, rotated.secret, wrong]).await
}

struct Case<'a> {
    context: &'a Context,
    stack: Stack,
}

impl Case<'_> {
    async fn aws(&self, args: &[&str]) -> Result<Value> {
        self.context.tools.aws(&self.stack.cloud, args).await
    }

    /// Stores a text in the secret.
    async fn put(&self, text: &str) -> Result<()> {
        self.aws(&["secretsmanager", "put-secret-value", "--secret-id", SECRET, "--secret-string", text]).await?;
        Ok(())
    }

    /// Ends the processes that hold a key.
    fn forget(&self) -> Result<()> {
        kill_function(&self.stack.cloud, self.stack.cloud.output("CollectFunction")?)?;
        Ok(())
    }

    async fn good(&self, date: &str) -> Result<()> {
        let run = self.stack.export(&input(date.parse()?, Interval::FiveMinutes)).await?;
        verify(&self.stack, &run, Interval::FiveMinutes).await
    }

    /// The cause of a run that fails for want of a key.
    async fn refused(&self, date: &str) -> Result<String> {
        let (error, cause) = self.stack.fail(&input(date.parse()?, Interval::FiveMinutes)).await?;
        ensure!(error == "SourceUnauthorized", "{error}: {cause}");
        Ok(cause)
    }

    /// Without a wait, and without a request for each symbol.
    async fn a_refused_key_ends_a_run_at_once(&self) -> Result<()> {
        for fault in ["forbidden", "unauthorized", "forbidden-page", "key-comes-and-goes"] {
            let before = self.stack.market.handle.requests().len();
            self.stack.market.handle.inject(format!("*={fault}").parse()?);
            self.refused("2024-10-02").await.with_context(|| fault.to_owned())?;
            let requests = self.stack.market.handle.requests().len() - before;
            ensure!(requests <= 3, "{fault}: {requests} requests by a key that is refused");
        }
        self.stack.market.handle.clear(None);
        self.good("2024-10-02").await
    }

    /// It names the secret, and shows nothing of it.
    async fn doctor_says(&self, expected: &str) -> Result<()> {
        let args = ["doctor", "--source", "alpaca"];
        let shown = self.context.tools.finstream_on(&self.stack.cloud, &args).await?;
        let market = shown.text.lines().find(|line| line.contains(" market ")).unwrap_or_default();
        ensure!(market.contains(expected), "{}", shown.text);
        Ok(())
    }

    /// What the key had brought is written, the run fails, and the next one has the rest.
    async fn a_key_may_be_refused_half_way(&self) -> Result<()> {
        let symbols: Vec<_> = (0..150).map(|number| symbol("H", number)).collect();
        let input = json!({"trade_date": "2024-10-03", "symbols": symbols, "source": MarketSource::ALPACA});
        self.stack.market.handle.inject("*=forbidden:2..".parse()?); // after the calendar and the first hundred symbols
        let (error, cause) = self.stack.fail(&input).await?;
        ensure!(error == "SourceUnauthorized", "{error}: {cause}");
        let written: BTreeSet<_> =
            self.stack.lake("2024-10-03").await?.concat().into_iter().map(|bar| bar.symbol).collect();
        ensure!(written.len() == 100, "bars of {} symbols", written.len());
        self.stack.market.handle.clear(None);
        let run = self.stack.export(&input).await?;
        ensure!(run.symbols.collected.len() == 150, "{:?}", run.symbols.failed);
        Ok(())
    }

    /// The same process reads the secret again.
    async fn a_rotation_needs_no_deployment(&self) -> Result<AlpacaKey> {
        let rotated = AlpacaKey { id: "PKROTATED0123456789".to_owned(), secret: "hush-rotated-4f1c".to_owned() };
        let AlpacaKey { id, secret } = rotated.clone();
        self.stack.market.handle.set_key(Key { id, secret });
        let cause = self.refused("2024-10-04").await?;
        ensure!(cause.contains("forbidden.") || cause.contains("not authorized"), "{cause}");
        self.put(&key_json(&rotated)).await?;
        self.good("2024-10-04").await?;
        Ok(rotated)
    }

    async fn a_secret_that_is_no_key_is_named(&self) -> Result<String> {
        let wrong = "hush-no-key-77aa";
        for text in [
            wrong.to_owned(),
            format!(r#"{{"key_id":"{wrong}"}}"#),
            format!(r#"{{"key_id":"{wrong}","secret_key":7}}"#),
        ] {
            self.put(&text).await?;
            self.forget()?;
            let cause = self.refused("2024-10-07").await?;
            ensure!(cause.contains(SECRET) && cause.contains("key_id"), "{cause}");
        }
        self.doctor_says("does not accept the key of collect").await?;
        Ok(wrong.to_owned())
    }

    async fn a_secret_that_is_missing_or_denied_is_named(&self) -> Result<()> {
        let name = format!("{}-collect", self.stack.cloud.stack);
        let configuration = self.aws(&["lambda", "get-function-configuration", "--function-name", &name]).await?;
        let role = configuration["Role"].as_str().and_then(|arn| arn.rsplit('/').next()).context("no role")?;
        let deny =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"secretsmanager:*","Resource":"*"}]}"#;
        let policy = ["--role-name", role, "--policy-name", "deny"];
        self.aws(&[&["iam", "put-role-policy"], &policy[..], &["--policy-document", deny]].concat()).await?;
        self.forget()?;
        let cause = self.refused("2024-10-08").await?;
        ensure!(cause.contains("secretsmanager:GetSecretValue"), "{cause}");
        self.aws(&[&["iam", "delete-role-policy"], &policy[..]].concat()).await?;
        self.good("2024-10-08").await?;
        self.aws(&["secretsmanager", "delete-secret", "--secret-id", SECRET, "--force-delete-without-recovery"])
            .await?;
        self.good("2024-10-09").await.context("a process that has the key reads no secret")?;
        self.forget()?;
        let cause = self.refused("2024-10-10").await?;
        ensure!(cause.contains("secretsmanager:GetSecretValue"), "{cause}");
        Ok(())
    }

    /// Whatever a run leaves behind, and whatever the command and this test print.
    async fn nothing_shows(&self, values: [String; 5]) -> Result<()> {
        let search = Search::new(&self.context.tools, &self.stack).await?;
        search.finds("2024-10-02")?;
        for value in values {
            search.finds_nothing_of(&value)?;
        }
        Ok(())
    }
}

fn key_json(key: &AlpacaKey) -> String {
    serde_json::to_string(key).unwrap_or_default()
}

/// A symbol of letters alone.
fn symbol(first: &str, number: u8) -> String {
    let letter = |number: u8| char::from(b'A' + number % 26);
    format!("{first}{}{}", letter(number / 26), letter(number))
}
