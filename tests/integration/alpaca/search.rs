//! A search of everything that a stack and its tools leave behind: files, logs, executions, objects, settings and output.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use harness::{Stack, Tools};
use serde_json::Value;

/// Everything that was found, by the place where it is.
pub struct Search(Vec<(String, Vec<u8>)>);

impl Search {
    pub async fn new(tools: &Tools, stack: &Stack) -> Result<Self> {
        let cloud = &stack.cloud;
        let mut search = Self(vec![("the debug output of the stack".to_owned(), format!("{stack:?}").into_bytes())]);
        search.add_files(&cloud.home)?;
        let aws = async |args: &[&str]| tools.aws(cloud, args).await;
        for group in texts(&aws(&["logs", "describe-log-groups"]).await?["logGroups"], "logGroupName") {
            search.add(format!("the log {group}"), tools.log_messages(cloud, &group, None).await?.join("\n"));
        }
        let machine = cloud.output("StateMachineArn")?;
        let executions = aws(&["stepfunctions", "list-executions", "--state-machine-arn", machine]).await?;
        for execution in texts(&executions["executions"], "executionArn") {
            for call in ["describe-execution", "get-execution-history"] {
                let found = aws(&["stepfunctions", call, "--execution-arn", &execution]).await?;
                search.add(format!("{call} of {execution}"), found.to_string());
            }
            let name = execution.rsplit(':').next().unwrap_or_default();
            for format in ["--verbose", "--json"] {
                let shown = tools.finstream_on(cloud, &["follow", name, format]).await?;
                search.add(format!("finstream follow {name} {format}"), shown.text);
            }
        }
        for key in stack.keys("").await? {
            search.add(format!("the object {key}"), stack.object(&stack.in_data_bucket(&key)?).await?);
        }
        for call in [
            &["lambda", "list-functions"][..],
            &["cloudformation", "describe-stacks"],
            &["cloudformation", "get-template", "--stack-name", &cloud.stack],
            &["secretsmanager", "list-secrets"],
        ] {
            search.add(format!("aws {}", call.join(" ")), aws(call).await?.to_string());
        }
        for command in [&["local", "status", "--json"][..], &["list", "--json"], &["doctor"]] {
            search.add(format!("finstream {}", command.join(" ")), tools.finstream_on(cloud, command).await?.text);
        }
        Ok(search)
    }

    fn add(&mut self, place: String, text: String) {
        self.0.push((place, text.into_bytes()));
    }

    /// Every file at the home of the local cloud: its state, the logs of its processes, what is deployed, temporary files.
    fn add_files(&mut self, folder: &Path) -> Result<()> {
        for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                self.add_files(&path)?;
            } else if path.is_file() {
                self.0.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// The places that hold a text.
    fn places(&self, text: &str) -> Vec<&str> {
        let holds = |content: &[u8]| content.windows(text.len()).any(|window| window == text.as_bytes());
        self.0.iter().filter(|(_, content)| holds(content)).map(|(place, _)| place.as_str()).collect()
    }

    /// Checks that the search looks everywhere: at logs, executions, objects, files and output.
    pub fn finds(&self, text: &str) -> Result<()> {
        let places = self.places(text);
        for kind in ["the log /aws/lambda", "get-execution-history of", "the object ", "finstream follow", "/"] {
            ensure!(places.iter().any(|place| place.starts_with(kind)), "no {kind}… has {text}: {places:?}");
        }
        Ok(())
    }

    pub fn finds_nothing_of(&self, value: &str) -> Result<()> {
        let places = self.places(value);
        ensure!(places.is_empty(), "a value of {} characters is shown in {places:?}", value.len());
        Ok(())
    }
}

fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|item| item[name].as_str()).map(str::to_owned).collect()
}
