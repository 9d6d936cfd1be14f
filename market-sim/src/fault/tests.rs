//! Every fault as a client sees it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use shared::MarketSource;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::Fault::{self, CutOff, NotFound, Redirect, Reset, Stalled};
use crate::{FaultDuration, FaultRule, SimulatedMarket, server};

mod cases;

use cases::{CUT, ERRORS, PAGES, ROWS, Received, SHAPES};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// A request for META's bars of 2026-11-20, midnight to midnight in New York.
const DAY: &str = "/v8/finance/chart/META?period1=1795150800&period2=1795237200&interval=5m&includePrePost=false";

/// Serves a market whose clock is fixed on the Tuesday after.
async fn served() -> Outcome<(SimulatedMarket, String)> {
    let now: Timestamp = "2026-11-24T12:00:00Z".parse()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let market = SimulatedMarket::new();
    let router = server::router(market.clone(), Arc::new(move || now));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((market, address))
}

fn always(fault: Fault) -> FaultRule {
    FaultRule { symbol: None, fault, duration: FaultDuration::Always }
}

fn client() -> reqwest::Result<reqwest::Client> {
    let no_redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder().no_proxy().redirect(no_redirects).timeout(Duration::from_secs(2)).build()
}

#[tokio::test]
async fn every_fault_with_a_complete_reply_changes_it_as_documented() -> Outcome {
    let (market, address) = served().await?;
    let (client, url) = (client()?, format!("http://{address}{DAY}"));
    let unfaulted: Value = serde_json::from_str(&client.get(&url).send().await?.text().await?)?;
    for (fault, status, content_type, has_fault) in [ROWS, SHAPES, ERRORS, PAGES].concat() {
        market.inject(always(fault));
        let reply = client.get(&url).send().await?;
        assert_eq!(reply.status().as_u16(), status, "{fault}");
        assert_eq!(reply.headers()["content-type"], content_type, "{fault}");
        assert_eq!(reply.headers()["x-finstream-simulated"], "true", "{fault}");
        let text = reply.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        let received = Received { text, body, unfaulted: unfaulted.clone() };
        assert!(has_fault(&received), "{fault}: {}", received.text);
        assert_eq!(client.get(&url).send().await?.text().await?, received.text, "a second reply differs: {fault}");
    }
    Ok(())
}

#[test]
fn every_fault_is_tested() {
    let complete = [ROWS, SHAPES, ERRORS, PAGES].concat();
    let tested: BTreeSet<_> = complete.iter().map(|case| case.0).chain(CUT.iter().copied()).collect();
    assert_eq!(tested, Fault::ALL.iter().copied().filter(|fault| fault.is_of(MarketSource::YAHOO)).collect());
    assert!(Fault::ALL.iter().all(|fault| MarketSource::ALL.iter().any(|source| fault.is_of(*source))));
}

/// Sends a request and returns everything that comes back until the connection is closed; `None` when it stays open.
async fn raw(address: &str) -> Outcome<Option<String>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {DAY} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes()).await?;
    let mut received = Vec::new();
    let closed = tokio::time::timeout(Duration::from_millis(500), stream.read_to_end(&mut received)).await;
    Ok(closed.is_ok().then(|| String::from_utf8_lossy(&received).into_owned()))
}

#[tokio::test]
async fn a_connection_is_cut_before_within_or_long_after() -> Outcome {
    let (market, address) = served().await?;
    market.inject(always(Reset));
    assert_eq!(raw(&address).await?.as_deref(), Some(""));
    market.inject(always(CutOff));
    let received = raw(&address).await?.ok_or("the connection stays open")?;
    let (head, body) = received.split_once("\r\n\r\n").ok_or("no head")?;
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("no length")?;
    assert!(head.starts_with("HTTP/1.1 200 OK") && body.starts_with("{\"chart\""), "{received}");
    assert_eq!(announced.parse::<usize>()? / 2, body.len());
    market.inject(always(Stalled));
    assert_eq!(raw(&address).await?, None);
    let outcomes = market.requests().into_iter().map(|request| (request.status, request.fault));
    assert!(outcomes.eq(CUT.iter().map(|_| 0).zip([Some(Reset), Some(CutOff), Some(Stalled)])));
    Ok(())
}

#[tokio::test]
async fn a_client_reports_a_cut_connection_as_an_error() -> Outcome {
    let (market, address) = served().await?;
    let url = format!("http://{address}{DAY}");
    market.inject(always(Reset));
    assert!(client()?.get(&url).send().await.is_err());
    market.inject(always(CutOff));
    assert!(client()?.get(&url).send().await?.text().await.is_err());
    market.inject(always(Stalled));
    let reply = client()?.get(&url).timeout(Duration::from_millis(300)).send().await;
    assert!(reply.is_err_and(|error| error.is_timeout()));
    Ok(())
}

#[tokio::test]
async fn the_redirect_leads_to_a_page_of_this_market() -> Outcome {
    let (market, address) = served().await?;
    market.inject(always(Redirect));
    let reply = reqwest::get(format!("http://{address}{DAY}")).await?;
    assert_eq!((reply.status().as_u16(), reply.url().path()), (200, "/consent"));
    assert!(reply.text().await?.contains("consent"));
    Ok(())
}

#[tokio::test]
async fn a_fault_applies_to_longer_bars_too() -> Outcome {
    let (market, address) = served().await?;
    market.inject(always(Fault::NotANumber));
    let url = format!("http://{address}{}", DAY.replace("5m", "1h"));
    let text = client()?.get(url).send().await?.text().await?;
    assert!(["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].iter().all(|it| text.contains(it)), "{text}");
    Ok(())
}

#[tokio::test]
async fn row_faults_leave_replies_without_rows_unchanged() -> Outcome {
    let (market, address) = served().await?;
    let client = client()?;
    let sunday = "/v8/finance/chart/META?period1=1795323600&period2=1795410000&interval=5m";
    for (path, status) in [(sunday, 200), ("/v8/finance/chart/ZZTOP", 404)] {
        market.clear(None);
        let unfaulted: Value =
            serde_json::from_str(&client.get(format!("http://{address}{path}")).send().await?.text().await?)?;
        for (fault, ..) in ROWS {
            market.inject(always(*fault));
            let reply = client.get(format!("http://{address}{path}")).send().await?;
            assert_eq!(reply.status().as_u16(), status, "{fault}");
            assert_eq!(serde_json::from_str::<Value>(&reply.text().await?)?, unfaulted, "{fault}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_chart_request_is_logged() -> Outcome {
    let (market, address) = served().await?;
    let client = client()?;
    market.inject("META=not-found:1".parse()?);
    for path in [DAY, DAY, "/v8/finance/chart/shop", "/v8/finance/chart/META?interval=5h", "/elsewhere"] {
        client.get(format!("http://{address}{path}")).send().await?;
    }
    let requests = market.requests();
    let seen: Vec<_> = requests.iter().map(|it| (it.symbol.as_str(), it.status, it.fault)).collect();
    assert_eq!(seen, [("META", 404, Some(NotFound)), ("META", 200, None), ("shop", 200, None), ("META", 400, None)]);
    assert_eq!(requests[0].period1.as_deref(), Some("1795150800"));
    assert_eq!(requests[0].period2.as_deref(), Some("1795237200"));
    assert_eq!((requests[2].period1.as_deref(), requests[2].at), (None, "2026-11-24T12:00:00Z".parse()?));
    Ok(())
}
