//! The handler against an S3 in memory: what it reads, what it publishes in which order, and how it fails.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_s3::config::{BehaviorVersion, Region, retry::RetryConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use lambda_runtime::{Context, Diagnostic};
use serde_json::json;

use super::*;
use crate::sample;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// An S3 below the SDK's HTTP layer, so requests are built and errors are read as they are in production.
#[derive(Debug, Default, Clone)]
struct Bucket {
    /// Objects by `/bucket/key`.
    objects: BTreeMap<String, Vec<u8>>,
    /// The HTTP method whose calls fail, and the status and error code that they fail with.
    failing: Option<(&'static str, u16, &'static str)>,
    written: Arc<Mutex<Vec<(String, String, String)>>>,
}

impl Bucket {
    fn with_result(result: String) -> Self {
        let objects = [("/lake/results/q-1.csv".to_owned(), result.into_bytes())].into();
        Self { objects, ..Self::default() }
    }

    fn answer(&self, request: &HttpRequest) -> (u16, Vec<u8>) {
        let path = request.uri().split_once("//s3.test").map_or("", |(_, path)| path);
        let path = path.split('?').next().unwrap_or_default().replace("%3D", "=");
        let body =
            |code| format!("<Error><Code>{code}</Code><Message>injected by the test</Message></Error>").into_bytes();
        match self.failing {
            Some((method, status, code)) if method == request.method() => (status, body(code)),
            _ if request.method() == "PUT" => {
                let content = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
                let kind = request.headers().get("content-type").unwrap_or_default().to_owned();
                if let Ok(mut written) = self.written.lock() {
                    written.push((path, kind, content));
                }
                (200, vec![])
            }
            _ => self.objects.get(&path).map_or_else(|| (404, body("NoSuchKey")), |object| (200, object.clone())),
        }
    }

    fn exporter(&self) -> Exporter {
        let connector = SharedHttpConnector::new(self.clone());
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .allow_no_auth()
            .endpoint_url("http://s3.test")
            .force_path_style(true)
            .retry_config(RetryConfig::disabled())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build();
        Exporter { s3: Client::from_conf(config), bucket: "lake".into(), metrics_namespace: "test".into() }
    }

    fn written(&self) -> Vec<(String, String, String)> {
        self.written.lock().map(|written| written.clone()).unwrap_or_default()
    }
}

impl HttpConnector for Bucket {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.answer(&request);
        HttpConnectorFuture::ready(
            status
                .try_into()
                .map(|status| HttpResponse::new(status, SdkBody::from(body)))
                .map_err(|error| ConnectorError::other(Box::new(error), None)),
        )
    }
}

async fn invoke(bucket: &Bucket, payload: Value) -> Result<Export, Diagnostic> {
    Ok(bucket.exporter().handle(LambdaEvent::new(payload, Context::default())).await?)
}

#[tokio::test]
async fn a_complete_run_publishes_the_report_and_then_the_csv() -> Outcome {
    let bucket = Bucket::with_result(sample::result());
    let export = invoke(&bucket, sample::event()).await.map_err(|d| d.error_message)?;
    let [csv, report] =
        ["hourly_extremes.csv", "report.html"].map(|name| format!("exports/trade_date=2021-11-30/{name}"));
    assert_eq!(
        export,
        Export::Exported {
            bars_seen: 42,
            rows: 5,
            csv: S3Uri::new("lake", &csv),
            report: S3Uri::new("lake", &report),
            versions: Versions::default(),
        }
    );
    let written = bucket.written();
    let places: Vec<_> = written.iter().map(|(path, kind, _)| (path.as_str(), kind.as_str())).collect();
    assert_eq!(
        places,
        [
            (format!("/lake/{report}").as_str(), "text/html; charset=utf-8"),
            (format!("/lake/{csv}").as_str(), "text/csv; charset=utf-8"),
        ]
    );
    assert!(written.iter().any(|(_, _, content)| content.starts_with("<!DOCTYPE html>")));
    assert!(
        written
            .iter()
            .any(|(_, _, content)| content.starts_with(&hourly_extreme::COLUMNS.join(","))
                && content.lines().count() == 6)
    );
    Ok(())
}

#[tokio::test]
async fn a_query_that_has_not_seen_every_bar_publishes_nothing() -> Outcome {
    // The bars of META, SHOP and XYZ that were collected; the result has 18, 18 and 6 of the run's.
    for (result, bars, seen) in [
        (sample::result(), [18, 18, 7], 42),
        (sample::result(), [10, 18, 14], 34), // as many in all, but not of each
        (sample::HEADER.to_owned(), [18, 18, 6], 0),
    ] {
        let bucket = Bucket::with_result(result);
        let mut event = sample::event();
        event["collection"]["bars"] = json!(bars.iter().sum::<usize>());
        for (place, bars) in bars.into_iter().enumerate() {
            event["collection"]["symbols"]["collected"][place]["bars"] = json!(bars);
        }
        let export = invoke(&bucket, event).await.map_err(|d| d.error_message)?;
        assert_eq!(export, Export::Incomplete { bars_seen: seen });
        assert_eq!(bucket.written(), []);
    }
    Ok(())
}

#[tokio::test]
async fn every_failure_has_its_name_and_says_what_to_do() {
    let with = |field: &str, value: Value| {
        let mut event = sample::event();
        if let Some(place) = event.pointer_mut(field) {
            *place = value;
        }
        event
    };
    let failing = |method, status, code| Bucket {
        failing: Some((method, status, code)),
        ..Bucket::with_result(sample::result())
    };
    let good = || Bucket::with_result(sample::result());
    for (bucket, event, name, says) in [
        (good(), json!({}), "InvalidInput", "missing field `collection`"),
        (good(), with("/query_result", json!("results/q-1.csv")), "InvalidInput", "use s3://bucket/key"),
        (good(), with("/collection/trade_date", json!("today")), "InvalidInput", "\"today\" is not a trade date"),
        (good(), with("/collection/bars", json!(0)), "InvalidInput", "has no bars"),
        (good(), with("/collection/outcome", json!("no_session")), "InvalidInput", "has no bars"),
        (Bucket::default(), sample::event(), "InvalidResult", "run the query again"),
        (
            failing("GET", 404, "NoSuchBucket"),
            sample::event(),
            "InvalidResult",
            "no query result at s3://lake/results/q-1.csv",
        ),
        (Bucket::with_result(String::new()), sample::event(), "InvalidResult", "is empty"),
        (good(), with("/collection/trade_date", json!("2021-12-01")), "InvalidResult", "its trade_date is 2021-11-30"),
        (failing("GET", 403, "AccessDenied"), sample::event(), "AccessDenied", "s3:GetObject"),
        (failing("PUT", 403, "AccessDenied"), sample::event(), "AccessDenied", "s3:PutObject"),
        (failing("GET", 400, "InvalidRequest"), sample::event(), "ServiceRefused", "InvalidRequest"),
        (failing("PUT", 503, "SlowDown"), sample::event(), "ServiceUnavailable", "SlowDown"),
    ] {
        let said = invoke(&bucket, event).await.map_err(|d| (d.error_type, d.error_message));
        let fits = said.as_ref().is_err_and(|(error, message)| error == name && message.contains(says));
        assert!(fits, "expected {name}, {says:?}: {said:?}");
        assert_eq!(bucket.written(), [], "{name}");
    }
}

#[test]
fn the_sample_event_is_a_request() -> Outcome {
    let request: ExportRequest = serde_json::from_str(include_str!("../events/export.json"))?;
    let counted: usize = request.collection.symbols.collected.iter().map(|symbol| symbol.bars).sum();
    assert_eq!(counted, request.collection.bars);
    Ok(())
}
