use proptest::prelude::*;
use shared::{Interval, SymbolList};

use super::*;
use crate::{exit::Exit, saved_queries::built_in};

#[test]
fn a_value_is_a_number_or_a_text() {
    for (given, literal) in [
        ("5", "5"),
        ("-0.25", "-0.25"),
        ("1.5E10", "1.5E10"),
        ("1e-3", "1e-3"),
        ("2026-11-20", "'2026-11-20'"),
        ("O'Brien", "'O''Brien'"),
        ("'O''Brien'", "'O''Brien'"),
        ("'O'Brien'", "'O''Brien'"),
        ("'0700'", "'0700'"),
        ("'", "''''"),
        ("''", "''"),
        ("", "''"),
        ("7203.T", "'7203.T'"),
        (".5", "'.5'"),
        ("5.", "'5.'"),
        ("1e", "'1e'"),
        ("+5", "'+5'"),
        ("NaN", "'NaN'"),
        ("1 OR 1=1", "'1 OR 1=1'"),
        ("'; DROP TABLE bars --", "'''; DROP TABLE bars --'"),
    ] {
        assert_eq!(Value::of_option(given).literal, literal, "{given}");
    }
}

proptest! {
    #[test]
    fn no_value_is_more_than_one_literal(text in "[a-z0-9.'\\-; ]{0,12}") {
        let literal = Value::of_option(&text).literal;
        let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        prop_assert!(inner.is_none_or(|inner| !inner.replace("''", "").contains('\'')), "{literal}");
        prop_assert!(inner.is_some() || literal.parse::<f64>().is_ok(), "{literal}");
    }
}

#[test]
fn there_are_as_many_values_as_placeholders() -> Result<(), Box<dyn std::error::Error>> {
    for (sql, params, expected) in [
        ("SELECT 1", &[][..], Ok(0)),
        ("SELECT * FROM bars WHERE a = ? AND b = '?'", &["x"], Ok(1)),
        ("SELECT * FROM bars WHERE a = ?", &[], Err("the SQL has 1 ?, and --param was given 0 times")),
        ("SELECT 1", &["x", "y"], Err("the SQL has 0 ?, and --param was given 2 times")),
    ] {
        let params: Vec<_> = params.iter().map(|text| (*text).to_owned()).collect();
        match (of_options(sql, &params), expected) {
            (Ok(values), Ok(count)) => assert_eq!(values.len(), count),
            (Err(BadRequest(message)), Err(says)) => assert!(message.contains(says), "{message}"),
            (values, _) => return Err(format!("{sql}: {values:?}").into()),
        }
    }
    Ok(())
}

fn saved(name: &str) -> Option<(SavedQuery, Vec<Parameter>)> {
    let query = built_in().into_iter().find(|query| query.name == name)?;
    let parameters = query.parameters()?;
    Some((query, parameters))
}

#[test]
fn options_and_defaults_become_the_values_of_a_saved_query() -> Result<(), Box<dyn std::error::Error>> {
    let newest = Some("2026-11-20".parse()?);
    let symbols = SymbolList::try_from(vec!["META".parse()?, "BRK-B".parse()?])?;
    let all = ValueArgs::default();
    for (name, given, expected) in [
        ("latest-bars", all.clone(), Ok("2026-11-20 5m *")),
        (
            "day-bars",
            ValueArgs {
                trade_date: Some("2026-11-19".parse()?),
                symbols: Some(symbols.clone()),
                interval: Some(Interval::OneMinute),
                ..all.clone()
            },
            Ok("2026-11-19 1m META,BRK-B"),
        ),
        ("coverage", all.clone(), Ok("2026-11-14 2026-11-20 5m")),
        ("coverage", ValueArgs { to: Some("2026-11-10".parse()?), ..all.clone() }, Ok("2026-11-04 2026-11-10 5m")),
        (
            "restatements",
            ValueArgs { from: Some("2026-11-02".parse()?), ..all.clone() },
            Ok("2026-11-02 2026-11-20 5m"),
        ),
        (
            "coverage",
            ValueArgs { from: Some("2026-11-21".parse()?), ..all.clone() },
            Err("the range begins on 2026-11-21 and ends on 2026-11-20"),
        ),
        (
            "coverage",
            ValueArgs { symbols: Some(symbols), ..all.clone() },
            Err("coverage has no parameter symbols: its parameters are from, to, interval"),
        ),
        (
            "movers",
            ValueArgs { from: newest, ..all.clone() },
            Err("movers has no parameter from: its parameters are trade_date, interval, symbols"),
        ),
    ] {
        let (query, parameters) = saved(name).ok_or("no such query")?;
        match (of_parameters(&query, &parameters, &given, newest), expected) {
            (Ok(values), Ok(expected)) => {
                let texts: Vec<_> = values.iter().map(|value| value.text.as_str()).collect();
                assert_eq!(texts.join(" "), expected, "{name} {given:?}");
                assert!(values.iter().all(|value| value.literal == format!("'{}'", value.text)));
            }
            (Err(error), Err(says)) => {
                assert!(error.is::<BadRequest>() && error.to_string().contains(says), "{error}");
            }
            (values, _) => return Err(format!("{name} {given:?}: {values:?}").into()),
        }
        assert_eq!(need_newest_day(&parameters, &given), given.trade_date.or(given.to).is_none(), "{name} {given:?}");
    }
    let (query, parameters) = saved("latest-bars").ok_or("no such query")?;
    let empty = of_parameters(&query, &parameters, &all, None).err().ok_or("there is no newest day")?;
    assert!(empty.to_string().contains("the lake holds no bars yet"), "{empty}");
    assert_eq!(Exit::of_error(&empty), Exit::Failed, "the arguments are right");
    Ok(())
}

#[test]
fn what_no_option_stands_for_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let sql = "-- One row: a bar\n-- Parameters: 1. minimum, in dollars\nSELECT * FROM bars WHERE close > ?".to_owned();
    let query = SavedQuery { name: "mine".into(), description: String::new(), sql };
    let parameters = query.parameters().ok_or("it says what they are")?;
    let refused = of_parameters(&query, &parameters, &ValueArgs::default(), None);
    let says =
        "no option stands for the parameter minimum of mine: give all its values with --param, in their order: minimum";
    assert_eq!(refused.err().map(|error| error.to_string()).as_deref(), Some(says));

    let symbols: Vec<_> = (0..300).map(|number| format!("SYM{number}").parse()).collect::<Result<_, _>>()?;
    let many = ValueArgs { symbols: Some(SymbolList::try_from(symbols)?), ..ValueArgs::default() };
    let (query, parameters) = saved("latest-bars").ok_or("no such query")?;
    let refused = of_parameters(&query, &parameters, &many, Some("2026-11-20".parse()?));
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("at most 1024 with its quotes: name fewer symbols"), "{refused}");
    Ok(())
}
