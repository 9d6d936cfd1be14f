//! The lists of companies in the data bucket. A change of one holds from the next run on, without a deployment.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_s3::{Client, error::ProvideErrorMetadata};
use shared::{Companies, ListFormat, ListName, S3Uri, ServiceError, companies::InvalidCompanies};
use tokio::sync::Mutex;

/// The lists of a data bucket, each of which is read again only where it has changed.
#[derive(Debug)]
pub struct Lists {
    s3: Client,
    bucket: String,
    /// Each list that was read.
    known: Mutex<BTreeMap<ListName, Known>>,
}

/// A list that was read, and its file, by whose entity tag a change of it shows.
#[derive(Debug)]
struct Known {
    format: ListFormat,
    etag: String,
    companies: Arc<Companies>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The bucket has none of the name.
    #[error("there is no list at {0}: cargo finstream lists shows those that there are, and lists push adds one")]
    Unknown(S3Uri),
    /// The file is not right.
    #[error("the list at {uri} is not right; cargo finstream lists push replaces it:\n{problem}")]
    Invalid {
        /// The file.
        uri: S3Uri,
        /// Each line that is wrong.
        problem: InvalidCompanies,
    },
    /// The bucket has two files of the name.
    #[error(
        "the list {0} is there twice, as {0}.toml and as {0}.csv: delete one of them, or cargo finstream lists push replaces both"
    )]
    Ambiguous(ListName),
    /// S3 did not answer.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Lists {
    /// The lists below `lists/` of the data bucket.
    pub fn new(s3: Client, bucket: String) -> Self {
        Self { s3, bucket, known: Mutex::default() }
    }

    /// The list of a name as it is now: the built-in one where the bucket has none of the name `companies`.
    ///
    /// # Errors
    /// [`ListError`]. The function's role may list the bucket, so that S3 tells a missing file from one that the role may not
    /// read. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub async fn get(&self, name: &ListName) -> Result<Arc<Companies>, ListError> {
        let mut known = self.known.lock().await;
        let found = {
            let [toml, csv] = ListFormat::ALL.map(|format| Box::pin(self.file(name, format, known.get(name))));
            tokio::try_join!(toml, csv)?
        };
        let file = match found {
            (None, None) => {
                known.remove(name);
                let uri = name.uri(&self.bucket, ListFormat::Toml);
                return if *name == ListName::default() { built_in(uri) } else { Err(ListError::Unknown(uri)) };
            }
            (Some(_), Some(_)) => return Err(ListError::Ambiguous(name.clone())),
            (Some(file), None) | (None, Some(file)) => file,
        };
        if let Some(read) = file {
            known.insert(name.clone(), read);
        }
        let uri = name.uri(&self.bucket, ListFormat::Toml);
        known.get(name).map(|known| known.companies.clone()).ok_or(ListError::Unknown(uri))
    }

    /// The file of a list in this format: none where there is none, and within that none where it is the one that is `known`.
    async fn file(
        &self,
        name: &ListName,
        format: ListFormat,
        known: Option<&Known>,
    ) -> Result<Option<Option<Known>>, ListError> {
        let uri = name.uri(&self.bucket, format);
        let etag = known.filter(|known| known.format == format).map(|known| known.etag.clone());
        let request = self.s3.get_object().bucket(&uri.bucket).key(&uri.key).set_if_none_match(etag);
        let object = match request.send().await {
            Ok(object) => object,
            Err(error) if error.raw_response().is_some_and(|raw| raw.status().as_u16() == 304) => {
                return Ok(Some(None));
            }
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(ServiceError::from_sdk("s3:GetObject", &error).into()),
        };
        let etag = object.e_tag().unwrap_or_default().to_owned();
        let bytes = object.body.collect().await.map_err(|error| ServiceError::Unavailable {
            call: "s3:GetObject",
            message: format!("{uri} broke off: {error}"),
        })?;
        let parsed = Companies::read(&bytes.into_bytes(), format);
        let companies = Arc::new(parsed.map_err(|problem| ListError::Invalid { uri, problem })?);
        Ok(Some(Some(Known { format, etag, companies })))
    }

    /// The companies of a list for their names alone, and whether they are those of the list as it is now. Where it is gone or not
    /// right any more, they are those of the last one that this process has read, otherwise the built-in ones: a run that knows its
    /// symbols already does not fail for that.
    ///
    /// # Errors
    /// When S3 does not answer.
    pub async fn names(&self, name: &ListName) -> Result<(Arc<Companies>, bool), ListError> {
        match self.get(name).await {
            Ok(companies) => Ok((companies, true)),
            Err(error @ ListError::Service(_)) => Err(error),
            Err(error) => {
                tracing::warn!(%name, %error, "the list is not used");
                let last = self.known.lock().await.get(name).map(|known| known.companies.clone());
                let companies = last.map_or_else(|| built_in(name.uri(&self.bucket, ListFormat::Toml)), Ok)?;
                Ok((companies, false))
            }
        }
    }
}

fn built_in(uri: S3Uri) -> Result<Arc<Companies>, ListError> {
    Companies::built_in().map(Arc::new).map_err(|problem| ListError::Invalid { uri, problem })
}
