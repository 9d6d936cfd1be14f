//! Packing lines into records and records into batches, within the limits of PutRecordBatch.

/// The most records in one PutRecordBatch call. <https://docs.aws.amazon.com/firehose/latest/dev/limits.html>
const MAX_BATCH_RECORDS: usize = 500;
/// The most bytes of one PutRecordBatch call, by the same page; counted as they are sent, in base64.
const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The most bytes of one record before base64, by the same page.
const MAX_RECORD_BYTES: usize = 1000 * 1024;
/// The most JSON objects that Firehose takes out of one record when it de-aggregates.
/// <https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html>
const MAX_RECORD_LINES: usize = 500;

/// The bytes that a record takes in the call: base64 makes four bytes of three, and the JSON around it adds a few.
const fn sent_bytes(record: usize) -> usize {
    record.div_ceil(3) * 4 + r#"{"Data":""},"#.len()
}

/// Packs lines into records and records into batches, holding one batch at most.
#[derive(Debug, Default)]
pub struct Packer {
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
    record: Vec<u8>,
    record_lines: usize,
}

impl Packer {
    /// Adds a line; returns the batch before it where the line does not fit in any more.
    pub fn push(&mut self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let full = self.record_lines == MAX_RECORD_LINES || self.record.len() + line.len() > MAX_RECORD_BYTES;
        let batch = if full { self.close_record() } else { None };
        self.record.extend_from_slice(line);
        self.record_lines += 1;
        batch
    }

    /// The batches that are left at the end: none, one or two.
    pub fn finish(mut self) -> impl Iterator<Item = Vec<Vec<u8>>> {
        let full = self.close_record();
        full.into_iter().chain((!self.batch.is_empty()).then_some(self.batch))
    }

    fn close_record(&mut self) -> Option<Vec<Vec<u8>>> {
        if self.record.is_empty() {
            return None;
        }
        let bytes = sent_bytes(self.record.len());
        let full = self.batch.len() == MAX_BATCH_RECORDS || self.batch_bytes + bytes > MAX_BATCH_BYTES;
        let batch = full.then(|| {
            self.batch_bytes = 0;
            std::mem::take(&mut self.batch)
        });
        self.batch_bytes += bytes;
        self.batch.push(std::mem::take(&mut self.record));
        self.record_lines = 0;
        batch
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pack(lines: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        let mut packer = Packer::default();
        let mut batches: Vec<_> = lines.into_iter().filter_map(|line| packer.push(&line)).collect();
        batches.extend(packer.finish());
        batches
    }

    fn shape(batches: &[Vec<Vec<u8>>]) -> Vec<usize> {
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_record_takes_500_lines_and_not_one_more() {
        assert_eq!(shape(&pack(vec![vec![b'x'; 10]; 500])), [1]);
        assert_eq!(shape(&pack(vec![vec![b'x'; 10]; 501])), [2]);
    }

    #[test]
    fn a_record_takes_1000_kib_and_not_a_byte_more() {
        let half = MAX_RECORD_BYTES / 2;
        assert_eq!(shape(&pack([vec![b'x'; half], vec![b'x'; half]])), [1]);
        assert_eq!(shape(&pack([vec![b'x'; half], vec![b'x'; half + 1]])), [2]);
    }

    #[test]
    fn a_batch_takes_500_records_and_not_one_more() {
        let lines = |records: usize| vec![vec![b'x'; 2]; records * MAX_RECORD_LINES];
        assert_eq!(shape(&pack(lines(500))), [500]);
        assert_eq!(shape(&pack(lines(501))), [500, 1]);
    }

    #[test]
    fn a_batch_takes_4_mib_as_sent_and_not_more() {
        // Three records of 1,000 KiB are 3.9 MiB in base64; a fourth does not fit.
        assert_eq!(shape(&pack(vec![vec![b'x'; MAX_RECORD_BYTES]; 4])), [3, 1]);
        assert_eq!(sent_bytes(3), 16);
        assert_eq!(sent_bytes(4), 20);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_limit_is_broken(sizes in prop::collection::vec(1_usize..400_000, 0..60)) {
            let lines: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| vec![b'a' + (n % 26) as u8; *size]).collect();
            let batches = pack(lines.clone());
            for batch in &batches {
                prop_assert!(!batch.is_empty() && batch.len() <= MAX_BATCH_RECORDS);
                prop_assert!(batch.iter().all(|record| record.len() <= MAX_RECORD_BYTES));
                prop_assert!(batch.iter().map(|record| sent_bytes(record.len())).sum::<usize>() <= MAX_BATCH_BYTES);
            }
            prop_assert_eq!(batches.concat().concat(), lines.concat());
        }
    }
}
