//! `finstream query`: lists the saved queries of the lake, and runs one of them, or SQL of one's own that reads.

mod csv;
mod error;
mod json;
mod listing;
mod table;
mod values;

use std::{io::Read, path::Path, pin::pin};

use anyhow::anyhow;

use crate::{
    args::{BadRequest, QueryArgs, ValueArgs},
    aws::{
        athena::{self, ResultSet, Succeeded},
        named_queries, s3,
        target::Target,
    },
    exit::Exit,
    interrupt::{Interrupted, interrupted, unless_interrupted},
    output::{
        console::{Console, Format, print},
        format::{format_duration, pluralize},
        progress::ProgressDisplay,
        terminal::{Styled, Terminal},
    },
    saved_queries, sql,
};
use json::{AnswerJson, ListJson};
use values::Value;

/// How many rows are shown without `--all`.
const MAX_ROWS: usize = 100;

/// A query with the values of its `?`.
#[derive(Debug, Clone)]
pub struct BoundQuery {
    /// The name of the saved query; `None` of SQL of one's own.
    name: Option<String>,
    sql: String,
    values: Vec<Value>,
}

/// A query that has succeeded, and its rows.
#[derive(Debug)]
pub struct Answer {
    query: BoundQuery,
    /// The id of its execution.
    id: String,
    succeeded: Succeeded,
    result: ResultSet,
}

pub async fn query(args: QueryArgs, console: &Console) -> anyhow::Result<Exit> {
    if args.csv && console.format == Format::Json {
        return Err(BadRequest("--csv and --json are two forms of one answer: use one of them".to_owned()).into());
    }
    let progress = console.progress();
    let own = args.sql.as_deref().map(|file| own_query(file, &args.params)).transpose()?;
    let target = unless_interrupted(Target::find(&args.target, &progress)).await?;
    let query = match (own, &args.name) {
        (Some(query), _) => query,
        (None, Some(name)) => {
            unless_interrupted(bind_saved(&target, name, &args.values, &args.params, &progress)).await?
        }
        (None, None) => return unless_interrupted(list(&target, console, &progress)).await,
    };
    let answer = run(&target, query, &progress).await?;
    if args.csv {
        print(csv::of(&answer.result)?.trim_end_matches('\n'))?;
    } else {
        let limit = if args.all { usize::MAX } else { MAX_ROWS };
        console.answer(answer.text(limit, Terminal::stdout()), &AnswerJson::of(&answer, target.place()))?;
    }
    progress.report(&answer.cost());
    Ok(Exit::Done)
}

/// The statement of a file, or of standard input where that is named `-`.
fn own_query(file: &Path, params: &[String]) -> anyhow::Result<BoundQuery> {
    let is_standard_input = file == Path::new("-");
    let name = if is_standard_input { "standard input".into() } else { file.display().to_string() };
    let text = if is_standard_input {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    let text = text.map_err(|error| BadRequest(format!("{name} cannot be read: {error}")))?;
    // A semicolon at the end is for shells of databases.
    let sql = text.trim_end().trim_end_matches(';').trim_end().to_owned();
    if sql::is_empty(&sql) {
        return Err(BadRequest(format!("{name} has no SQL")).into());
    }
    let values = values::of_options(&sql, params)?;
    Ok(BoundQuery { name: None, sql: reading(sql)?, values })
}

/// The SQL, if it only reads.
fn reading(sql: String) -> Result<String, BadRequest> {
    match sql::writing_keyword(&sql) {
        Some(keyword) => Err(BadRequest(format!(
            "{keyword} is not run: finstream query only reads (SELECT, WITH, VALUES, TABLE, SHOW, DESCRIBE, EXPLAIN); \
             for other statements use Athena itself, in the stack's workgroup"
        ))),
        None => Ok(sql),
    }
}

/// A saved query of the stack with its values, by `--param` where that is given. Where the stack does not have it, or its queries
/// may not be read, that of this version.
///
/// # Errors
/// When there is none of that name, or as [`values::of_parameters`].
pub async fn bind_saved(
    target: &Target,
    name: &str,
    given: &ValueArgs,
    params: &[String],
    progress: &ProgressDisplay,
) -> anyhow::Result<BoundQuery> {
    progress.start_step("looking up the saved query");
    let deployed = named_queries::all(target).await?;
    let known: Vec<_> = deployed.iter().flatten().map(|query| query.name.clone()).collect();
    let query = match deployed.into_iter().flatten().find(|query| query.name == name) {
        Some(query) => query,
        None => {
            let query = saved_queries::built_in().into_iter().find(|query| query.name == name);
            let query = query.ok_or_else(|| BadRequest(unknown(name, known)))?;
            progress.report(&format!(
                "the workgroup's saved query {name} is missing, or may not be read: taking the one of this version"
            ));
            query
        }
    };
    let values = match query.parameters() {
        Some(parameters) if params.is_empty() => {
            let newest = match values::need_newest_day(&parameters, given) {
                true => s3::newest_date(&target.s3, target.output("DataBucket")?, "bars/trade_date=").await?,
                false => None,
            };
            values::of_parameters(&query, &parameters, given, newest)?
        }
        _ => values::of_options(&query.sql, params)?,
    };
    Ok(BoundQuery { name: Some(query.name), sql: reading(query.sql)?, values })
}

/// The message about a name that no saved query has; `known` are names of those that are there.
fn unknown(name: &str, mut known: Vec<String>) -> String {
    known.extend(saved_queries::built_in().into_iter().map(|query| query.name));
    known.sort();
    known.dedup();
    format!("there is no saved query {name}: use one of {}, or --sql for a file", known.join(", "))
}

/// Runs a query to its end; Ctrl-C stops it.
///
/// # Errors
/// When it fails, with the line of the SQL that Athena names, or [`Interrupted`].
pub async fn run(target: &Target, query: BoundQuery, progress: &ProgressDisplay) -> anyhow::Result<Answer> {
    let of = query.values.iter().map(Value::describe).collect::<Vec<_>>().join(", ");
    if let Some(name) = &query.name {
        let separator = if of.is_empty() { "" } else { ": " };
        progress.report(&format!("{name}{separator}{of}"));
    } else if !of.is_empty() {
        progress.report(&format!("with {of}"));
    }
    progress.start_step("querying the lake");
    let literals: Vec<_> = query.values.iter().map(|value| value.literal.clone()).collect();
    let failed = |error| error::explain(error, &query.sql);
    let mut interrupt = pin!(interrupted());
    let (id, is_interrupted) = {
        let mut starting = pin!(athena::start(target, &query.sql, &literals));
        // A query that is being started cannot be stopped before its id is known.
        tokio::select! {
            id = &mut starting => (id, false),
            () = &mut interrupt => (starting.await, true),
        }
    };
    let id = id.map_err(failed)?;
    let ended = async { if is_interrupted { None } else { Some(athena::wait(target, &id).await) } };
    let ended = tokio::select! {
        ended = ended => ended,
        () = &mut interrupt, if !is_interrupted => None,
    };
    let Some(ended) = ended else {
        progress.update("stopping the query");
        athena::stop(target, &id).await?;
        return Err(anyhow!(Interrupted).context(format!("the query {id} is stopped")));
    };
    let succeeded = ended.map_err(failed)?;
    progress.start_step("reading the result");
    let read = |rows| progress.overwrite(&format!("reading the result: {}", pluralize(rows, "row")));
    let result = unless_interrupted(athena::rows(target, &id, read)).await?;
    progress.clear();
    Ok(Answer { query, id, succeeded, result })
}

async fn list(target: &Target, console: &Console, progress: &ProgressDisplay) -> anyhow::Result<Exit> {
    progress.start_step("listing the saved queries");
    let deployed = named_queries::all(target).await?.unwrap_or_default();
    progress.clear();
    let listed = listing::of(deployed, saved_queries::built_in());
    let width = Terminal::stdout().width;
    console.answer(&listing::text(&listed, width), &ListJson::of(&listed, target.place()))?;
    Ok(Exit::Done)
}

impl Answer {
    /// The rows as a table, at most `limit` of them, and what of them is not shown.
    pub fn text(&self, limit: usize, terminal: Terminal) -> Styled {
        if self.result.rows.is_empty() {
            return Styled::from(&self.no_rows());
        }
        Styled::from(&table::of(&self.result, limit, terminal))
    }

    /// What it means that there are no rows, and which options may be why.
    fn no_rows(&self) -> String {
        if self.query.name.as_deref() == Some("restatements") {
            return "no rows: nothing was restated".to_owned();
        }
        let value_of = |name: &str| self.query.values.iter().find(|value| value.name.as_deref() == Some(name));
        let symbols = value_of("symbols").filter(|value| value.text != "*").map(|_| "--symbols");
        let options: Vec<_> = symbols.into_iter().chain(value_of("interval").map(|_| "--interval")).collect();
        let options = if options.is_empty() { String::new() } else { options.join(" and ") + ", and " };
        format!("no rows; if you expected some, see {options}`cargo finstream gaps` for what the lake holds")
    }

    /// What was read, how long it took, and what Athena charges for it.
    pub fn cost(&self) -> String {
        let Succeeded { bytes_scanned, duration, .. } = &self.succeeded;
        format!(
            "{}; scanned {} in {}; {}",
            pluralize(self.result.rows.len(), "row"),
            format_bytes(*bytes_scanned),
            format_duration(duration.as_secs_f64()),
            price(*bytes_scanned)
        )
    }
}

/// What Athena charges for a query in most regions, as of 2026: <https://aws.amazon.com/athena/pricing/>.
fn price(bytes_scanned: u64) -> String {
    const DOLLARS_PER_TERABYTE: f64 = 5.0;
    const LEAST: u64 = 10_000_000;
    let billed = bytes_scanned.max(LEAST);
    let dollars = billed as f64 / 1e12 * DOLLARS_PER_TERABYTE;
    let at_least = if bytes_scanned < LEAST { " (10 MB are the least that is billed)" } else { "" };
    format!("on AWS about ${dollars:.5}{at_least}")
}

/// `999 bytes`, `1.2 MB`.
fn format_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return pluralize(bytes as usize, "byte");
    }
    let mut value = bytes as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests;
