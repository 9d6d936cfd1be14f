//! The outcome of each symbol of a run, which `collect` has left in the data bucket, and what the export adds to it.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use shared::{
    S3Uri, Symbol,
    payload::{InvalidOutcome, SymbolOutcome, SymbolOutcomes},
};

use crate::{
    Error,
    error::InvalidResult,
    objects::{self, Content},
    query_result::SeenSymbol,
};

/// The outcomes of a run, as they are in the data bucket.
pub struct StoredOutcomes {
    uri: S3Uri,
    bytes: Vec<u8>,
    pub symbols: SymbolOutcomes,
}

impl StoredOutcomes {
    /// Reads the outcomes of a run.
    ///
    /// # Errors
    /// [`Error::NoOutcomes`], [`Error::InvalidOutcomes`] or [`Error::Service`].
    pub async fn read(s3: &Client, uri: &S3Uri) -> Result<Self, Error> {
        let object = objects::get(s3, uri).await?.ok_or_else(|| Error::NoOutcomes(uri.clone()))?;
        let symbols = SymbolOutcomes::read(&object.bytes).map_err(|problem| invalid(uri, problem))?;
        Ok(Self { uri: uri.clone(), bytes: object.bytes, symbols })
    }

    /// Adds which of the symbols that the query has seen are restated, and which are carried over from an earlier run. Nothing is
    /// written where none is.
    ///
    /// # Errors
    /// [`Error::Service`]; nothing is known to be written then.
    pub async fn complete(
        &self,
        s3: &Client,
        seen: &BTreeMap<Symbol, SeenSymbol>,
        simulated: bool,
    ) -> Result<(), Error> {
        let is_restated = seen.values().any(|seen| seen.restated);
        if !is_restated && !self.symbols.failed.iter().any(|failed| seen.contains_key(&failed.symbol)) {
            return Ok(());
        }
        let mut outcomes = SymbolOutcome::read_all(&self.bytes).collect::<Result<Vec<_>, _>>();
        for outcome in outcomes.iter_mut().flatten() {
            let Some(seen) = seen.get(outcome.symbol()) else { continue };
            match outcome {
                SymbolOutcome::Collected(symbol) => symbol.restated = seen.restated,
                SymbolOutcome::Failed(symbol) => {
                    symbol.restated = seen.restated;
                    symbol.carried_over = Some(seen.collected_at);
                }
            }
        }
        let outcomes = outcomes.map_err(|problem| invalid(&self.uri, problem))?;
        let bytes = SymbolOutcome::write_all(&outcomes).map_err(|error| Error::InvalidResult {
            uri: self.uri.clone(),
            problem: InvalidResult::Unwritable(error.to_string()),
        })?;
        objects::put(s3, &self.uri, &Content { content_type: "application/jsonl", body: bytes.into(), simulated }).await
    }
}

fn invalid(uri: &S3Uri, problem: InvalidOutcome) -> Error {
    Error::InvalidOutcomes { uri: uri.clone(), problem }
}
