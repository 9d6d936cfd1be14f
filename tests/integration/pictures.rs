//! What reports of real runs look like in a browser, and how they are used there: `tests/pictures`, in headless Chromium.
//!
//! Ignored where Chromium, Node.js, npm or pdftotext is missing. The reports and their screenshots stay in `target/pictures`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use harness::{DEFAULT_COMPANIES, ExportedRun, run};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::{process::Command, runtime::Handle, sync::OnceCell};

use crate::{Context, trial};

/// What the program of the browser may be called.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// The lists of the larger reports, and how many companies each has: the most that have a row each, and more.
const MANY: (&str, usize) = ("pictures", 500);
const MOST: (&str, usize) = ("most-pictures", 600);

pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let missing = missing().join(", ");
    let kind = if missing.is_empty() { String::new() } else { format!("needs {missing}") };
    let trials = [
        trial(concat!(module_path!(), "::the_report_of_ten_companies"), runtime, context, ten),
        trial(concat!(module_path!(), "::the_report_of_five_hundred_companies"), runtime, context, many),
        trial(concat!(module_path!(), "::the_report_of_more_companies"), runtime, context, most),
    ];
    trials.map(|trial| trial.with_kind(kind.clone()).with_ignored_flag(!missing.is_empty())).into()
}

async fn ten(context: Arc<Context>) -> Result<()> {
    look(&context, &json!({"trade_date": "2026-10-23"}), DEFAULT_COMPANIES.len()).await
}

async fn many(context: Arc<Context>) -> Result<()> {
    look_at_list(&context, MANY).await
}

async fn most(context: Arc<Context>) -> Result<()> {
    look_at_list(&context, MOST).await
}

/// Looks at the report of a list of so many companies.
async fn look_at_list(context: &Context, (list, count): (&str, usize)) -> Result<()> {
    let letters = || b'A'..=b'Z';
    let symbols = letters().flat_map(|a| letters().map(move |b| format!("P{}{}", char::from(a), char::from(b))));
    let companies: Vec<_> = symbols.take(count).map(|symbol| (format!("Company {symbol} Inc."), symbol)).collect();
    let companies: Vec<_> = companies.iter().map(|(name, symbol)| (name.as_str(), symbol.as_str())).collect();
    context.stack.put_list(list, &companies).await?;
    look(context, &json!({"trade_date": "2026-10-26", "list": list}), count).await
}

/// Runs the pipeline, and looks at its report.
async fn look(context: &Context, input: &Value, companies: usize) -> Result<()> {
    static INSTALLED: OnceCell<()> = OnceCell::const_new();
    let tests = context.tools.root.join("tests/pictures");
    INSTALLED.get_or_try_init(|| install(&tests)).await?;

    let ExportedRun { report, symbols, .. } = context.stack.export(input).await?;
    ensure!(symbols.collected.len() == companies, "{symbols:?}");
    let captures = context.tools.root.join("target/pictures");
    fs::create_dir_all(&captures)?;
    let page = captures.join(format!("report-{companies}.html"));
    fs::write(&page, context.stack.object(&report).await?)?;

    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec"]).current_dir(&tests);
    node.env("CHROMIUM", browser().context("no Chromium")?).env("REPORT", &page).env("CAPTURES", &captures);
    node.env("SYMBOLS", companies.to_string());
    let looked = run(&mut node).await?;
    ensure!(looked.code == 0, "{}\nthe report is {}", looked.text, page.display());
    let is_notable = |line: &&str| [" KiB, first paint ", "install fonts"].iter().any(|text| line.contains(text));
    looked.stdout.lines().filter(is_notable).for_each(|line| println!("{line}"));
    Ok(())
}

/// Installs the packages of `package-lock.json`, unless they are there. The copy of that file is written last.
async fn install(folder: &Path) -> Result<()> {
    let (lock, installed) = (folder.join("package-lock.json"), folder.join("node_modules/.installed.json"));
    let pins = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    if fs::read(&installed).is_ok_and(|it| it == pins) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    let ran = run(&mut npm).await?;
    ensure!(ran.code == 0, "npm ci needs a connection to the npm registry, once: {}", ran.text);
    Ok(fs::write(installed, pins)?)
}

/// What these tests need and this machine does not have.
fn missing() -> Vec<&'static str> {
    let found = [
        ("Chromium", browser()),
        ("Node.js", find("node")),
        ("npm", find("npm")),
        ("pdftotext (of poppler-utils)", find("pdftotext")),
    ];
    found.into_iter().filter(|(_, path)| path.is_none()).map(|(name, _)| name).collect()
}

/// The program that `$CHROMIUM` names, or the first of [`BROWSERS`] that is installed.
fn browser() -> Option<PathBuf> {
    env::var_os("CHROMIUM").map(PathBuf::from).or_else(|| BROWSERS.into_iter().find_map(find))
}

/// The path of an installed program.
fn find(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}
