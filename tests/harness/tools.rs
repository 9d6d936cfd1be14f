//! The tools that a user runs: the command, the pinned tools, cargo-lambda.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::Context;
use local::{LocalCloud, python::Environment};
use tokio::process::Command;

/// What a program did.
#[derive(Debug)]
pub struct Run {
    /// Its exit code; -1 where a signal ended it.
    pub code: i32,
    /// What it wrote to standard output and then to standard error.
    pub text: String,
}

/// Where the tools are.
#[derive(Debug)]
pub struct Tools {
    /// The workspace root.
    pub root: PathBuf,
    /// The tools that check and invoke: cfn-lint, sam, cargo-lambda.
    pub dev: Environment,
    /// The tools that the local cloud itself uses: aws, and sqlglot in Python.
    pub local: Environment,
    finstream: PathBuf,
}

impl Tools {
    /// Installs the tools where that was not done before, and builds the command.
    ///
    /// # Errors
    /// What could not be installed or built.
    pub async fn find() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace root")?.to_owned();
        let local = Environment::ensure(&root, &root.join("local/requirements.txt"), &()).await?;
        let dev = Environment::ensure(&root, &root.join("local/requirements-dev.txt"), &()).await?;
        let built =
            run(Command::new(env!("CARGO")).args(["build", "--release", "--bin", "finstream"]).current_dir(&root))
                .await?;
        anyhow::ensure!(built.code == 0, "finstream cannot be built: {}", built.text);
        // The test binary lies in <target>/release/deps.
        let release = std::env::current_exe()?.ancestors().nth(2).context("the release folder")?.to_owned();
        Ok(Self { finstream: release.join("finstream"), root, dev, local })
    }

    /// The command's program, to be started by hand.
    pub fn finstream_program(&self) -> &Path {
        &self.finstream
    }

    /// `finstream …`, as it is typed in the workspace, with a local cloud that is not the user's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn finstream(&self, args: &[&str]) -> anyhow::Result<Run> {
        let home = self.root.join("target/test-local-cloud");
        run(Command::new(&self.finstream).args(args).current_dir(&self.root).env("FINSTREAM_LOCAL_HOME", home)).await
    }

    /// `finstream …` on a local cloud of the tests.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn finstream_on(&self, cloud: &LocalCloud, args: &[&str]) -> anyhow::Result<Run> {
        run(Command::new(&self.finstream).args(args).current_dir(&self.root).env("FINSTREAM_LOCAL_HOME", &cloud.home))
            .await
    }

    /// A tool of the development environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn tool(&self, name: &str, args: &[&str]) -> anyhow::Result<Run> {
        run(self.command(name).args(args)).await
    }

    /// `checkov …`, in an environment that is made on first use: no other test needs it.
    ///
    /// # Errors
    /// When it cannot be installed or started.
    pub async fn checkov(&self, args: &[&str]) -> anyhow::Result<Run> {
        let requirements = self.root.join("local/requirements-checkov.txt");
        let checkov = Environment::ensure(&self.root, &requirements, &()).await?.program("checkov");
        // Without a key it asks nobody; it would wait for an answer of its maker's all the same.
        run(Command::new(checkov).args(args).arg("--skip-download").current_dir(&self.root).env("LOG_LEVEL", "ERROR"))
            .await
    }

    /// A tool of the development environment, to be given arguments.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.dev.program(name));
        // sam and cfn-lint look a region up, and need none.
        command.current_dir(&self.root).env("AWS_DEFAULT_REGION", "us-east-1").env("SAM_CLI_TELEMETRY", "0");
        command
    }

    /// A Python program in the local cloud's environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn python(&self, program: &str, args: &[&str]) -> anyhow::Result<Run> {
        run(Command::new(self.local.program("python")).arg("-c").arg(program).args(args).current_dir(&self.root)).await
    }

    /// `aws …` as the root of a local cloud.
    ///
    /// # Errors
    /// When it cannot be started, or fails.
    pub async fn aws(&self, cloud: &LocalCloud, args: &[&str]) -> anyhow::Result<String> {
        let done = run(Command::new(self.local.program("aws"))
            .args(args)
            .args(["--output", "json"])
            .envs(cloud.environment())
            .env("AWS_PAGER", ""))
        .await?;
        anyhow::ensure!(done.code == 0, "aws {}: {}", args.join(" "), done.text);
        Ok(done.text)
    }
}

async fn run(command: &mut Command) -> anyhow::Result<Run> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = output.await.with_context(|| format!("{:?} cannot be started", command.as_std().get_program()))?;
    let text = [output.stdout, output.stderr].concat();
    Ok(Run { code: output.status.code().unwrap_or(-1), text: String::from_utf8_lossy(&text).into_owned() })
}
