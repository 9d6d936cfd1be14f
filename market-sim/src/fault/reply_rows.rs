//! The bars of a serialised reply by row, so that rows can be changed.

use std::ops::Range;

use serde_json::{Value, json};

/// The columns in the order of [`Row::cells`]; the first four are prices.
pub const COLUMNS: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// One timestamp and its cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Unix seconds.
    pub at: i64,
    /// Open, high, low, close, volume.
    pub cells: [Value; 5],
}

impl Row {
    /// One price in all four columns, without volume: the form of a row that is not a bar.
    pub fn flat(at: i64, price: &Value) -> Self {
        Self { at, cells: [price.clone(), price.clone(), price.clone(), price.clone(), json!(0)] }
    }

    /// Whether no cell is null.
    pub fn is_traded(&self) -> bool {
        self.cells.iter().all(|cell| !cell.is_null())
    }
}

/// The rows of a reply, and its sessions.
#[derive(Debug)]
pub struct Table {
    pub symbol: String,
    /// The rows in the order in which they are sent.
    pub rows: Vec<Row>,
    /// The sessions of `meta.tradingPeriods`, from open to close in Unix seconds, in order.
    pub sessions: Vec<Range<i64>>,
}

impl Table {
    /// A sample of the rows with a trade: every thirteenth, or more of them to get three; never the first or last.
    pub fn sample(&mut self) -> impl Iterator<Item = &mut Row> {
        let inner = self.rows.iter().filter(|row| row.is_traded()).count().saturating_sub(2);
        self.rows.iter_mut().filter(|row| row.is_traded()).skip(1).take(inner).step_by((inner / 3).clamp(1, 13))
    }

    /// The newest session that has rows.
    pub fn session(&self) -> Option<Range<i64>> {
        let has_rows = |session: &&Range<i64>| self.rows.iter().any(|row| session.contains(&row.at));
        self.sessions.iter().rfind(has_rows).cloned()
    }
}

/// Applies `change` to the rows of `body`, if it has any.
pub fn edit(body: &mut Value, change: fn(&mut Table)) {
    if let Some(mut table) = body.pointer("/chart/result/0").and_then(read) {
        change(&mut table);
        write(body, &table.rows);
    }
}

fn read(result: &Value) -> Option<Table> {
    let quote = result.pointer("/indicators/quote/0")?;
    let row =
        |(i, at): (usize, &Value)| Some(Row { at: at.as_i64()?, cells: COLUMNS.map(|name| quote[name][i].clone()) });
    let rows = result["timestamp"].as_array()?.iter().enumerate().map(row).collect::<Option<_>>()?;
    let periods = &result["meta"]["tradingPeriods"];
    let listed = periods.as_array().or_else(|| periods["regular"].as_array())?;
    let session = |period: &Value| Some(period[0]["start"].as_i64()?..period[0]["end"].as_i64()?);
    let symbol = result["meta"]["symbol"].as_str()?.to_owned();
    Some(Table { symbol, rows, sessions: listed.iter().map(session).collect::<Option<_>>()? })
}

fn write(body: &mut Value, rows: &[Row]) {
    let column = |i: usize| rows.iter().map(|row| row.cells[i].clone()).collect::<Vec<_>>();
    let quote: Value = COLUMNS.iter().enumerate().map(|(i, name)| ((*name).to_owned(), json!(column(i)))).collect();
    if let Some(result) = body.pointer_mut("/chart/result/0") {
        result["timestamp"] = rows.iter().map(|row| row.at).collect();
        result["indicators"] = json!({"quote": [quote]});
    }
}
