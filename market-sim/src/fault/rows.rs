//! Faults in rows. Which rows are changed depends on their position alone.

use serde_json::{Value, json};

use super::reply_rows::Table;
use crate::rng::Rng;

/// The number of columns that are prices; volume comes after them.
const PRICES: usize = 4;

pub fn null(table: &mut Table) {
    table.sample().for_each(|row| row.cells.fill(Value::Null));
}

pub fn partial(table: &mut Table) {
    table.sample().enumerate().for_each(|(i, row)| row.cells[i % row.cells.len()] = Value::Null);
}

pub fn not_a_number(table: &mut Table) {
    let texts = ["NaN", "Infinity", "-Infinity"];
    table.sample().enumerate().for_each(|(i, row)| row.cells[i % PRICES] = json!(texts[i % texts.len()]));
}

pub fn integers(table: &mut Table) {
    let whole = |cell: &mut Value| *cell = cell.as_f64().map(|price| price.round() as i64).into();
    table.rows.iter_mut().flat_map(|row| row.cells.iter_mut().take(PRICES)).for_each(whole);
}

pub fn huge_volume(table: &mut Table) {
    const BEYOND_32_BITS: u64 = 5_000_000_000;
    for volume in table.rows.iter_mut().filter_map(|row| row.cells.last_mut()) {
        if let Some(traded) = volume.as_u64().filter(|traded| *traded > 0) {
            *volume = json!(traded + BEYOND_32_BITS);
        }
    }
}

pub fn duplicate(table: &mut Table) {
    let twice: Vec<_> = table.sample().map(|row| row.clone()).collect();
    table.rows.extend(twice);
    table.rows.sort_by_key(|row| row.at);
}

pub fn shuffled(table: &mut Table) {
    let mut rng = Rng::new(&table.symbol, "shuffled rows", 0);
    for i in (1..table.rows.len()).rev() {
        table.rows.swap(i, rng.below(i + 1));
    }
}

pub fn zero_prices(table: &mut Table) {
    table
        .sample()
        .enumerate()
        .for_each(|(i, row)| row.cells[i % PRICES] = if i % 2 == 0 { json!(0) } else { json!(-1.5) });
}

pub fn crossed_prices(table: &mut Table) {
    for (i, row) in table.sample().enumerate() {
        let [open, high, low, ..] = &mut row.cells;
        let off = |price: &Value, by: f64| json!(price.as_f64().map(|price| price + by));
        if i % 2 == 0 { *high = off(low, -1.0) } else { *open = off(high, 1.0) }
    }
}

pub fn one_bar(table: &mut Table) {
    table.rows.retain(|row| row.is_traded());
    table.rows.truncate(1);
}

pub fn split(table: &mut Table) {
    const FOR_ONE: f64 = 10.0;
    for row in table.rows.iter_mut().filter(|row| row.is_traded()) {
        let [prices @ .., volume] = &mut row.cells;
        prices.iter_mut().for_each(|price| scale(price, 1.0 / FOR_ONE));
        *volume = volume.as_u64().map(|units| units * FOR_ONE as u64).into();
    }
    if let Some(row) = table.sample().next() {
        row.cells.fill(Value::Null);
    }
}

pub fn pounds_among_pence(table: &mut Table) {
    let Some(session) = table.session() else { return };
    if let Some(last) = table.rows.iter_mut().rfind(|row| session.contains(&row.at) && row.is_traded()) {
        let [_, _, low, close, volume] = &mut last.cells;
        scale(low, 0.01);
        close.clone_from(low);
        *volume = json!(0);
    }
}

pub fn first_row_no_volume(table: &mut Table) {
    let Some(session) = table.session() else { return };
    if let Some(first) = table.rows.iter_mut().find(|row| session.contains(&row.at) && row.is_traded()) {
        let [_, high, low, _, volume] = &mut first.cells;
        scale(high, 1.05);
        scale(low, 0.95);
        *volume = json!(0);
    }
}

pub fn off_grid(table: &mut Table) {
    table.sample().for_each(|row| row.at += 17);
}

/// Multiplies a price, at the precision that Yahoo has.
pub fn scale(price: &mut Value, by: f64) {
    *price = price.as_f64().map(|price| f64::from((price * by) as f32)).into();
}
