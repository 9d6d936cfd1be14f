use std::{env, error::Error, fs};

use super::*;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml");

/// The section of the template begins after the first of these and ends before the second.
const SECTION: [&str; 2] = [
    "cargo test --release -p finstream saved_queries writes this section anew.\n  # ------------------------------------------------------------\
     -------------------------------------------------\n",
    "\n  # ------",
];

/// A query as a resource of the template.
fn resource(query: &SavedQuery) -> String {
    let capitalized = |word: &str| word[..1].to_uppercase() + &word[1..];
    let logical_id: String = query.name.split('-').map(capitalized).collect();
    let sql: String = query.sql.lines().map(|line| format!("        {line}").trim_end().to_owned() + "\n").collect();
    format!(
        "  {logical_id}Query:\n    Type: AWS::Athena::NamedQuery\n    Properties:\n      Name: {}\n      Description: '{}'\n      \
         Database: !Ref Database\n      WorkGroup: !Ref WorkGroup\n      QueryString: |\n{sql}",
        query.name,
        query.description.replace('\'', "''"),
    )
}

#[test]
fn the_template_deploys_the_files() -> Result<(), Box<dyn Error>> {
    let template = fs::read_to_string(TEMPLATE)?;
    let (before, rest) = template.split_once(SECTION[0]).ok_or("the template has no section of saved queries")?;
    let (section, after) = rest.split_once(SECTION[1]).ok_or("nothing follows the section")?;
    let expected = built_in().iter().map(resource).collect::<Vec<_>>().join("\n");
    if env::var_os("UPDATE_TEMPLATE").is_some() {
        fs::write(TEMPLATE, [before, SECTION[0], &expected, SECTION[1], after].concat())?;
    } else {
        assert!(section == expected, "run this test with UPDATE_TEMPLATE=1: template.yaml differs from sql/");
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html>
#[test]
fn each_says_what_a_row_and_a_parameter_is_within_athenas_limits() {
    for query in built_in() {
        let SavedQuery { name, description, sql } = &query;
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-') && name.len() <= 128, "{name}");
        assert!(description.starts_with("One row: ") && description.len() <= 1_024, "{name}: {description}");
        assert!(sql.len() <= 262_144, "{name}");
        let parameters = query.parameters().unwrap_or_default();
        assert!(parameters.len() > 2, "{name}: {parameters:?}");
    }
}

/// The queries of one day select from the same bars, and those of a range call the same bars restated.
#[test]
fn the_rules_of_the_data_are_the_same_in_all() -> Result<(), Box<dyn Error>> {
    let sql = |file: &str| FILES.iter().find(|(name, _)| *name == file).map(|(_, sql)| *sql).ok_or("no such file");
    let between = |text: &'static str, start: &str, end: &str| -> Result<&'static str, Box<dyn Error>> {
        let from = text.find(start).ok_or("the rule does not begin")?;
        let length = text[from..].find(end).ok_or("the rule does not end")?;
        Ok(&text[from..from + length])
    };
    let of_day = between(sql("day_bars")?, "WITH ", "\nSELECT ")?;
    let of_range = between(sql("coverage")?, "WITH ", ",\nby_hour AS")?;
    assert!(of_day.ends_with(')') && of_day.lines().count() > 40 && of_range.lines().count() > 40);
    for file in ["hourly_extremes_so_far", "latest_bars", "movers"] {
        assert!(sql(file)?.contains(of_day), "sql/{file}.sql has not\n{of_day}");
    }
    // It says, too, which run it was and when.
    let restatements = sql("restatements")?.replace(" run_id, collected_at, collected,", "");
    let restatements = restatements.replace(" collected_at,\n", "\n");
    assert!(restatements.contains(of_range), "sql/restatements.sql has not\n{of_range}");
    Ok(())
}

#[test]
fn the_comment_is_read_to_its_end() {
    let named = |names: &[(&str, &str)]| {
        let parameter = |(name, meaning): &(&str, &str)| Parameter { name: (*name).into(), meaning: (*meaning).into() };
        Some(names.iter().map(parameter).collect::<Vec<_>>())
    };
    for (sql, description, parameters) in [
        ("SELECT 1", "", named(&[])),
        ("SELECT ?", "", None),
        ("-- One row: a bar. More.\n--\n-- Parameters: 1. day\n\nSELECT ?", "One row: a bar", named(&[("day", "")])),
        (
            "-- One row: a\n-- bar.\n-- Parameters: 1. from, the first\n-- day  2. to\n-- of both\nSELECT ? || ?",
            "One row: a bar",
            named(&[("from", "the first day"), ("to of both", "")]),
        ),
        ("-- Parameters: 1. day\nSELECT ?, ?", "Parameters: 1", None),
    ] {
        let query = SavedQuery { name: "q".into(), description: row(sql), sql: sql.into() };
        assert_eq!((query.description.as_str(), query.parameters()), (description, parameters), "{sql}");
    }
}
