//! The archive of a release: `.github/scripts/bundle` on the compiled functions.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

use crate::{Context, trials};

trials![an_archive_holds_what_sam_deploys, an_archive_is_not_made_of_less];

const FUNCTIONS: [&str; 4] = ["collect", "export-csv", "run-query", "start-crawler"];

/// A copy of the workspace as far as the script reads it, with this machine's binaries.
fn workspace(context: &Context) -> Result<tempfile::TempDir> {
    let (root, copy) = (&context.tools.root, tempfile::tempdir()?);
    let take = |from: &Path, to: &str| -> Result<()> {
        let to = copy.path().join(to);
        fs::create_dir_all(to.parent().context("no folder")?)?;
        fs::copy(from, to).with_context(|| from.display().to_string())?;
        Ok(())
    };
    for file in [".github/scripts/bundle", "template.yaml", "LICENSE"] {
        take(&root.join(file), file)?;
    }
    for machine in ["pipeline", "watch", "live"] {
        let file = format!("statemachine/{machine}.asl.json");
        take(&root.join(&file), &file)?;
    }
    for function in FUNCTIONS {
        let binary = format!("target/lambda/{function}/bootstrap");
        take(&context.tools.compiled(function), &binary)?;
        // Its header says Linux on x86_64, whatever this machine is.
        let mut content = fs::read(copy.path().join(&binary))?;
        content[..4].copy_from_slice(b"\x7fELF");
        content[18..20].copy_from_slice(&[0x3E, 0]);
        fs::write(copy.path().join(&binary), content)?;
    }
    Ok(copy)
}

/// Runs the script; returns its exit code and what it printed.
async fn bundle(workspace: &Path, args: &[&str]) -> Result<(Option<i32>, String)> {
    let output =
        Command::new(workspace.join(".github/scripts/bundle")).args(args).current_dir(workspace).output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
}

async fn an_archive_holds_what_sam_deploys(context: Arc<Context>) -> Result<()> {
    let workspace = workspace(&context)?;
    let root = workspace.path();
    for out in ["first", "second"] {
        let (code, text) = bundle(root, &["x86_64", "v1.2.3", out]).await?;
        ensure!(code == Some(0) && text.contains("finstream-v1.2.3-x86_64.zip"), "{text}");
    }
    let archive = |out: &str| root.join(out).join("finstream-v1.2.3-x86_64.zip");
    ensure!(fs::read(archive("first"))? == fs::read(archive("second"))?, "the same input gave other bytes");
    let checksum = "finstream-v1.2.3-x86_64.zip.sha256";
    let check = Command::new("sha256sum").args(["--check", checksum]).current_dir(root.join("first")).output().await?;
    ensure!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));

    let unpack = "import sys, zipfile\nzipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])\n\
                  for name in sys.argv[3:]:\n    inner = zipfile.ZipFile(f'{sys.argv[2]}/functions/{name}.zip').infolist()\n    \
                  print(name, [(one.filename, oct(one.external_attr >> 16), one.file_size > 100_000) for one in inner])";
    let unpacked = root.join("unpacked");
    let (archive, folder) = (archive("first"), unpacked.to_string_lossy().into_owned());
    let archive = archive.to_string_lossy();
    let args = [&[&*archive, &*folder], &FUNCTIONS[..]].concat();
    let run = context.tools.python(unpack, &args).await?;
    for function in FUNCTIONS {
        ensure!(run.text.contains(&format!("{function} [('bootstrap', '0o755', True)]")), "{}", run.text);
    }
    let template = unpacked.join("template.yaml");
    let text = fs::read_to_string(&template)?;
    for function in FUNCTIONS {
        ensure!(text.contains(&format!("CodeUri: functions/{function}.zip")), "{text}");
    }
    let parameter = text.split("\n  Architecture:\n").nth(1).context("no parameter")?;
    ensure!(parameter.lines().take(4).any(|line| line == "    Default: x86_64"), "{parameter}");
    let run =
        context.tools.tool("sam", &["validate", "--lint", "--template-file", &template.to_string_lossy()]).await?;
    ensure!(run.code == 0, "{}", run.text);
    Ok(())
}

async fn an_archive_is_not_made_of_less(context: Arc<Context>) -> Result<()> {
    let workspace = workspace(&context)?;
    let root = workspace.path();
    let script = root.join(".github/scripts/bundle");
    ensure!(fs::metadata(script)?.permissions().mode() & 0o111 != 0, "the script is not executable");
    for args in [&["riscv", "v1.2.3", "out"][..], &["arm64", "latest", "out"], &["arm64"]] {
        let (code, text) = bundle(root, args).await?;
        ensure!(code == Some(1) && text.contains("usage: bundle ARCHITECTURE VERSION OUT"), "{args:?}: {text}");
    }
    let (code, text) = bundle(root, &["arm64", "v1.2.3", "out"]).await?;
    ensure!(code == Some(1) && text.contains("is not a Linux binary for arm64: build it with `cargo lambda"), "{text}");
    fs::remove_file(root.join("target/lambda/run-query/bootstrap"))?;
    let (code, text) = bundle(root, &["x86_64", "v1.2.3", "out"]).await?;
    ensure!(code == Some(1) && text.contains("cargo lambda build --profile deploy --bin run-query"), "{text}");
    Ok(())
}
