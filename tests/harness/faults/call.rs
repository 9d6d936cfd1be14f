//! The calls that the functions make, and how a request is recognized as one of them.

use std::fmt;

use aws_smithy_types::base64;
use axum::http::{Method, request::Parts};
use serde_json::Value;

/// A call that a function makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// `collect` reads the run's list of companies from S3.
    GetList,
    /// `collect` requests a day's chart of a symbol from the market.
    Chart,
    /// `collect` sends records of bars to Firehose.
    PutRecordBatch,
    /// `start-crawler` starts a crawl of the lake.
    StartCrawler,
    /// `run-query` starts a query of the lake.
    StartQueryExecution,
    /// `export-csv` reads the query's result from S3.
    GetResult,
    /// `export-csv` writes the run's report to S3.
    PutReport,
    /// `export-csv` writes the run's CSV to S3.
    PutCsv,
    /// `export-csv` writes the day's manifest to S3, if there is none or it is unchanged.
    PutManifest,
    /// `export-csv` reads the day's manifest from S3.
    GetManifest,
    /// `export-csv` writes one of the day's copies to S3, if there is none or it is unchanged.
    PutCopy,
    /// `export-csv` reads one of the day's copies from S3.
    GetCopy,
}

impl Call {
    /// Every call, in the order of a run.
    pub const ALL: [Self; 12] = [
        Self::GetList,
        Self::Chart,
        Self::PutRecordBatch,
        Self::StartCrawler,
        Self::StartQueryExecution,
        Self::GetResult,
        Self::PutReport,
        Self::PutCsv,
        Self::PutManifest,
        Self::GetManifest,
        Self::PutCopy,
        Self::GetCopy,
    ];

    /// The call that a request makes, if it is one of these.
    pub(super) fn of(request: &Parts) -> Option<Self> {
        let target = request.headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let path = request.uri.path();
        match target {
            "Firehose_20150804.PutRecordBatch" => Some(Self::PutRecordBatch),
            "AWSGlue.StartCrawler" => Some(Self::StartCrawler),
            "AmazonAthena.StartQueryExecution" => Some(Self::StartQueryExecution),
            _ if path.starts_with("/v8/finance/chart/") => Some(Self::Chart),
            _ => Self::to_s3(&request.method, path),
        }
    }

    fn to_s3(method: &Method, path: &str) -> Option<Self> {
        let is = |of: Method, folder, end| *method == of && path.contains(folder) && path.ends_with(end);
        let calls = [
            (Self::GetList, is(Method::GET, "/lists/", ".toml")),
            (Self::GetResult, is(Method::GET, "/results/", "")),
            (Self::PutReport, is(Method::PUT, "/runs/", "/report.html")),
            (Self::PutCsv, is(Method::PUT, "/runs/", "/hourly_extremes.csv")),
            (Self::PutManifest, is(Method::PUT, "/exports/", "/manifest.json")),
            (Self::GetManifest, is(Method::GET, "/exports/", "/manifest.json")),
            (Self::PutCopy, is(Method::PUT, "/exports/", "")),
            (Self::GetCopy, is(Method::GET, "/exports/", "")),
        ];
        calls.into_iter().find_map(|(call, is_made)| is_made.then_some(call))
    }

    /// Whether the call goes to S3.
    pub(super) fn is_to_s3(self) -> bool {
        self == Self::GetList || self.function() == "ExportCsvFunction"
    }

    /// The output of the template that names the function that makes the call.
    pub fn function(self) -> &'static str {
        match self {
            Self::GetList | Self::Chart | Self::PutRecordBatch => "CollectFunction",
            Self::StartCrawler => "StartCrawlerFunction",
            Self::StartQueryExecution => "RunQueryFunction",
            Self::GetResult
            | Self::PutReport
            | Self::PutCsv
            | Self::PutManifest
            | Self::GetManifest
            | Self::PutCopy
            | Self::GetCopy => "ExportCsvFunction",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GetList => "s3 GetObject list",
            Self::Chart => "market GET chart",
            Self::PutRecordBatch => "firehose PutRecordBatch",
            Self::StartCrawler => "glue StartCrawler",
            Self::StartQueryExecution => "athena StartQueryExecution",
            Self::GetResult => "s3 GetObject result",
            Self::PutReport => "s3 PutObject report",
            Self::PutCsv => "s3 PutObject csv",
            Self::PutManifest => "s3 PutObject manifest",
            Self::GetManifest => "s3 GetObject manifest",
            Self::PutCopy => "s3 PutObject copy",
            Self::GetCopy => "s3 GetObject copy",
        })
    }
}

/// The URL and the body of a request, with the records of Firehose decoded, as text in which a date can be found. An object's
/// URL has its date; its content may have others, as a report links to the days beside it.
pub(super) fn searchable_text(request: &Parts, body: &[u8]) -> String {
    if request.method == Method::PUT {
        return request.uri.to_string();
    }
    let records = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let records = records["Records"].as_array().into_iter().flatten();
    let records = records.filter_map(|record| base64::decode(record["Data"].as_str()?).ok());
    let parts = [request.uri.to_string().into_bytes(), body.to_vec()].into_iter().chain(records);
    parts.map(|part| String::from_utf8_lossy(&part).into_owned()).collect::<Vec<_>>().join("\n")
}
