//! The end of the rows: the row that Yahoo appends, in each of its forms, and bars that are not there yet.

use std::ops::Range;

use super::table::{Row, Table};

/// Inside a bar of any length: 47 is no whole number of minutes.
const OFF_THE_GRID: i64 = 47;
const DAY: i64 = 24 * 60 * 60;
const DOZEN: usize = 12;

pub fn closing(table: &mut Table) {
    append(table, |session, _| session.end);
}

pub fn live(table: &mut Table) {
    append(table, |_, newest| newest + OFF_THE_GRID);
}

pub fn foreign(table: &mut Table) {
    let Some(session) = table.session() else { return };
    let next = table.sessions.iter().find(|next| next.start >= session.end).map_or(session.end + DAY, |next| next.end);
    append(table, |_, _| next);
}

/// Puts a row with the latest price, stamped by the session and its newest bar, in the place of the row that is there.
fn append(table: &mut Table, stamp: impl Fn(&Range<i64>, i64) -> i64) {
    let Some(session) = table.session() else { return };
    table.rows.retain(|row| row.at < session.end);
    table.rows.pop_if(|last| *last == Row::flat(last.at, &last.cells[3]));
    let newest = table.rows.iter().rfind(|row| row.is_traded());
    let row = newest.map(|newest| Row::flat(stamp(&session, newest.at), &newest.cells[3]));
    table.rows.extend(row);
}

pub fn without_the_end(table: &mut Table) {
    let Some(session) = table.session() else { return };
    let bars = table.rows.iter().filter(|row| row.at < session.end).count();
    table.rows.drain(bars.saturating_sub(DOZEN)..bars);
}
