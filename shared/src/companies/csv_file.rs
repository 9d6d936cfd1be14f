//! A list in CSV: a line for each company, below a header with the columns `symbol`, `name` and, if there is one, `former`, whose
//! symbols have spaces between them.

use csv::{ByteRecord, ReaderBuilder, StringRecord};

use super::{Company, Problem};
use crate::Symbol;

const COLUMNS: [&str; 3] = ["symbol", "name", "former"];

/// The right entries, and what is wrong with the others.
pub fn read(text: &str) -> (Vec<Company>, Vec<Problem>) {
    // Spreadsheets begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let mut records = Records::new(text);
    let header = records.next().map(|(_, record)| record).unwrap_or_default();
    let places = match places(&header) {
        Ok(places) => places,
        Err(what) => return (vec![], vec![Problem { line: 1, what }]),
    };
    let (mut companies, mut problems) = (vec![], vec![]);
    for (line, record) in records {
        if record.len() == header.len() {
            let [symbol, name, former] =
                places.map(|place| place.and_then(|place| record.get(place)).unwrap_or_default());
            companies.extend(company(line, symbol, name, former, &mut problems));
        } else {
            let what = format!("it has {} fields, and the header has {}", record.len(), header.len());
            problems.push(Problem { line, what });
        }
    }
    (companies, problems)
}

/// Where each of [`COLUMNS`] is; only the last one may be missing.
fn places(header: &StringRecord) -> Result<[Option<usize>; 3], String> {
    let known = "the columns are symbol, name and, if there are former symbols, former, with commas between them";
    if let Some(unknown) = header.iter().find(|column| !COLUMNS.contains(column)) {
        return Err(format!("unknown column {unknown:?}: {known}"));
    }
    let places = COLUMNS.map(|column| header.iter().position(|other| other == column));
    let [symbol, name, _] = places;
    let missing = [("symbol", symbol), ("name", name)].into_iter().find(|(_, place)| place.is_none());
    match missing {
        Some((missing, _)) => Err(format!("the header lacks {missing}: {known}")),
        None if header.len() > places.iter().flatten().count() => Err(format!("a column is there twice: {known}")),
        None => Ok(places),
    }
}

fn company(line: usize, symbol: &str, name: &str, former: &str, problems: &mut Vec<Problem>) -> Option<Company> {
    let mut parsed = |symbol: &str| {
        let wrong = |error: crate::symbol::InvalidSymbol| problems.push(Problem { line, what: error.to_string() });
        Some((line, symbol.trim().parse::<Symbol>().map_err(wrong).ok()?))
    };
    let (symbol, former) = (parsed(symbol), former.split_whitespace().map(&mut parsed).collect::<Vec<_>>());
    if name.trim().is_empty() {
        problems.push(Problem { line, what: "the name is empty".to_owned() });
        return None;
    }
    Some(Company { symbol: symbol?, name: name.to_owned(), former: former.into_iter().flatten().collect() })
}

/// The records with the lines in which they begin.
struct Records<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    /// The number of the line that begins at a place of the text, which moves on from one record to the next.
    line: (usize, usize),
}

impl<'a> Records<'a> {
    fn new(text: &'a str) -> Self {
        let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        Self { text, reader, line: (1, 0) }
    }
}

impl Iterator for Records<'_> {
    type Item = (usize, StringRecord);

    fn next(&mut self) -> Option<Self::Item> {
        let mut record = ByteRecord::new();
        // It fails for nothing that is text in memory.
        let is_record = self.reader.read_byte_record(&mut record).unwrap_or_default();
        let place = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        // Empty lines before it are passed with it.
        let place = place + self.text.get(place..)?.find(|c| c != '\n' && c != '\r').unwrap_or_default();
        let (line, before) = self.line;
        self.line = (line + self.text.get(before..place)?.matches('\n').count(), place);
        is_record.then(|| (self.line.0, StringRecord::from_byte_record_lossy(record)))
    }
}
