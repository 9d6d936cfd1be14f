//! Every fault as a client meets it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::Fault::{self, CutOff, NotFound, Redirect, Reset, Stalled};
use crate::{FaultDuration, FaultRule, SimulatedMarket, server};

mod cases;

use cases::{CUT, PAGES, REFUSALS, ROWS, SHAPES, Seen};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// META's 2026-11-20, New York's midnight to midnight.
const DAY: &str = "/v8/finance/chart/META?period1=1795150800&period2=1795237200&interval=5m&includePrePost=false";
/// Serves a market whose clock stands on the Tuesday after.
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
async fn every_kind_that_answers_does_what_it_says() -> Outcome {
    let (market, address) = served().await?;
    let (client, url) = (client()?, format!("http://{address}{DAY}"));
    let honest: Value = serde_json::from_str(&client.get(&url).send().await?.text().await?)?;
    for (fault, status, content_type, is_told) in [ROWS, SHAPES, REFUSALS, PAGES].concat() {
        market.inject(always(fault));
        let answer = client.get(&url).send().await?;
        assert_eq!(answer.status().as_u16(), status, "{fault}");
        assert_eq!(answer.headers()["content-type"], content_type, "{fault}");
        assert_eq!(answer.headers()["x-finstream-simulated"], "true", "{fault}");
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        let seen = Seen { text, body, honest: honest.clone() };
        assert!(is_told(&seen), "{fault}: {}", seen.text);
        assert_eq!(client.get(&url).send().await?.text().await?, seen.text, "{fault} is the same again");
    }
    Ok(())
}

#[test]
fn every_kind_is_tested() {
    let answering = [ROWS, SHAPES, REFUSALS, PAGES].concat();
    let tested: BTreeSet<_> = answering.iter().map(|case| case.0).chain(CUT.iter().copied()).collect();
    assert_eq!(tested, Fault::ALL.iter().copied().collect());
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
    let kinds = market.requests().into_iter().map(|request| (request.status, request.fault));
    assert!(kinds.eq(CUT.iter().map(|_| 0).zip([Some(Reset), Some(CutOff), Some(Stalled)])));
    Ok(())
}

#[tokio::test]
async fn a_client_takes_a_cut_connection_for_an_error() -> Outcome {
    let (market, address) = served().await?;
    let url = format!("http://{address}{DAY}");
    market.inject(always(Reset));
    assert!(client()?.get(&url).send().await.is_err());
    market.inject(always(CutOff));
    assert!(client()?.get(&url).send().await?.text().await.is_err());
    market.inject(always(Stalled));
    let answer = client()?.get(&url).timeout(Duration::from_millis(300)).send().await;
    assert!(answer.is_err_and(|error| error.is_timeout()));
    Ok(())
}

#[tokio::test]
async fn the_redirect_leads_to_a_page_of_this_market() -> Outcome {
    let (market, address) = served().await?;
    market.inject(always(Redirect));
    let answer = reqwest::get(format!("http://{address}{DAY}")).await?;
    assert_eq!((answer.status().as_u16(), answer.url().path()), (200, "/consent"));
    assert!(answer.text().await?.contains("consent"));
    Ok(())
}

#[tokio::test]
async fn longer_bars_have_all_faults_too() -> Outcome {
    let (market, address) = served().await?;
    market.inject(always(Fault::NotANumber));
    let url = format!("http://{address}{}", DAY.replace("5m", "1h"));
    let text = client()?.get(url).send().await?.text().await?;
    assert!(["\"NaN\"", "\"Infinity\"", "\"-Infinity\""].iter().all(|it| text.contains(it)), "{text}");
    Ok(())
}

#[tokio::test]
async fn rows_are_faulty_only_where_there_are_rows() -> Outcome {
    let (market, address) = served().await?;
    let client = client()?;
    let sunday = "/v8/finance/chart/META?period1=1795323600&period2=1795410000&interval=5m";
    for (path, status) in [(sunday, 200), ("/v8/finance/chart/ZZTOP", 404)] {
        market.clear(None);
        let honest: Value =
            serde_json::from_str(&client.get(format!("http://{address}{path}")).send().await?.text().await?)?;
        for (fault, ..) in ROWS {
            market.inject(always(*fault));
            let answer = client.get(format!("http://{address}{path}")).send().await?;
            assert_eq!(answer.status().as_u16(), status, "{fault}");
            assert_eq!(serde_json::from_str::<Value>(&answer.text().await?)?, honest, "{fault}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn every_request_is_remembered() -> Outcome {
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
