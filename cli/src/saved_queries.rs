//! Saved queries: SQL that the stack keeps by name in its Athena workgroup, and what the comment at its top says of it. Those of
//! this version are files of `sql/`, which `template.yaml` deploys.
//!
//! The comment says what a row is, `-- One row: …`, and in its last paragraph what the `?` stand for, in their order:
//! `-- Parameters: 1. trade_date  2. interval`. Further words, after a comma, explain a parameter.

use crate::sql;

/// The queries of this version: the file without its extension, and its text.
const FILES: [(&str, &str); 6] = [
    ("coverage", include_str!("../../sql/coverage.sql")),
    ("day_bars", include_str!("../../sql/day_bars.sql")),
    ("hourly_extremes_so_far", include_str!("../../sql/hourly_extremes_so_far.sql")),
    ("latest_bars", include_str!("../../sql/latest_bars.sql")),
    ("movers", include_str!("../../sql/movers.sql")),
    ("restatements", include_str!("../../sql/restatements.sql")),
];

/// A query with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedQuery {
    pub name: String,
    /// What a row is, or what else whoever saved it says of it; may be empty.
    pub description: String,
    pub sql: String,
}

/// Those of this version, by name. A name is that of the file, with hyphens.
pub fn built_in() -> Vec<SavedQuery> {
    let query = |(file, sql): &(&str, &str)| SavedQuery {
        name: file.replace('_', "-"),
        description: row(sql),
        sql: (*sql).to_owned(),
    };
    FILES.iter().map(query).collect()
}

/// A `?` of a query, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// What the comment calls it, such as `trade_date`.
    pub name: String,
    /// What the comment says of it; may be empty.
    pub meaning: String,
}

impl SavedQuery {
    /// What its `?` stand for; `None` where its comment does not say it of each.
    pub fn parameters(&self) -> Option<Vec<Parameter>> {
        let comment = comment(&self.sql);
        let (_, named) = comment.rsplit_once("Parameters: 1. ").unwrap_or_default();
        let named = named.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let mut parameters = Vec::new();
        let mut rest = named.as_str();
        while !rest.is_empty() {
            let (one, others) = rest.split_once(&format!(" {}. ", parameters.len() + 2)).unwrap_or((rest, ""));
            let (name, meaning) = one.split_once(',').unwrap_or((one, ""));
            parameters.push(Parameter { name: name.trim().to_owned(), meaning: meaning.trim().to_owned() });
            rest = others;
        }
        (parameters.len() == sql::count_placeholders(&self.sql)).then_some(parameters)
    }
}

/// The lines of the comment at the top, without their hyphens.
fn comment(sql: &str) -> String {
    let lines = sql.lines().map_while(|line| line.strip_prefix("--"));
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The first sentence of the comment: what a row is.
fn row(sql: &str) -> String {
    let comment = comment(sql).replace('\n', " ");
    let (sentence, _) = comment.split_once(". ").unwrap_or((&comment, ""));
    sentence.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
