//! The ways to read the CSV in `docs/data.md`, run as they are written there.

use std::{fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{Document, OutFolder, Tools};
use serde_json::{Value, json};
use shared::{HourlyExtreme, hourly_extreme};

use crate::{Context, trials};

trials![each_recipe_gives_every_value];

/// Prints what a recipe has read, as a list of rows with the datetimes in seconds since 1970.
const PRINT: &str = r#"
import datetime, json
def value(it):
    if isinstance(it, datetime.datetime) and it.tzinfo:
        return int(it.timestamp())
    return str(it)[:10] if isinstance(it, datetime.date) else it
print(json.dumps([[value(it) for it in row] for row in rows]))
"#;

/// Symbols that look like a missing value and a boolean, of exchanges with three offsets and three currencies.
const SYMBOLS: [&str; 5] = ["NA", "TRUE", "META", "VOD.L", "7203.T"];

async fn each_recipe_gives_every_value(context: Arc<Context>) -> Result<()> {
    let run = context.stack.export(&json!({"trade_date": "2026-08-19", "symbols": SYMBOLS})).await?;
    let mut rows = hourly_extreme::read(run.csv.as_bytes())?;
    for row in rows.iter_mut().filter(|row| row.symbol.as_str() == "META") {
        row.company_name = "=1+1".to_owned();
        row.currency = None;
    }
    let only_true: Vec<_> = rows.iter().filter(|row| row.symbol.as_str() == "TRUE").cloned().collect();
    let whole: Vec<_> = rows.iter().filter(|row| row.symbol.as_str() == "NA").cloned().map(whole_prices).collect();
    let data = Document::read(&context.tools.root, "docs/data.md")?;
    let recipes = recipes(data.section("Reading recipes")?)?;
    for rows in [&rows, &only_true, &whole] {
        ensure!(rows.len() >= 7, "{rows:?}");
        let out = OutFolder::create()?;
        fs::write(out.join("hourly_extremes.csv"), hourly_extreme::write(rows)?)?;
        for (recipe, unknown) in &recipes {
            let read = read(&context.tools, recipe, &out.arg()).await?;
            let expected = rows.iter().map(|row| expected(row, unknown)).collect::<Vec<_>>();
            let difference = read.iter().zip(&expected).find(|(read, expected)| read != expected);
            ensure!(read == expected, "{} rows of {}, {difference:?}:\n{recipe}", read.len(), expected.len());
        }
    }
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

/// The recipes that can be run here, each with what it makes of an unknown currency.
fn recipes(section: &str) -> Result<Vec<(&str, Value)>> {
    let blocks = section.split("\n```").skip(1).step_by(2);
    let recipes: Vec<_> = blocks.filter(|block| !block.starts_with("r\n")).collect();
    ensure!(recipes.len() == 3, "{recipes:#?}");
    Ok(recipes.into_iter().zip([Value::Null, json!(""), Value::Null]).collect())
}

/// What a recipe reads of the CSV in the folder.
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

/// A row as every recipe has to read it.
fn expected(row: &HourlyExtreme, unknown: &Value) -> Value {
    let name = if row.company_name == "=1+1" { "'=1+1" } else { &row.company_name };
    let currency = row.currency.as_ref().map_or_else(|| unknown.clone(), |code| json!(code));
    let seconds = |at: &jiff::Zoned| at.timestamp().as_second();
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
