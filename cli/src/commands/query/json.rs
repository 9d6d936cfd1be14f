//! The JSON forms of the listed queries, and of a result.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

use super::{Answer, listing::Listed};
use crate::{
    aws::athena::Column,
    output::json::{Place, seconds},
};

#[derive(Debug, Serialize)]
pub struct ListJson {
    #[serde(flatten)]
    place: Place,
    queries: Vec<ListedJson>,
}

#[derive(Debug, Serialize)]
struct ListedJson {
    query: String,
    description: String,
    /// `None` where its text does not name them.
    parameters: Option<Vec<String>>,
    deployed: bool,
}

impl ListJson {
    pub fn of(listed: &[Listed], place: Place) -> Self {
        let query = |Listed { query, deployed }: &Listed| ListedJson {
            query: query.name.clone(),
            description: query.description.clone(),
            parameters: query.parameters().map(|all| all.into_iter().map(|it| it.name).collect()),
            deployed: *deployed,
        };
        Self { place, queries: listed.iter().map(query).collect() }
    }
}

#[derive(Debug, Serialize)]
pub struct AnswerJson<'a> {
    #[serde(flatten)]
    place: Place,
    query: Option<&'a str>,
    /// The values of the `?`, in their order.
    parameters: Vec<&'a str>,
    execution: &'a str,
    bytes_scanned: u64,
    seconds: f64,
    columns: Vec<ColumnJson>,
    rows: Vec<RowJson>,
}

#[derive(Debug, Clone, Serialize)]
struct ColumnJson {
    name: String,
    r#type: String,
}

/// A row: an object with the columns in their order.
#[derive(Debug)]
struct RowJson(Vec<(String, Value)>);

impl Serialize for RowJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'a> AnswerJson<'a> {
    pub fn of(answer: &'a Answer, place: Place) -> Self {
        let columns = columns(&answer.result.columns);
        let row = |row: &Vec<Option<String>>| {
            let values = columns.iter().zip(row);
            RowJson(values.map(|(column, value)| (column.name.clone(), json_value(&column.r#type, value))).collect())
        };
        Self {
            place,
            query: answer.query.name.as_deref(),
            parameters: answer.query.values.iter().map(|value| value.text.as_str()).collect(),
            execution: &answer.id,
            bytes_scanned: answer.succeeded.bytes_scanned,
            seconds: seconds(answer.succeeded.duration.as_secs_f64()),
            rows: answer.result.rows.iter().map(row).collect(),
            columns,
        }
    }
}

/// The columns, of which a second one of a name gets a number, so that an object has both.
fn columns(columns: &[Column]) -> Vec<ColumnJson> {
    let mut taken = BTreeSet::new();
    let unique = |column: &Column| {
        let numbered = (2..).map(|number| format!("{}_{number}", column.name));
        let name = std::iter::once(column.name.clone()).chain(numbered).find(|name| taken.insert(name.clone()));
        ColumnJson { name: name.unwrap_or_default(), r#type: column.data_type.clone() }
    };
    columns.iter().map(unique).collect()
}

/// A number and a boolean as such, what JSON has no number for (`NaN`), and all else, as text.
fn json_value(data_type: &str, value: &Option<String>) -> Value {
    let Some(text) = value else { return Value::Null };
    match data_type {
        "boolean" => text.parse().map_or_else(|_| text.as_str().into(), Value::Bool),
        _ if is_numeric(data_type) => {
            serde_json::from_str(text).map_or_else(|_| text.as_str().into(), |number: Number| Value::Number(number))
        }
        _ => text.as_str().into(),
    }
}

/// Whether a type of Athena is a number.
/// <https://docs.aws.amazon.com/athena/latest/ug/data-types.html>
pub fn is_numeric(data_type: &str) -> bool {
    matches!(data_type, "tinyint" | "smallint" | "integer" | "int" | "bigint" | "double" | "float" | "real")
        || data_type.starts_with("decimal")
}
