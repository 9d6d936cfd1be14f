//! Packing lines into records and records into batches, within the limits of a stream.

use super::Limits;

/// The most bytes of one record before base64, which Firehose takes of its callers and of a data stream.
/// <https://docs.aws.amazon.com/firehose/latest/dev/limits.html>
const MAX_RECORD_BYTES: usize = 1000 * 1024;
/// The most JSON objects that Firehose takes out of one record when it de-aggregates.
/// <https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-multirecord-deaggergation.html>
const MAX_RECORD_LINES: usize = 500;

/// Packs lines into records and records into batches, holding one batch at most.
#[derive(Debug)]
pub struct Packer {
    limits: Limits,
    batch: Vec<Vec<u8>>,
    batch_bytes: usize,
    record: Vec<u8>,
    record_lines: usize,
}

impl Packer {
    /// A packer within the limits of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { limits, batch: vec![], batch_bytes: 0, record: vec![], record_lines: 0 }
    }

    /// Adds a line; returns the batch before it where the line does not fit in any more.
    pub fn push(&mut self, line: &[u8]) -> Option<Vec<Vec<u8>>> {
        let full = self.record_lines == MAX_RECORD_LINES || self.record.len() + line.len() > MAX_RECORD_BYTES;
        let batch = if full { self.close_record() } else { None };
        self.record.extend_from_slice(line);
        self.record_lines += 1;
        batch
    }

    /// The batches that are left at the end: none, one or two.
    pub fn finish(&mut self) -> impl Iterator<Item = Vec<Vec<u8>>> + use<> {
        let full = self.close_record();
        let last = std::mem::take(&mut self.batch);
        full.into_iter().chain((!last.is_empty()).then_some(last))
    }

    /// Ends the record; returns the batch before it where it does not fit in any more.
    pub fn close_record(&mut self) -> Option<Vec<Vec<u8>>> {
        if self.record.is_empty() {
            return None;
        }
        let bytes = (self.limits.sent_bytes)(self.record.len());
        let full = self.batch.len() == self.limits.batch_records || self.batch_bytes + bytes > self.limits.batch_bytes;
        let batch = full.then(|| {
            self.batch_bytes = 0;
            std::mem::take(&mut self.batch)
        });
        self.batch_bytes += bytes;
        // The next record will be about as long.
        let next = Vec::with_capacity(self.record.len());
        self.batch.push(std::mem::replace(&mut self.record, next));
        self.record_lines = 0;
        batch
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{firehose::DeliveryStream, kinesis::DataStream, writer::Stream};

    const OF_STREAMS: [Limits; 2] = [DeliveryStream::LIMITS, DataStream::LIMITS];

    fn pack(limits: Limits, lines: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<Vec<u8>>> {
        let mut packer = Packer::new(limits);
        let mut batches: Vec<_> = lines.into_iter().filter_map(|line| packer.push(&line)).collect();
        batches.extend(packer.finish());
        batches
    }

    fn shape(batches: &[Vec<Vec<u8>>]) -> Vec<usize> {
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn a_record_takes_500_lines_and_1000_kib_and_not_more() {
        let (line, half) = (vec![b'x'; 10], MAX_RECORD_BYTES / 2);
        for limits in OF_STREAMS {
            assert_eq!(shape(&pack(limits, vec![line.clone(); 500])), [1]);
            assert_eq!(shape(&pack(limits, vec![line.clone(); 501])), [2]);
            assert_eq!(shape(&pack(limits, [vec![b'x'; half], vec![b'x'; half]])), [1]);
            assert_eq!(shape(&pack(limits, [vec![b'x'; half], vec![b'x'; half + 1]])), [2]);
        }
    }

    #[test]
    fn a_batch_takes_500_records_and_not_one_more() {
        let lines = |records: usize| vec![vec![b'x'; 2]; records * MAX_RECORD_LINES];
        for limits in OF_STREAMS {
            assert_eq!(shape(&pack(limits, lines(500))), [500]);
            assert_eq!(shape(&pack(limits, lines(501))), [500, 1]);
        }
    }

    #[test]
    fn a_batch_takes_the_bytes_of_its_call_and_not_more() {
        // A record of 1,000 KiB is 1.3 MiB in base64, of 1.5; and five are 4.9 MiB as they are, of 5.
        let lines = || vec![vec![b'x'; MAX_RECORD_BYTES]; 6];
        assert_eq!(shape(&pack(DeliveryStream::LIMITS, lines())), [1; 6]);
        assert_eq!(shape(&pack(DataStream::LIMITS, lines())), [5, 1]);
    }

    #[test]
    fn a_record_that_is_closed_takes_no_further_line() {
        let mut packer = Packer::new(DataStream::LIMITS);
        for _ in 0..2 {
            assert_eq!(packer.push(b"a"), None);
            assert_eq!(packer.close_record(), None);
            assert_eq!(packer.close_record(), None, "an empty record is none");
        }
        assert_eq!(packer.finish().collect::<Vec<_>>(), [[b"a", b"a"]]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_limit_is_broken(sizes in prop::collection::vec(1_usize..400_000, 0..60), stream in 0_usize..2) {
            let limits = OF_STREAMS[stream];
            let lines: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(n, size)| vec![b'a' + (n % 26) as u8; *size]).collect();
            let batches = pack(limits, lines.clone());
            for batch in &batches {
                let sent: usize = batch.iter().map(|record| (limits.sent_bytes)(record.len())).sum();
                prop_assert!(!batch.is_empty() && batch.len() <= limits.batch_records);
                prop_assert!(batch.iter().all(|record| record.len() <= MAX_RECORD_BYTES));
                prop_assert!(sent <= limits.batch_bytes);
            }
            prop_assert_eq!(batches.concat().concat(), lines.concat());
        }
    }
}
