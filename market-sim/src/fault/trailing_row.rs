//! Faults at the end of the rows: each form of the row that Yahoo appends, and missing last bars.

use std::ops::Range;

use serde_json::json;

use super::reply_rows::{Row, Table};

/// In seconds. No whole number of minutes, so the row lies inside a bar of any length.
const OFF_THE_GRID: i64 = 47;
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// How many bars are missing.
const MISSING: usize = 12;

pub fn closing(table: &mut Table) {
    append(table, |session, _| session.end);
}

pub fn live(table: &mut Table) {
    append(table, |_, newest| newest + OFF_THE_GRID);
}

pub fn foreign(table: &mut Table) {
    let Some(session) = table.session() else { return };
    let next =
        table.sessions.iter().find(|next| next.start >= session.end).map_or(session.end + DAY_SECONDS, |next| next.end);
    append(table, |_, _| next);
}

pub fn auction(table: &mut Table) {
    closing(table);
    let highest = table.rows.iter().filter_map(|row| row.cells[1].as_f64()).fold(f64::MIN, f64::max);
    if let Some(last) = table.rows.last_mut() {
        *last = Row { cells: [(); 5].map(|()| json!((highest * 1.25) as f32)), ..last.clone() };
        last.cells[4] = json!(50_000);
    }
}

/// Replaces the appended row by one with the latest price, whose timestamp is computed from the session and its newest bar.
fn append(table: &mut Table, timestamp: impl Fn(&Range<i64>, i64) -> i64) {
    let Some(session) = table.session() else { return };
    table.rows.retain(|row| row.at < session.end);
    table.rows.pop_if(|last| *last == Row::flat(last.at, &last.cells[3]));
    let newest = table.rows.iter().rfind(|row| row.is_traded());
    let row = newest.map(|newest| Row::flat(timestamp(&session, newest.at), &newest.cells[3]));
    table.rows.extend(row);
}

pub fn without_the_end(table: &mut Table) {
    let Some(session) = table.session() else { return };
    let bars = table.rows.iter().filter(|row| row.at < session.end).count();
    table.rows.drain(bars.saturating_sub(MISSING)..bars);
}
