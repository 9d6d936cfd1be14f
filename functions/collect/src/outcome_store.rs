//! Where the outcome of each symbol of a run is kept between its invocations: `symbols.jsonl` in the run's folder of the data
//! bucket. The states carry a summary of it and its address.
//!
//! An invocation writes it last, once its bars are accepted. Where the answer of one that resumes a run is lost and the state
//! machine repeats it, the repeated one finds there what the lost one has done, and requests only what is missing still. The
//! first one of a run knows of no object, and is repeated as a whole.

use aws_sdk_s3::{Client, error::ProvideErrorMetadata, primitives::ByteStream};
use jiff::Timestamp;
use shared::{
    RunId, S3Uri, ServiceError, TradeDate, manifest,
    payload::{InvalidOutcome, SIMULATED_METADATA},
};

use crate::{Error, symbol_outcomes::Outcomes};

/// The user-defined metadata that says when the last bars were accepted, in UTC.
const WRITTEN_AT_METADATA: &str = "written-at";

/// The outcomes of runs, in the data bucket.
#[derive(Debug)]
pub struct OutcomeStore {
    s3: Client,
    bucket: String,
}

/// The outcomes of a run so far.
#[derive(Debug, Default)]
pub struct Stored {
    /// The outcome of each symbol.
    pub outcomes: Outcomes,
    /// When Firehose had accepted the last record, in UTC, to the second; none where nobody has noted it.
    pub written_at: Option<Timestamp>,
    /// Whether a reply said that its prices are simulated.
    pub simulated: bool,
}

/// Why a run cannot be resumed.
#[derive(Debug, thiserror::Error)]
pub enum OutcomesError {
    /// There is no such object.
    #[error("the outcomes of the run are gone from {0}: somebody has deleted them, so run the day again")]
    Gone(S3Uri),
    /// A line of the object is not the outcome of a symbol.
    #[error("the outcomes of the run at {uri} cannot be read: {problem}; run the day again")]
    Invalid {
        /// The object.
        uri: S3Uri,
        /// What is wrong with it.
        #[source]
        problem: InvalidOutcome,
    },
    /// S3 did not answer, or rejected the call.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl OutcomeStore {
    /// The outcomes below `runs/` of the data bucket.
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket }
    }

    /// Where the outcomes of a run are.
    pub fn uri(&self, trade_date: TradeDate, run_id: &RunId) -> S3Uri {
        manifest::symbol_outcomes(&self.bucket, trade_date, run_id)
    }

    /// Reads the outcomes of a run that is resumed.
    ///
    /// # Errors
    /// [`OutcomesError`].
    pub async fn read(&self, uri: &S3Uri) -> Result<Stored, OutcomesError> {
        let object = match self.s3.get_object().bucket(&uri.bucket).key(&uri.key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Err(OutcomesError::Gone(uri.clone())),
            Err(error) => return Err(ServiceError::from_sdk("s3:GetObject", &error).into()),
        };
        let metadata = |name| object.metadata().and_then(|metadata| metadata.get(name));
        let written_at = metadata(WRITTEN_AT_METADATA).and_then(|written_at| written_at.parse().ok());
        let simulated = metadata(SIMULATED_METADATA).is_some_and(|simulated| simulated == "true");
        let body = object.body.collect().await.map_err(|error| ServiceError::Unavailable {
            call: "s3:GetObject",
            message: format!("{uri} broke off: {error}"),
        })?;
        let outcomes = Outcomes::read(&body.to_vec());
        let outcomes = outcomes.map_err(|problem| OutcomesError::Invalid { uri: uri.clone(), problem })?;
        Ok(Stored { outcomes, written_at, simulated })
    }

    /// Writes the outcomes of a run in the place of those of its earlier invocations.
    ///
    /// # Errors
    /// Where S3 does not answer, rejects the call, or an outcome is not JSON. Nothing is known to be written then.
    pub async fn write(
        &self,
        uri: &S3Uri,
        outcomes: &Outcomes,
        (written_at, simulated): (Timestamp, bool),
    ) -> Result<(), Error> {
        let request = self
            .s3
            .put_object()
            .bucket(&uri.bucket)
            .key(&uri.key)
            .content_type("application/jsonl")
            .metadata(WRITTEN_AT_METADATA, written_at.to_string())
            .metadata(SIMULATED_METADATA, simulated.to_string())
            .body(ByteStream::from(outcomes.write()?));
        request.send().await.map_err(|error| OutcomesError::from(ServiceError::from_sdk("s3:PutObject", &error)))?;
        Ok(())
    }
}
