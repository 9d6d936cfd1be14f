//! The saved queries as they are listed.

use comfy_table::{ColumnConstraint::ContentWidth, presets::NOTHING};

use super::values::names;
use crate::{output::tables, saved_queries::SavedQuery, sql};

/// A saved query, and whether the stack has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub query: SavedQuery,
    /// Whether the workgroup has it; otherwise it is only this version's.
    pub deployed: bool,
}

impl Listed {
    /// The names of its parameters, or how many values it needs.
    pub fn parameters(&self) -> String {
        match (self.query.parameters(), sql::count_placeholders(&self.query.sql)) {
            (Some(parameters), _) => names(&parameters),
            (None, count) => format!("{count} --param"),
        }
    }
}

/// Those of the workgroup and those of this version that it lacks, by name.
pub fn of(deployed: Vec<SavedQuery>, built_in: Vec<SavedQuery>) -> Vec<Listed> {
    let lacking = built_in.into_iter().filter(|query| deployed.iter().all(|it| it.name != query.name));
    let lacking: Vec<_> = lacking.map(|query| Listed { query, deployed: false }).collect();
    let mut listed: Vec<_> = deployed.into_iter().map(|query| Listed { query, deployed: true }).collect();
    listed.extend(lacking);
    listed.sort_by(|one, other| one.query.name.cmp(&other.query.name));
    listed
}

/// The table, and what a name without a deployed query means. `width` is that of the terminal, in columns; where there is none,
/// the table has no rules.
pub fn text(listed: &[Listed], width: Option<usize>) -> String {
    let columns = u16::try_from(width.unwrap_or_default()).unwrap_or(u16::MAX);
    let mut table = tables::compact_table(&["query", "parameters", "one row"], Some(columns));
    if width.is_none() {
        table.load_style(NOTHING);
    }
    for it in listed {
        let description = it.query.description.strip_prefix("One row: ").unwrap_or(&it.query.description);
        // The first two clauses say what a row is, and the file the rest.
        let sentence = description.split(['.', ';']).next().unwrap_or(description);
        let description = sentence.split(", ").take(2).collect::<Vec<_>>().join(", ");
        let mark = if it.deployed { "" } else { " *" };
        table.add_row([format!("{}{mark}", it.query.name), it.parameters(), description]);
    }
    if let Some(column) = table.column_iter_mut().next() {
        column.set_constraint(ContentWidth);
    }
    if width.is_none() {
        table.column_iter_mut().for_each(|column| _ = column.set_padding((0, 2)));
    }
    let table = table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let note = "\n* of this version: the stack does not have it, or your user may not read its saved queries";
    let note = if listed.iter().all(|it| it.deployed) { "" } else { note };
    format!("{table}{note}")
}
