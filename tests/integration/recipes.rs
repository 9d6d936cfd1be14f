//! The ways to read the CSV, the Parquet file and the lake that docs/data.md shows, run as they are written there.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Document, OutFolder, Tools};
use jiff::{SignedDuration, Zoned};
use serde_json::{Value, json};
use shared::{Bar, HourlyExtreme, RunId, TradeDate, hourly_extreme};

use crate::{Context, trials};

trials![each_recipe_of_the_csv_gives_every_value, each_recipe_of_the_bars_gives_every_bar_once];

/// Prints what a recipe has read, as a list of rows with the datetimes in seconds since 1970, those without a zone as in UTC.
const PRINT: &str = r#"
import datetime, json
def value(it):
    if it is None or it != it:
        return None
    if isinstance(it, datetime.datetime):
        midnight = (it.hour, it.minute, it.second) == (0, 0, 0)
        if it.tzinfo is None and midnight:
            return str(it)[:10]
        return int((it if it.tzinfo else it.replace(tzinfo=datetime.timezone.utc)).timestamp())
    return str(it)[:10] if isinstance(it, datetime.date) else it
print(json.dumps([[value(it) for it in row] for row in rows]))
"#;

/// Symbols that look like a missing value and a boolean, of exchanges with three offsets and three currencies.
const SYMBOLS: [&str; 5] = ["NA", "TRUE", "META", "VOD.L", "7203.T"];

async fn each_recipe_of_the_csv_gives_every_value(context: Arc<Context>) -> Result<()> {
    let run = context.stack.export(&json!({"trade_date": "2026-08-19", "symbols": SYMBOLS})).await?;
    let mut rows = hourly_extreme::read(run.csv.as_bytes())?;
    for row in rows.iter_mut().filter(|row| row.symbol.as_str() == "META") {
        row.company_name = "=1+1".to_owned();
        (row.currency, row.previous_close) = (None, None);
    }
    let only_true: Vec<_> = rows.iter().filter(|row| row.symbol.as_str() == "TRUE").cloned().collect();
    let whole: Vec<_> = rows.iter().filter(|row| row.symbol.as_str() == "NA").cloned().map(whole_prices).collect();
    let recipes = recipes(&context.tools, "Read the CSV", 3)?;
    for rows in [&rows, &only_true, &whole] {
        ensure!(rows.len() >= 7, "{rows:?}");
        let out = OutFolder::create()?;
        fs::write(out.join("hourly_extremes.csv"), hourly_extreme::write(rows)?)?;
        for (recipe, unknown) in recipes.iter().zip([Value::Null, json!(""), Value::Null]) {
            let read = read(&context.tools, recipe, &out.arg()).await?;
            equal(&read, &rows.iter().map(|row| expected(row, &unknown)).collect::<Vec<_>>(), recipe)?;
        }
    }
    Ok(())
}

/// Two runs of a list leave each bar twice in the lake; the recipes, and the command, give each once.
async fn each_recipe_of_the_bars_gives_every_bar_once(context: Arc<Context>) -> Result<()> {
    const DATE: &str = "2026-07-08";
    const LIST: &str = "recipes";
    let companies: Vec<_> = SYMBOLS.iter().map(|symbol| ("=1+1", *symbol)).collect();
    context.stack.put_list(LIST, &companies).await?;
    for _ in 0..2 {
        context.stack.export(&json!({"trade_date": DATE, "list": LIST})).await?;
    }
    // The ticks of the open session, collected later: of bars that the runs have, too, and of one that they lack.
    let lake = context.stack.lake(DATE).await?.concat();
    let hours = SignedDuration::from_hours;
    let (trade_date, latest) =
        (DATE.parse::<TradeDate>()?, lake.iter().map(|bar| bar.collected_at).max().context("no bars")?);
    let tick =
        |bar: &Bar| Bar { run_id: RunId::live(trade_date), collected_at: latest + hours(1), volume: 7, ..bar.clone() };
    let mut ticks: Vec<_> = last_writes(&lake).into_iter().take(3).map(tick).collect();
    ticks.extend(ticks.last().cloned().map(|bar| Bar { ts: &bar.ts + hours(9), ..bar }));
    context.stack.put_bars(trade_date, &[ticks]).await?;
    let lake = context.stack.lake(DATE).await?.concat();
    let expected = last_writes(&lake);
    ensure!(expected.len() > 300 && lake.len() >= 2 * expected.len(), "{} of {}", expected.len(), lake.len());

    let out = OutFolder::create()?;
    let parquet =
        ["export", DATE, "--list", LIST, "--bars", "--format", "parquet", "--out", &out.arg()].map(str::to_owned);
    let ended = context.tools.finstream_on(&context.stack.cloud, &parquet.each_ref().map(String::as_str)).await?;
    ensure!(ended.code == 0, "{}", ended.text);
    let of_parquet: Vec<_> = expected.iter().map(|bar| bar_of_parquet(bar)).collect();
    for recipe in recipes(&context.tools, "Read a Parquet file", 3)? {
        equal(&read(&context.tools, &recipe, &out.arg()).await?, &of_parquet, &recipe)?;
    }

    download_lake(&context, DATE, &out).await?;
    let of_lake: Vec<_> = expected.iter().map(|bar| bar_of_lake(bar)).collect();
    let lake_recipes = recipes(&context.tools, "Read the lake", 4)?;
    for recipe in lake_recipes.iter().filter(|recipe| !recipe.starts_with("sh\n")) {
        equal(&read(&context.tools, recipe, &out.arg()).await?, &of_lake, recipe)?;
    }
    Ok(())
}

/// Copies the day's objects as the documents say, every other one compressed, as Firehose writes them on AWS.
async fn download_lake(context: &Context, date: &str, out: &OutFolder) -> Result<()> {
    let (uri, folder) =
        (context.stack.in_data_bucket(format!("bars/trade_date={date}/"))?, format!("bars/trade_date={date}"));
    let to = out.join(&folder);
    context.aws(&["s3", "cp", "--recursive", "--only-show-errors", &uri.to_string(), &to.to_string_lossy()]).await.ok();
    let files: Vec<_> = fs::read_dir(&to)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    ensure!(files.len() >= 2, "{files:?}");
    for file in files.iter().step_by(2) {
        gzip(file)?;
    }
    Ok(())
}

/// Replaces a file by its compressed form.
fn gzip(file: &Path) -> Result<()> {
    let compressed = fs::File::create(file.with_extension("gz"))?;
    let mut encoder = flate2::write::GzEncoder::new(compressed, flate2::Compression::fast());
    std::io::copy(&mut fs::File::open(file)?, &mut encoder)?;
    encoder.finish()?;
    Ok(fs::remove_file(file)?)
}

/// Of each bar that which a run collected last, or else a tick, by symbol and start.
pub fn last_writes(lake: &[Bar]) -> Vec<&Bar> {
    let mut last = BTreeMap::new();
    for bar in lake {
        let newest = last.entry((&bar.symbol, bar.ts.timestamp())).or_insert(bar);
        let rank = |bar: &Bar| (!bar.run_id.is_live(bar.trade_date), bar.collected_at, bar.run_id.clone());
        if rank(bar) > rank(newest) {
            *newest = bar;
        }
    }
    last.into_values().collect()
}

fn equal(read: &[Value], expected: &[Value], recipe: &str) -> Result<()> {
    let difference = read.iter().zip(expected).find(|(read, expected)| read != expected);
    ensure!(read == expected, "{} rows of {}, {difference:?}:\n{recipe}", read.len(), expected.len());
    Ok(())
}

/// The row with prices that have no decimals, so that all of them look like integers.
fn whole_prices(row: HourlyExtreme) -> HourlyExtreme {
    let whole = |price: shared::Price| shared::Price::from_wire(price.get().ceil()).unwrap_or(price);
    HourlyExtreme {
        highest_hourly_price: whole(row.highest_hourly_price),
        lowest_hourly_price: whole(row.lowest_hourly_price),
        open: row.open.map(whole),
        close: row.close.map(whole),
        previous_close: row.previous_close.map(whole),
        ..row
    }
}

/// The recipes of a section that can be run here, which must be that many.
fn recipes(tools: &Tools, section: &str, count: usize) -> Result<Vec<String>> {
    let data = Document::read(&tools.root, "docs/data.md")?;
    let recipes = data.section("Reading recipes")?;
    let (_, text) =
        recipes.split_once(&format!("\n### {section}\n")).with_context(|| format!("no section {section}"))?;
    let blocks = text.split("\n### ").next().unwrap_or_default().split("\n```").skip(1).step_by(2);
    let recipes: Vec<_> = blocks.filter(|block| !block.starts_with("r\n")).map(str::to_owned).collect();
    ensure!(recipes.len() == count, "{recipes:#?}");
    Ok(recipes)
}

/// What a recipe reads of the files in the folder.
async fn read(tools: &Tools, recipe: &str, folder: &str) -> Result<Vec<Value>> {
    let chdir = "import os, sys\nos.chdir(sys.argv[1])\n";
    let (language, code) = recipe.split_once('\n').context("no code")?;
    let run = match language {
        "sql" => {
            let query = "import duckdb\nrows = duckdb.sql(sys.argv[2]).fetchall()\n";
            tools.python(&[chdir, query, PRINT].concat(), &[folder, code]).await?
        }
        _ => {
            let rows = "\nrows = rows.itertuples(index=False) if hasattr(rows, 'itertuples') else rows.iter_rows()\n";
            tools.python_with_readers(&[chdir, code, rows, PRINT].concat(), &[folder]).await?
        }
    };
    serde_json::from_str(&run.text).with_context(|| format!("{}\n{recipe}", run.text))
}

fn seconds(at: &Zoned) -> i64 {
    at.timestamp().as_second()
}

/// A row as every recipe has to read it.
fn expected(row: &HourlyExtreme, unknown: &Value) -> Value {
    let name = if row.company_name == "=1+1" { "'=1+1" } else { &row.company_name };
    let currency = row.currency.as_ref().map_or_else(|| unknown.clone(), |code| json!(code));
    json!([
        name,
        row.symbol,
        row.trade_date,
        row.hour,
        seconds(&row.datetime_high),
        row.highest_hourly_price,
        seconds(&row.datetime_low),
        row.lowest_hourly_price,
        row.bars,
        row.volume,
        currency,
        row.open,
        row.close,
        row.source,
        row.previous_close,
    ])
}

fn bar_of_parquet(bar: &Bar) -> Value {
    let Bar { symbol, company_name, trade_date, ts, open, high, low, close, volume, currency, .. } = bar;
    let local = seconds(ts) + i64::from(ts.offset().seconds());
    json!([symbol, company_name, trade_date, seconds(ts), local, open, high, low, close, volume, currency, "simulated"])
}

fn bar_of_lake(bar: &Bar) -> Value {
    let Bar { symbol, company_name, trade_date, ts, open, high, low, close, volume, currency, .. } = bar;
    json!([symbol, company_name, trade_date, seconds(ts), open, high, low, close, volume, currency])
}
