//! The values of a query's `?`: what the options of the command say, as literals of SQL.

use anyhow::anyhow;
use jiff::{Timestamp, ToSpan};
use shared::{Symbol, TradeDate};

use crate::{
    args::{BadRequest, ValueArgs, range},
    saved_queries::{Parameter, SavedQuery},
    sql,
};

/// The most characters of a value.
/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html>
const MAX_CHARS: usize = 1_024;

/// A value, and the literal by which it is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What the saved query calls it; `None` of SQL without such names.
    pub name: Option<String>,
    /// As it was given.
    pub text: String,
    pub literal: String,
}

impl Value {
    /// A value of `--param`: a number as it is, anything else as text, which may stand in single quotes.
    fn of_option(text: &str) -> Self {
        let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let literal = match quoted {
            Some(inner) => quote(&inner.replace("''", "'")),
            None if is_number(text) => text.to_owned(),
            None => quote(text),
        };
        Self { name: None, text: text.to_owned(), literal }
    }

    fn of_parameter(name: &str, text: String) -> Self {
        Self { name: Some(name.to_owned()), literal: quote(&text), text }
    }

    /// As progress names it: `interval 5m`.
    pub fn describe(&self) -> String {
        self.name.iter().map(|name| format!("{name} ")).collect::<String>() + &self.text
    }
}

/// A text as a literal of SQL.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether it is a literal of SQL for a number: `7`, `-0.25`, `1.5E10`.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(mantissa, e)| (mantissa, Some(e)));
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let is_decimal = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    is_decimal && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
}

/// The values of `--param` for a statement, which needs as many.
///
/// # Errors
/// When there are more or fewer, or one is too long.
pub fn of_options(sql: &str, params: &[String]) -> Result<Vec<Value>, BadRequest> {
    let (expected, given) = (sql::count_placeholders(sql), params.len());
    if expected != given {
        return Err(BadRequest(format!(
            "the SQL has {expected} ?, and --param was given {given} times: give one value for each ?, in their order"
        )));
    }
    check_length(params.iter().map(|text| Value::of_option(text)).collect())
}

/// Whether the newest day of the lake stands for a value that was not given.
pub fn need_newest_day(parameters: &[Parameter], given: &ValueArgs) -> bool {
    let has = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    (has("trade_date") && given.trade_date.is_none()) || ((has("from") || has("to")) && given.to.is_none())
}

/// The values for a saved query of these parameters. `newest` is the newest day of the lake.
///
/// # Errors
/// A [`BadRequest`] when an option does not belong to the query, one of its parameters is none that an option stands for, the
/// range is empty or too long, or a value is too long. Another error when the newest day is needed and the lake is empty.
pub fn of_parameters(
    query: &SavedQuery,
    parameters: &[Parameter],
    given: &ValueArgs,
    newest: Option<TradeDate>,
) -> anyhow::Result<Vec<Value>> {
    refuse_foreign_options(query, parameters, given)?;
    let missing = || {
        anyhow!(
            "the lake holds no bars yet: collect some with `cargo finstream run`; where Live is enabled, the next tick of the \
             open session brings some, too"
        )
    };
    let to = || given.to.or(newest).ok_or_else(missing);
    let days = || -> anyhow::Result<_> {
        let to = to()?;
        let from = given.from.unwrap_or_else(|| to.date().saturating_sub(6.days()).into());
        Ok(range(from, Some(to), Timestamp::now())?)
    };
    let text = |Parameter { name, .. }: &Parameter| match name.as_str() {
        "trade_date" => Ok(given.trade_date.or(newest).ok_or_else(missing)?.to_string()),
        "from" => Ok(days()?.start().to_string()),
        "to" => Ok(days()?.end().to_string()),
        "interval" => Ok(given.interval.unwrap_or_default().to_string()),
        "symbols" => Ok(given.symbols.as_ref().map_or_else(
            || "*".to_owned(),
            |symbols| symbols.iter().map(Symbol::as_str).collect::<Vec<_>>().join(","),
        )),
        other => Err(anyhow!(BadRequest(format!(
            "no option stands for the parameter {other} of {}: give all its values with --param, in their order: {}",
            query.name,
            names(parameters)
        )))),
    };
    let value = |parameter: &Parameter| Ok(Value::of_parameter(&parameter.name, text(parameter)?));
    Ok(check_length(parameters.iter().map(value).collect::<anyhow::Result<_>>()?)?)
}

/// The names of parameters, as in `trade_date, interval`.
pub fn names(parameters: &[Parameter]) -> String {
    parameters.iter().map(|parameter| parameter.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn refuse_foreign_options(query: &SavedQuery, parameters: &[Parameter], given: &ValueArgs) -> Result<(), BadRequest> {
    let ValueArgs { trade_date, from, to, symbols, interval } = given;
    let options = [
        ("trade_date", trade_date.is_some()),
        ("from", from.is_some()),
        ("to", to.is_some()),
        ("symbols", symbols.is_some()),
        ("interval", interval.is_some()),
    ];
    let has = |name: &str| parameters.iter().any(|parameter| parameter.name == name);
    match options.into_iter().find(|(name, is_given)| *is_given && !has(name)) {
        Some((name, _)) => {
            Err(BadRequest(format!("{} has no parameter {name}: its parameters are {}", query.name, names(parameters))))
        }
        None => Ok(()),
    }
}

fn check_length(values: Vec<Value>) -> Result<Vec<Value>, BadRequest> {
    match values.iter().find(|value| value.literal.chars().count() > MAX_CHARS) {
        Some(Value { text, .. }) => Err(BadRequest(format!(
            "a value has {} characters, and Athena takes at most {MAX_CHARS} with its quotes: name fewer symbols, or leave them out for all",
            text.chars().count()
        ))),
        None => Ok(values),
    }
}

#[cfg(test)]
mod tests;
