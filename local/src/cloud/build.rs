//! Builds the functions for this machine and lays out a copy of the template with them.
//!
//! The copy leaves `target/lambda` of the workspace untouched: it holds the build for AWS, perhaps of another
//! architecture.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::process::Command;

use crate::python::Environment;
use crate::{Progress, cargo, command};

/// The packages that are functions; each builds a binary of its own name.
const FUNCTIONS: [&str; 4] = ["collect", "start-crawler", "run-query", "export-csv"];

/// The path of each function's binary, by the function's name.
pub(super) type Binaries = BTreeMap<String, PathBuf>;

/// Builds the functions in release mode and returns the paths of their binaries.
pub(super) async fn functions(root: &Path, progress: &dyn Progress) -> anyhow::Result<Binaries> {
    progress.step("building the functions");
    let mut build = Command::from(cargo());
    build.args(["build", "--release", "--message-format", "json-render-diagnostics"]);
    build.args(FUNCTIONS.iter().flat_map(|name| ["--bin", name]));
    // How far it is, which it otherwise shows on a terminal only.
    build.current_dir(root).env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    let messages = command::read(build, progress).await.context("the functions do not build")?;
    let binaries = executables(&messages);
    if let Some(missing) = FUNCTIONS.iter().find(|name| !binaries.contains_key(**name)) {
        bail!("cargo built no binary {missing}; the package {missing} must have one of its own name");
    }
    progress.done(&format!("{} functions built", binaries.len()));
    Ok(binaries)
}

/// Cargo's message about an artifact, see <https://doc.rust-lang.org/cargo/reference/external-tools.html>.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

fn executables(messages: &str) -> Binaries {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let named = artifacts.filter_map(|artifact| Some((artifact.target.name, artifact.executable?)));
    named.filter(|(name, _)| FUNCTIONS.contains(&name.as_str())).collect()
}

/// The objects that the sample event of `export-csv` names, in the workspace.
const SAMPLES: [&str; 2] =
    ["functions/export-csv/events/query_result.csv", "functions/export-csv/events/symbols.jsonl"];

/// Their folder in a stage.
pub(super) fn samples(stage: &Path) -> PathBuf {
    stage.join("samples")
}

/// Lays out the template, the state machine and the functions as the template expects them, in a new folder `stage`.
/// Returns the path of the template there.
///
/// Where the template names a folder with a binary there is a package of it, see `package.py`.
pub(super) async fn stage(
    root: &Path,
    binaries: &Binaries,
    python: &Environment,
    stage: &Path,
) -> anyhow::Result<PathBuf> {
    let template = lay_out(root, stage)?;
    let mut package = Command::new(python.program("python"));
    package.arg("-I").arg(root.join("local/package.py")).arg(stage.join("target/lambda")).args(binaries.values());
    command::run(package, &()).await.context("the functions cannot be packaged")?;
    Ok(template)
}

fn lay_out(root: &Path, stage: &Path) -> anyhow::Result<PathBuf> {
    if stage.exists() {
        fs::remove_dir_all(stage).with_context(|| format!("cannot remove {}", stage.display()))?;
    }
    let template = stage.join("template.yaml");
    copy(&root.join("template.yaml"), &template)?;
    let definitions = root.join("statemachine");
    let entries = fs::read_dir(&definitions).with_context(|| format!("cannot read {}", definitions.display()))?;
    for entry in entries {
        let name = entry?.file_name();
        copy(&definitions.join(&name), &stage.join("statemachine").join(&name))?;
    }
    for sample in SAMPLES.map(|sample| root.join(sample)) {
        let name = sample.file_name().context("a sample has no name")?;
        copy(&sample, &samples(stage).join(name))?;
    }
    Ok(template)
}

/// A digest of everything that a deployment depends on: the staged files with their paths, and the parameters.
pub(super) fn fingerprint(stage: &Path, parameters: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    for path in files(stage)? {
        let content = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.strip_prefix(stage)?.as_os_str().as_encoded_bytes();
        [name, &content].into_iter().for_each(|part| digest.update(Sha256::digest(part)));
    }
    digest.update(serde_json::to_vec(parameters)?);
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// All files below a folder, in an order that depends on nothing but their paths.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    let nested = paths.into_iter().map(|path| if path.is_dir() { files(&path) } else { Ok(vec![path]) });
    Ok(nested.collect::<anyhow::Result<Vec<_>>>()?.concat())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)
        .and_then(|()| fs::copy(from, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binaries_are_read_from_cargos_messages() {
        let messages = r#"
{"reason":"compiler-artifact","package_id":"p","target":{"name":"collect","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","package_id":"p","target":{"name":"collect","kind":["bin"]},"executable":"/t/arm/release/collect"}
{"reason":"compiler-artifact","package_id":"p","target":{"name":"other","kind":["bin"]},"executable":"/t/release/other"}
{"reason":"build-script-executed","package_id":"p"}
{"reason":"build-finished","success":true}"#;
        let expected = Binaries::from([("collect".to_owned(), PathBuf::from("/t/arm/release/collect"))]);
        assert_eq!(executables(messages), expected);
    }

    #[test]
    fn a_stage_holds_what_is_deployed_and_nothing_else() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("statemachine"))?;
        fs::create_dir_all(at("functions/export-csv/events"))?;
        fs::create_dir_all(at("home/stage/target/lambda/former"))?;
        for file in ["template.yaml", "statemachine/pipeline.asl.json"].into_iter().chain(SAMPLES) {
            fs::write(at(file), file)?;
        }
        let template = lay_out(root.path(), &at("home/stage"))?;
        assert_eq!(fs::read_to_string(template)?, "template.yaml");
        assert_eq!(
            fs::read_to_string(at("home/stage/statemachine/pipeline.asl.json"))?,
            "statemachine/pipeline.asl.json"
        );
        for (sample, name) in SAMPLES.into_iter().zip(["query_result.csv", "symbols.jsonl"]) {
            assert_eq!(fs::read_to_string(samples(&at("home/stage")).join(name))?, sample);
        }
        assert!(!at("home/stage/target").exists());
        Ok(())
    }

    #[test]
    fn a_fingerprint_changes_with_each_file_path_and_parameter() -> anyhow::Result<()> {
        let stage = tempfile::tempdir()?;
        let parameters = |value: &str| BTreeMap::from([("MarketUrl".to_owned(), value.to_owned())]);
        let at = |path: &str| stage.path().join(path);
        fs::create_dir(at("statemachine"))?;
        fs::write(at("template.yaml"), "a")?;
        fs::write(at("statemachine/pipeline.asl.json"), "b")?;
        let mut seen = vec![fingerprint(stage.path(), &parameters("x"))?];
        assert_eq!(fingerprint(stage.path(), &parameters("x"))?, seen[0]);
        seen.push(fingerprint(stage.path(), &parameters("y"))?);
        fs::write(at("statemachine/pipeline.asl.json"), "c")?;
        seen.push(fingerprint(stage.path(), &parameters("x"))?);
        fs::rename(at("statemachine/pipeline.asl.json"), at("statemachine/watch.asl.json"))?;
        seen.push(fingerprint(stage.path(), &parameters("x"))?);
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), 4);
        Ok(())
    }

    #[test]
    fn a_missing_file_is_named() -> anyhow::Result<()> {
        let root = tempfile::tempdir()?;
        let error = lay_out(root.path(), &root.path().join("stage")).map_err(|error| error.to_string());
        assert!(error.is_err_and(|error| error.contains("template.yaml")));
        Ok(())
    }
}
