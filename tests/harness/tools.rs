//! The programs that the tests run: `finstream`, cargo-lambda, and the pinned Python tools.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, ensure};
use local::{LocalCloud, python::Environment};
use serde_json::Value;
use tokio::process::Command;

/// The result of a program that has ended.
#[derive(Debug)]
pub struct ProgramOutput {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output, followed by standard error.
    pub text: String,
    /// Standard output alone.
    pub stdout: String,
    /// Standard error alone.
    pub stderr: String,
}

impl ProgramOutput {
    /// Whether it is a `finstream` that has shown a result: all of it, or one in which bars are missing.
    pub fn has_result(&self) -> bool {
        matches!(self.code, 0 | 3)
    }
}

/// The installed programs.
#[derive(Debug)]
pub struct Tools {
    /// The workspace root.
    pub root: PathBuf,
    /// cfn-lint, sam and cargo-lambda.
    dev: Environment,
    /// What the local cloud itself runs on, with the AWS CLI and, for Python, sqlglot.
    pub(crate) local: Environment,
    finstream: PathBuf,
}

impl Tools {
    /// Installs what is missing, and builds `finstream`.
    ///
    /// # Errors
    /// What could not be installed or built.
    pub async fn ensure() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace root")?.to_owned();
        let local = Environment::ensure(&root, &root.join("local/requirements.txt"), &()).await?;
        let dev = Environment::ensure(&root, &root.join("local/requirements-dev.txt"), &()).await?;
        let built =
            run(Command::new(env!("CARGO")).args(["build", "--release", "--bin", "finstream"]).current_dir(&root))
                .await?;
        ensure!(built.code == 0, "finstream cannot be built: {}", built.text);
        // The test binary lies in <target>/release/deps.
        let release = std::env::current_exe()?.ancestors().nth(2).context("the release folder")?.to_owned();
        Ok(Self { finstream: release.join("finstream"), root, dev, local })
    }

    /// The compiled program of a package of the workspace, such as `collect`.
    pub fn compiled(&self, name: &str) -> PathBuf {
        self.finstream.with_file_name(name)
    }

    /// Runs `finstream` in the workspace, with a folder for its local cloud that is not the user's.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn finstream(&self, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        run(self.finstream_command(&self.test_home()).args(args)).await
    }

    /// The folder of the local cloud that the tests bring up by `finstream local up`.
    pub fn test_home(&self) -> PathBuf {
        self.root.join("target/test-local-cloud")
    }

    /// Runs `finstream` on a local cloud of the tests.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn finstream_on(&self, cloud: &LocalCloud, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        self.finstream_at(&cloud.home, args).await
    }

    /// Runs `finstream` in the workspace, with `home` as the folder of its local cloud.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn finstream_at(&self, home: &Path, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        run(self.finstream_command(home).args(args)).await
    }

    /// `finstream`, to be given arguments; the folder of its local cloud is `home`.
    pub fn finstream_command(&self, home: &Path) -> Command {
        let mut command = Command::new(&self.finstream);
        command.current_dir(&self.root).env("FINSTREAM_LOCAL_HOME", home);
        command
    }

    /// As [`Tools::finstream_command`], without a region or credentials of AWS: no variable and no file gives them.
    pub fn finstream_without_aws(&self, home: &Path) -> Command {
        let mut command = self.finstream_command(home);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// Runs a tool of the development environment, such as cfn-lint.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn tool(&self, name: &str, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        run(self.tool_command(name).args(args)).await
    }

    /// Runs checkov, in an environment that is installed on first use: only one test needs it.
    ///
    /// # Errors
    /// When it cannot be installed or started.
    pub async fn checkov(&self, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        let requirements = self.root.join("local/requirements-checkov.txt");
        let checkov = Environment::ensure(&self.root, &requirements, &()).await?.program("checkov");
        // It would wait for the platform of its vendor, though without an API key it sends no request there.
        run(Command::new(checkov).args(args).arg("--skip-download").current_dir(&self.root).env("LOG_LEVEL", "ERROR"))
            .await
    }

    /// Runs the source text of a Python program where pandas and polars can be imported, in an environment that is installed
    /// on first use: only one test needs it.
    ///
    /// # Errors
    /// When it cannot be installed or started.
    pub async fn python_with_readers(&self, program: &str, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        let requirements = self.root.join("local/requirements-readers.txt");
        let python = Environment::ensure(&self.root, &requirements, &()).await?.program("python");
        run(Command::new(python).arg("-c").arg(program).args(args)).await
    }

    /// A tool of the development environment, to be given arguments.
    pub fn tool_command(&self, name: &str) -> Command {
        let mut command = Command::new(self.dev.program(name));
        // sam and cfn-lint insist on a region, which they do not use.
        command.current_dir(&self.root).env("AWS_DEFAULT_REGION", "us-east-1").env("SAM_CLI_TELEMETRY", "0");
        command
    }

    /// Runs the source text of a Python program in the local cloud's environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn python(&self, program: &str, args: &[&str]) -> anyhow::Result<ProgramOutput> {
        run(Command::new(self.local.program("python")).arg("-c").arg(program).args(args).current_dir(&self.root)).await
    }

    /// `template.yaml` as JSON, with short forms such as `!Ref` written out, read by the AWS CLI's own parser.
    ///
    /// # Errors
    /// When it cannot be parsed.
    pub async fn template(&self) -> anyhow::Result<Value> {
        let read = "import json\nfrom awscli.customizations.cloudformation.yamlhelper import yaml_parse\n\
                    print(json.dumps(yaml_parse(open('template.yaml').read())))";
        let output = self.python(read, &[]).await?;
        serde_json::from_str(&output.text).with_context(|| output.text)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started.
pub async fn run(command: &mut Command) -> anyhow::Result<ProgramOutput> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = output.await.with_context(|| format!("{:?} cannot be started", command.as_std().get_program()))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    let text = format!("{stdout}{stderr}");
    Ok(ProgramOutput { code: output.status.code().unwrap_or(-1), text, stdout, stderr })
}
