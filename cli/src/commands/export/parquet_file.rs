//! The Parquet file of the days: typed columns, each with a dictionary, compressed by Snappy.
//!
//! A time becomes two columns: the instant, in UTC, and under the name with `_local` behind it the exchange's clock, without a
//! zone. <https://parquet.apache.org/docs/file-format/types/logicaltypes/>

use std::sync::Arc;

use anyhow::{Context, ensure};
use jiff::{
    Unit,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use parquet::{
    basic::Compression,
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type},
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};

use super::columns::{Column, Value};

/// Readers work on the groups of a file in parallel, and hold a few of them at once.
const ROWS_OF_A_GROUP: usize = 1 << 18;

/// The file.
///
/// # Errors
/// Those of the Parquet writer.
pub fn of<Row>(rows: &[Row], columns: &[Column<Row>]) -> anyhow::Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(&schema(columns))?);
    let properties = Arc::new(WriterProperties::builder().set_compression(Compression::SNAPPY).build());
    let mut file = SerializedFileWriter::new(Vec::new(), schema, properties)?;
    for rows in rows.chunks(ROWS_OF_A_GROUP) {
        let mut group = file.next_row_group()?;
        for Column { name, value } in columns {
            write(&mut group, rows, value).with_context(|| format!("the column {name} cannot be written"))?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?)
}

/// The columns in the notation of Parquet's own schemas.
fn schema<Row>(columns: &[Column<Row>]) -> String {
    let fields = columns.iter().map(|Column { name, value }| match value {
        Value::Text(_) => format!("optional binary {name} (STRING);"),
        Value::Date(_) => format!("required int32 {name} (DATE);"),
        Value::Time(_) => format!(
            "required int64 {name} (TIMESTAMP(MICROS,true)); required int64 {name}_local (TIMESTAMP(MICROS,false));"
        ),
        Value::Price(_) | Value::Percent(_) | Value::Range(_) => format!("optional double {name};"),
        Value::Count(_) => format!("required int64 {name};"),
    });
    format!("message finstream {{ {} }}", fields.collect::<String>())
}

/// Writes a column; two of a time.
fn write<Row>(group: &mut Group<'_>, rows: &[Row], value: &Value<Row>) -> anyhow::Result<()> {
    let rows = rows.iter();
    match value {
        Value::Text(text) => optional::<ByteArrayType>(
            group,
            rows.map(|row| text(row).map(|text| ByteArray::from(text.as_bytes().to_vec()))),
        ),
        Value::Date(date) => required::<Int32Type>(group, rows.map(|row| days_since_1970(date(row)))),
        Value::Time(time) => {
            required::<Int64Type>(group, rows.clone().map(|row| Ok(time(row).timestamp().as_microsecond())))?;
            required::<Int64Type>(group, rows.map(|row| microseconds(time(row).datetime())))
        }
        Value::Price(price) => optional::<DoubleType>(group, rows.map(|row| price(row).map(|price| price.get()))),
        Value::Percent(percent) | Value::Range(percent) => optional::<DoubleType>(group, rows.map(percent)),
        Value::Count(count) => required::<Int64Type>(group, rows.map(|row| Ok(i64::try_from(count(row))?))),
    }
}

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

fn required<T: DataType>(
    group: &mut Group<'_>,
    values: impl Iterator<Item = anyhow::Result<T::T>>,
) -> anyhow::Result<()> {
    next_column::<T>(group, &values.collect::<Result<Vec<_>, _>>()?, None)
}

/// Levels of 1 mark the rows that have a value.
fn optional<T: DataType>(group: &mut Group<'_>, values: impl Iterator<Item = Option<T::T>>) -> anyhow::Result<()> {
    let (mut levels, mut known) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(value.is_some()));
        known.extend(value);
    }
    next_column::<T>(group, &known, Some(&levels))
}

fn next_column<T: DataType>(group: &mut Group<'_>, values: &[T::T], levels: Option<&[i16]>) -> anyhow::Result<()> {
    let mut column = group.next_column()?.context("the schema has fewer columns")?;
    let written = column.typed::<T>().write_batch(values, levels, None)?;
    ensure!(written == values.len(), "{written} of {} values were written", values.len());
    Ok(column.close()?)
}

fn days_since_1970(date: Date) -> anyhow::Result<i32> {
    Ok(date.since((Unit::Day, Date::constant(1970, 1, 1)))?.get_days())
}

/// From the beginning of 1970 on the same clock.
fn microseconds(on_the_clock: DateTime) -> anyhow::Result<i64> {
    Ok(on_the_clock.to_zoned(TimeZone::UTC)?.timestamp().as_microsecond())
}
