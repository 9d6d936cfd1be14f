//! `finstream lists`: shows, checks and changes the lists of companies in the data bucket. A change holds from the next run on;
//! S3 keeps the earlier versions.

mod json;

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, ensure};
use local::write_atomic;
use shared::{Companies, ListFormat, ListName, format::thousands};

use crate::{
    args::{BadRequest, ListsArgs, ListsCommand},
    aws::{
        lists::{self, ListFile},
        target::Target,
    },
    exit::Exit,
    output::{console::Console, progress::ProgressDisplay, tables, terminal::Terminal},
};
use json::{CompanyJson, ListJson, ListsJson, StoredJson};

/// How many companies of a list a terminal shows.
const MAX_COMPANIES: usize = 50;

pub async fn lists(args: ListsArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    if let Some(ListsCommand::Check { name, file: Some(file) }) = &args.command {
        // It needs no stack.
        let companies = checked(&read(file)?, &file.display().to_string())?;
        progress.report(&format!("{} can be pushed as {name}: {}", file.display(), count(&companies)));
        return Ok(Exit::Done);
    }
    let target = Target::find(&args.target, &progress).await?;
    match args.command {
        None => all(&target, console).await,
        Some(ListsCommand::Show { name }) => show(&target, &name, console).await,
        Some(ListsCommand::Check { name, .. }) => {
            let companies = checked(&lists::file(&target, &name).await?, &format!("the list {name}"))?;
            progress.report(&format!("the list {name} is right: {}", count(&companies)));
            Ok(Exit::Done)
        }
        Some(ListsCommand::Push { name, file }) => {
            let read = read(&file)?;
            let companies = checked(&read, &file.display().to_string())?;
            let uri = lists::write(&target, &name, read.format, read.text, None).await?;
            progress.report(&format!("{uri}: {}, from the next run on", count(&companies)));
            Ok(Exit::Done)
        }
        Some(ListsCommand::Pull { name, file }) => {
            let ListFile { text, format, .. } = lists::file(&target, &name).await?;
            let file = file.unwrap_or_else(|| PathBuf::from(format!("{name}.{}", format.extension())));
            ensure!(
                ListFormat::of_path(&file) == format,
                BadRequest(format!("the list {name} is written in {}: name a file that ends so", format.extension()))
            );
            write_atomic(&file, text.as_bytes())?;
            progress.report(&format!("the list {name} is in {}", file.display()));
            Ok(Exit::Done)
        }
        Some(ListsCommand::Edit { name }) => edit(&target, &name, &progress).await,
    }
}

async fn all(target: &Target, console: &Console) -> anyhow::Result<Exit> {
    let mut stored = Vec::new();
    let mut files = lists::all(target).await?;
    // One that is there in both formats is listed once, with that problem.
    files.dedup_by(|one, other| one.name == other.name);
    for list in files {
        let (companies, problem) = match lists::companies(target, &list.name).await {
            Ok(companies) => (Some(companies.symbols().len()), None),
            Err(error) => (None, Some(error.root_cause().to_string())),
        };
        stored.push(StoredJson { list: list.name, changed: Some(list.changed_at), companies, problem });
    }
    let default = ListName::default();
    if stored.iter().all(|list| list.list != default) {
        let companies = Some(Companies::built_in()?.symbols().len());
        stored.push(StoredJson { list: default, changed: None, companies, problem: None });
    }
    stored.sort_by(|one, other| one.list.cmp(&other.list));
    console.answer(&table(&stored), &ListsJson { place: target.place(), lists: stored })?;
    Ok(Exit::Done)
}

fn table(lists: &[StoredJson]) -> String {
    let mut table = tables::compact_table(&["list", "companies", "changed (UTC)"], None);
    for StoredJson { list, changed, companies, problem } in lists {
        let companies = match (companies, problem) {
            (Some(companies), _) => thousands(companies),
            (None, problem) => format!("not right: {}", problem.as_deref().unwrap_or_default()),
        };
        let changed = changed.map_or("built in".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string());
        table.add_row([list.to_string(), companies, changed]);
    }
    table.to_string()
}

async fn show(target: &Target, name: &ListName, console: &Console) -> anyhow::Result<Exit> {
    let companies = checked(&lists::file(target, name).await?, &format!("the list {name}"))?;
    let rows: Vec<_> = companies.symbols().iter().map(|symbol| CompanyJson::of(&companies, symbol)).collect();
    let most = if Terminal::stdout().width.is_some() { MAX_COMPANIES } else { usize::MAX };
    console.answer(
        &companies_table(name, &rows, most),
        &ListJson { place: target.place(), list: name, companies: rows },
    )?;
    Ok(Exit::Done)
}

/// A line for each company, of at most so many.
fn companies_table(name: &ListName, rows: &[CompanyJson<'_>], most: usize) -> String {
    let mut table = tables::compact_table(&["symbol", "name", "former symbols"], None);
    for CompanyJson { symbol, name, former } in rows.iter().take(most) {
        let former: Vec<_> = former.iter().map(|symbol| symbol.as_str()).collect();
        table.add_row([symbol.as_str(), name, &former.join(", ")]);
    }
    match rows.len().saturating_sub(most) {
        0 => table.to_string(),
        more => {
            format!("{table}\n… and {} more: cargo finstream lists pull {name} writes all to a file", thousands(more))
        }
    }
}

/// Opens the list in the user's editor, and writes it back unless it is unchanged or not right.
async fn edit(target: &Target, name: &ListName, progress: &ProgressDisplay) -> anyhow::Result<Exit> {
    let ListFile { text: before, etag, format } = lists::file(target, name).await?;
    let unique = rand::random::<u32>();
    let file = env::temp_dir().join(format!("finstream-{name}-{unique:08x}.{}", format.extension()));
    write_atomic(&file, before.as_bytes())?;
    open_editor(&file)?;
    let edited = read(&file)?;
    let kept = || format!("the list {name} stays as it was, and your text is in {}", file.display());
    if edited.text == before {
        progress.report(&format!("the list {name} stays as it was"));
    } else {
        let companies = checked(&edited, &file.display().to_string()).with_context(kept)?;
        let uri = lists::write(target, name, format, edited.text, Some(etag.as_deref())).await.with_context(kept)?;
        progress.report(&format!("{uri}: {}, from the next run on", count(&companies)));
    }
    std::fs::remove_file(&file).with_context(|| format!("{} could not be removed", file.display()))?;
    Ok(Exit::Done)
}

/// Waits until the editor that `VISUAL` or `EDITOR` names has closed the file; `vi` without them. Either may have arguments.
fn open_editor(file: &Path) -> anyhow::Result<()> {
    let named = |variable| env::var(variable).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(file).status();
    let status = status.with_context(|| {
        format!(
            "the editor {editor:?} did not start: name another in VISUAL or EDITOR, or use lists pull and lists push"
        )
    })?;
    ensure!(status.success(), "the editor {editor:?} ended with {status}, so the list stays as it was");
    Ok(())
}

/// A file on this machine, in CSV where its name says so.
fn read(file: &Path) -> anyhow::Result<ListFile> {
    let problem = |error| BadRequest(format!("{} cannot be read: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(problem)?;
    Ok(ListFile { text, format: ListFormat::of_path(file), etag: None })
}

/// # Errors
/// Every line that is wrong.
fn checked(file: &ListFile, what: &str) -> anyhow::Result<Companies> {
    Ok(file.companies().map_err(|error| BadRequest(format!("{what} is not right:\n{error}")))?)
}

fn count(companies: &Companies) -> String {
    crate::output::format::pluralize(companies.symbols().len(), "company")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_shown_with_what_is_wrong_with_them() -> Result<(), Box<dyn std::error::Error>> {
        let list = |name: &str, changed: Option<&str>, companies, problem: Option<&str>| {
            let changed = changed.map(str::parse).transpose()?;
            let problem = problem.map(str::to_owned);
            Ok::<_, Box<dyn std::error::Error>>(StoredJson { list: name.parse()?, changed, companies, problem })
        };
        let changed = Some("2026-11-20T22:30:00Z");
        let lists = vec![
            list("companies", None, Some(10), None)?,
            list("sp-500", changed, Some(500), None)?,
            list("tech", changed, None, Some("line 3: missing field `name`"))?,
        ];
        insta::assert_snapshot!(table(&lists));
        let form = ListsJson { place: crate::output::json::tests::place(), lists };
        insta::assert_snapshot!(crate::output::json::tests::documented(&form)?);
        Ok(())
    }

    #[test]
    fn a_terminal_shows_the_first_companies_of_a_large_list() -> Result<(), Box<dyn std::error::Error>> {
        let csv: String = (0..120).map(|n| format!("S{n},Company {n},F{n}\n")).collect();
        let companies = Companies::parse(&format!("symbol,name,former\n{csv}"), ListFormat::Csv)?;
        let rows: Vec<_> = companies.symbols().iter().map(|symbol| CompanyJson::of(&companies, symbol)).collect();
        let name = "market".parse()?;
        insta::assert_snapshot!(companies_table(&name, &rows, 3));
        assert!(!companies_table(&name, &rows, 120).contains('…'));
        Ok(())
    }

    #[test]
    fn a_list_in_json_names_former_symbols() -> Result<(), Box<dyn std::error::Error>> {
        let companies = Companies::parse(
            "[[company]]\nsymbol = \"META\"\nname = \"Meta Platforms\"\nformer = [\"FB\"]",
            ListFormat::Toml,
        )?;
        let name = ListName::default();
        let rows = companies.symbols().iter().map(|symbol| CompanyJson::of(&companies, symbol)).collect();
        let form = ListJson { place: crate::output::json::tests::place(), list: &name, companies: rows };
        insta::assert_snapshot!(crate::output::json::tests::documented(&form)?);
        Ok(())
    }
}
