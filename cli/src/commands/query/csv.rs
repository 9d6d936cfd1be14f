//! A result as CSV: quoted only where needed, NULL as nothing.

use crate::aws::athena::ResultSet;

/// The names of the columns, and every row, each line ended by a line feed.
///
/// # Errors
/// None that is expected: it is written to memory.
pub fn of(result: &ResultSet) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(result.columns.iter().map(|column| column.name.as_str()))?;
    for row in &result.rows {
        writer.write_record(row.iter().map(|value| value.as_deref().unwrap_or_default()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
