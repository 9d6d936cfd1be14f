//! The records of a CSV that arrives in pieces, as the body of an S3 object does: none is held but the one under way.

use csv::{Position, StringRecord};
use csv_core::{ReadRecordResult, Reader};

use crate::error::InvalidResult;

/// A parser that is given one piece after another.
#[derive(Debug)]
pub struct Records {
    parser: Reader,
    /// The fields of the record under way, one after another, and where each of them ends.
    fields: Vec<u8>,
    ends: Vec<usize>,
    /// How much of both is in use.
    filled: (usize, usize),
    /// The line in which the record under way begins.
    line: u64,
}

impl Default for Records {
    fn default() -> Self {
        Self { parser: Reader::new(), fields: vec![0; 1024], ends: vec![0; 32], filled: (0, 0), line: 1 }
    }
}

impl Records {
    /// Parses a piece, and calls `each` for every record that ends in it.
    ///
    /// # Errors
    /// A record that is not UTF-8, and what `each` fails with.
    pub fn push(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&StringRecord) -> Result<(), InvalidResult>,
    ) -> Result<(), InvalidResult> {
        // Without bytes the parser would take the record under way to be whole.
        while !bytes.is_empty() {
            bytes = &bytes[self.read(bytes, &mut each)?.1..];
        }
        Ok(())
    }

    /// Ends the last record, which may lack its line feed.
    ///
    /// # Errors
    /// As [`Records::push`].
    pub fn finish(
        mut self,
        mut each: impl FnMut(&StringRecord) -> Result<(), InvalidResult>,
    ) -> Result<(), InvalidResult> {
        while self.read(&[], &mut each)?.0 != ReadRecordResult::End {}
        Ok(())
    }

    /// One step of the parser; returns what it stopped at, and the number of bytes that it has read.
    fn read(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(&StringRecord) -> Result<(), InvalidResult>,
    ) -> Result<(ReadRecordResult, usize), InvalidResult> {
        let (written, ended) = self.filled;
        let (result, read, more_written, more_ended) =
            self.parser.read_record(bytes, &mut self.fields[written..], &mut self.ends[ended..]);
        self.filled = (written + more_written, ended + more_ended);
        match result {
            ReadRecordResult::OutputFull => self.fields.resize(self.fields.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            ReadRecordResult::Record => {
                each(&self.record()?)?;
                (self.filled, self.line) = ((0, 0), self.parser.line());
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {}
        }
        Ok((result, read))
    }

    fn record(&self) -> Result<StringRecord, InvalidResult> {
        let (written, ended) = self.filled;
        let not_text = |_| InvalidResult::Row { line: self.line, problem: "it is not UTF-8".to_owned() };
        let mut record = StringRecord::with_capacity(written, ended);
        let mut start = 0;
        for end in &self.ends[..ended] {
            record.push_field(str::from_utf8(&self.fields[start..*end]).map_err(not_text)?);
            start = *end;
        }
        let mut position = Position::new();
        position.set_line(self.line);
        record.set_position(Some(position));
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Lines = Vec<(u64, Vec<String>)>;

    fn in_pieces(csv: &[u8], length: usize) -> Result<Lines, InvalidResult> {
        let (mut records, mut read) = (Records::default(), vec![]);
        let mut each = |record: &StringRecord| {
            let line = record.position().map_or(0, Position::line);
            read.push((line, record.iter().map(str::to_owned).collect()));
            Ok(())
        };
        csv.chunks(length).try_for_each(|piece| records.push(piece, &mut each))?;
        records.finish(each)?;
        Ok(read)
    }

    /// As the reader of the crate `csv` does of the whole.
    fn at_once(csv: &[u8]) -> Result<Lines, csv::Error> {
        let reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv);
        let record = |record: Result<StringRecord, _>| {
            let record = record?;
            let line = record.position().map_or(0, Position::line);
            Ok((line, record.iter().map(str::to_owned).collect()))
        };
        reader.into_records().map(record).collect()
    }

    proptest! {
        #[test]
        fn pieces_of_any_length_give_the_records_of_the_whole(
            csv in "(\"([a-zé,\n]|\"\"){0,9}\"|[a-zé]{0,9}|,|\n|\r\n|\"){0,60}",
            many in prop::option::of(30_usize..3000),
            length in 1_usize..40,
        ) {
            let csv = csv + &many.map(|count| "x,".repeat(count)).unwrap_or_default();
            let whole = at_once(csv.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(in_pieces(csv.as_bytes(), length), Ok(whole));
        }
    }
}
