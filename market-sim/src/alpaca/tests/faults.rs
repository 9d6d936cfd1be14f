//! Every fault that replies of Alpaca's side can have, as a client sees it.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Map, Value, json};
use shared::MarketSource;

use super::{NOW, Outcome, SESSION, Served};
use crate::{
    FaultRule,
    fault::Fault::{self, *},
};

/// The bars of three symbols of one session, which fit one page.
fn bars(limit: usize) -> String {
    format!("/v2/stocks/bars?symbols=META,SHOP,BRK.B&timeframe=5Min&limit={limit}&{SESSION}")
}

impl Served {
    /// A market with one fault rule.
    async fn with(rule: &str) -> Outcome<Self> {
        let served = Self::at(NOW).await?;
        served.market.inject(rule.parse::<FaultRule>()?);
        Ok(served)
    }

    /// The bars of all pages, by symbol, and the number of pages; at most 100.
    async fn pages(&self, path: &str) -> Outcome<(Map<String, Value>, usize)> {
        let (mut joined, mut token) = (Map::new(), String::new());
        for number in 1..=100 {
            let (_, page) = self.json(&format!("{path}&page_token={}", token.replace('=', "%3D"))).await?;
            for (symbol, bars) in page["bars"].as_object().ok_or("no bars")? {
                let all = joined.entry(symbol).or_insert_with(|| json!([])).as_array_mut().ok_or("not a list")?;
                all.extend(bars.as_array().ok_or("not a list")?.iter().cloned());
            }
            match page["next_page_token"].as_str() {
                Some(next) => token = next.to_owned(),
                None => return Ok((joined, number)),
            }
        }
        Err("more than 100 pages".into())
    }
}

/// Faults that replace a reply: status and body, of a page its start.
const REPLACED: &[(Fault, u16, &str)] = &[
    (InvalidSymbol, 400, r#"{"message":"invalid symbol: META"}"#),
    (InvalidSymbolPrefixed, 400, r#"{"message":"code=400, message=invalid symbol: META"}"#),
    (BadRequest, 400, r#"{"message":"unexpected query parameter(s): feed"}"#),
    (Unauthorized, 401, r#"{"code":40110000,"message":"request is not authorized"}"#),
    (Forbidden, 403, r#"{"message":"forbidden."}"#),
    (ForbiddenPage, 403, "<html>\r\n<head><title>403 Forbidden</title></head>"),
    (TooRecent, 403, r#"{"message":"subscription does not permit querying recent SIP data"}"#),
    (TooRecentCode, 403, r#"{"code":42210000,"message":"subscription does not permit querying recent SIP data"}"#),
    (Unprocessable, 422, r#"{"code":42210000,"message":"invalid timeframe"}"#),
    (TooManyRequests, 429, r#"{"message":"too many requests."}"#),
    (TooManyRequestsBare, 429, r#"{"message":"too many requests."}"#),
    (InternalError, 500, r#"{"message":"internal server error occurred"}"#),
    (BadGateway, 502, "<html><head><title>502"),
    (Unavailable, 503, "<html><head><title>503"),
    (GatewayTimeout, 504, "<html><head><title>504"),
    (NotJson, 200, "upstream connect error"),
    (EmptyBody, 200, ""),
    (NullBars, 200, r#"{"bars":null,"next_page_token":null}"#),
];

/// A property of a symbol's bars beside those without the fault.
type Shows = fn(&Value, &Value) -> bool;

/// Faults of one symbol's bars.
const CHANGED: &[(Fault, Shows)] = &[
    (CrossedPrices, |bars, plain| {
        let off = |bar: &&Value| bar["o"].as_f64() > bar["h"].as_f64();
        bars.as_array().map(Vec::len) == plain.as_array().map(Vec::len)
            && bars.as_array().into_iter().flatten().filter(off).count() > 30
    }),
    (OtherSymbol, |bars, _| bars.is_null()),
    (NotFound, |bars, _| bars.is_null()),
    (Delisted, |bars, _| bars.is_null()),
    (OverTheCounter, |bars, _| bars.is_null()),
    (ForeignSymbol, |bars, plain| bars == plain),
    (MissingSymbol, |bars, _| bars.is_null()),
    (NullSymbol, |bars, _| bars.is_null()),
    (LostMinutes, |bars, _| {
        let hours = |bar: &Value| bar["t"].as_str().is_some_and(|at| at.ends_with(":00:00Z"));
        bars.as_array().is_some_and(|bars| bars.len() == 6 && bars.iter().all(hours))
    }),
];

/// Faults with a test of their own.
const OTHERS: &[Fault] = &[
    KeyComesAndGoes,
    RateLimit,
    SharedKey,
    CorrectedOvernight,
    ShortPages,
    EmptyFirstPage,
    RepeatedToken,
    Truncated,
    CutOff,
    Reset,
    Stalled,
];

#[test]
fn every_fault_is_tested() {
    let tested =
        REPLACED.iter().map(|case| case.0).chain(CHANGED.iter().map(|case| case.0)).chain(OTHERS.iter().copied());
    let alpacas = Fault::ALL.iter().copied().filter(|fault| fault.is_of(MarketSource::ALPACA));
    assert_eq!(tested.collect::<BTreeSet<_>>(), alpacas.collect());
}

#[tokio::test]
async fn a_fault_of_one_symbol_replaces_the_whole_reply() -> Outcome {
    for (fault, status, body) in REPLACED {
        let served = Served::with(&format!("META={fault}")).await?;
        for _ in 0..2 {
            let reply = served.get(&bars(10_000)).await?;
            assert_eq!(reply.status().as_u16(), *status, "{fault}");
            let text = reply.text().await?;
            assert!(
                if body.is_empty() || body.starts_with('{') { text == *body } else { text.starts_with(body) },
                "{fault}: {text}"
            );
        }
        let others = bars(10_000).replace("META,", "");
        assert_eq!(served.get(&others).await?.status(), 200, "{fault}");
        assert_eq!(served.get("/v2/calendar?start=2026-11-20").await?.status(), 200, "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_of_one_symbols_bars_leaves_the_others_alone() -> Outcome {
    let (_, plain) = Served::at(NOW).await?.json(&bars(10_000)).await?;
    for (fault, shows) in CHANGED {
        let served = Served::with(&format!("BRK-B={fault}")).await?;
        let (status, body) = served.json(&bars(10_000)).await?;
        assert_eq!(status, 200, "{fault}");
        assert!(shows(&body["bars"]["BRK.B"], &plain["bars"]["BRK.B"]), "{fault}: {}", body["bars"]["BRK.B"]);
        for symbol in ["META", "SHOP"] {
            assert_eq!(body["bars"][symbol], plain["bars"][symbol], "{fault}");
        }
        let has_other = matches!(fault, OtherSymbol | ForeignSymbol);
        assert_eq!(body["bars"]["OTHER"].is_array(), has_other, "{fault}");
        assert_eq!(body["bars"].get("BRK.B").is_some_and(Value::is_null), *fault == NullSymbol, "{fault}");
        let (status, asset) = served.json("/v2/assets/BRK.B").await?;
        let expected = match fault {
            NotFound => (404, &Value::Null, &Value::Null),
            Delisted => (200, &json!("NASDAQ"), &json!("inactive")),
            OverTheCounter => (200, &json!("OTC"), &json!("active")),
            _ => (200, &json!("NASDAQ"), &json!("active")),
        };
        assert_eq!((status, &asset["exchange"], &asset["status"]), expected, "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_of_every_symbol_happens_to_the_calendar_too() -> Outcome {
    for (fault, status) in [(Unavailable, 503), (Unauthorized, 401), (TooManyRequests, 429), (InvalidSymbol, 200)] {
        let served = Served::with(&format!("*={fault}")).await?;
        assert_eq!(served.get("/v2/calendar").await?.status().as_u16(), status, "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_is_refused_half_way_or_every_second_time() -> Outcome {
    for (rule, expected) in [
        ("*=forbidden:2..", [200, 200, 403, 403, 403]),
        ("*=forbidden:1", [403, 200, 200, 200, 200]),
        ("*=key-comes-and-goes", [200, 401, 200, 401, 200]),
    ] {
        let served = Served::with(rule).await?;
        let mut statuses = Vec::new();
        for path in [bars(10_000).as_str(), "/v2/calendar", "/v2/assets/META", &bars(1), &bars(2)] {
            statuses.push(served.get(path).await?.status().as_u16());
        }
        assert_eq!(statuses, expected, "{rule}");
    }
    Ok(())
}

#[tokio::test]
async fn the_rate_limit_is_in_the_headers_and_another_process_takes_of_it() -> Outcome {
    for (fault, allowed, step) in [(RateLimit, 200, 1), (SharedKey, 20, 10)] {
        let served = Served::with(&format!("*={fault}")).await?;
        for number in 1..=allowed + 2 {
            let reply = served.get("/v2/calendar?start=2026-11-20&end=2026-11-20").await?;
            let remaining: u32 = reply.headers()["x-ratelimit-remaining"].to_str()?.parse()?;
            let left = 200_u32.saturating_sub(number * step);
            assert_eq!((reply.status() == 200, remaining), (number <= allowed, left), "{fault} {number}");
        }
    }
    for (fault, remaining) in [(TooManyRequests, Some("0")), (TooManyRequestsBare, None)] {
        let reply = Served::with(&format!("*={fault}")).await?.get(&bars(10_000)).await?;
        let header = reply.headers().get("x-ratelimit-remaining");
        assert_eq!(header.map(|value| value.as_bytes()), remaining.map(str::as_bytes), "{fault}");
        assert_eq!(reply.headers().contains_key("x-ratelimit-reset"), remaining.is_some(), "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn pages_may_be_short_empty_or_endless() -> Outcome {
    let (whole, one) = Served::at(NOW).await?.pages(&bars(10_000)).await?;
    let all: usize = whole.values().filter_map(Value::as_array).map(Vec::len).sum();
    assert_eq!((whole.len(), one), (3, 1));
    for (fault, limit, pages) in [
        (ShortPages, 10_000, all.div_ceil(7)),
        (ShortPages, 5, all.div_ceil(5)),
        (EmptyFirstPage, 10_000, 2),
        (EmptyFirstPage, 100, 1 + all.div_ceil(100)),
    ] {
        let served = Served::with(&format!("SHOP={fault}")).await?;
        assert_eq!(served.pages(&bars(limit)).await?, (whole.clone(), pages), "{fault} {limit}");
    }
    let served = Served::with("META=empty-first-page").await?;
    assert_eq!(served.json(&bars(10_000)).await?.1["bars"], json!({}));
    let served = Served::with("*=repeated-token").await?;
    let (_, first) = served.json(&bars(50)).await?;
    let token = first["next_page_token"].as_str().ok_or("no token")?;
    let (_, again) = served.json(&format!("{}&page_token={}", bars(50), token.replace('=', "%3D"))).await?;
    assert_eq!(first, again);
    Ok(())
}

#[tokio::test]
async fn a_low_is_another_on_the_next_day() -> Outcome {
    let evening = "2026-11-21T01:00:00Z"; // still the session's day in New York
    let lows = async |now: &str, rule: &str| -> Outcome<Vec<f64>> {
        let served = Served::at(now).await?;
        served.market.inject(rule.parse()?);
        let (_, body) = served.json(&bars(10_000)).await?;
        Ok(body["bars"]["META"].as_array().into_iter().flatten().filter_map(|bar| bar["l"].as_f64()).collect())
    };
    let rule = "META=corrected-overnight";
    let (before, after) = (lows(evening, rule).await?, lows(NOW, rule).await?);
    assert_eq!(after, lows(evening, "SHOP=corrected-overnight").await?);
    assert_eq!(before.iter().zip(&after).filter(|(before, after)| before < after).count(), 6);
    assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
    Ok(())
}

#[tokio::test]
async fn a_reply_is_truncated_or_its_connection_cut() -> Outcome {
    let whole = Served::at(NOW).await?.get(&bars(10_000)).await?.text().await?;
    let served = Served::with("META=truncated").await?;
    assert_eq!(served.get(&bars(10_000)).await?.text().await?, whole[..whole.len() / 2]);
    served.market.inject("META=cut-off".parse()?);
    assert!(served.get(&bars(10_000)).await?.text().await.is_err());
    served.market.inject("META=reset".parse()?);
    assert!(served.get(&bars(10_000)).await.is_err());
    served.market.inject("META=stalled".parse()?);
    assert!(tokio::time::timeout(Duration::from_millis(300), served.get(&bars(10_000))).await.is_err());
    let log: Vec<_> = served.market.requests().iter().map(|request| (request.status, request.fault)).collect();
    assert_eq!(log, [(200, Some(Truncated)), (0, Some(CutOff)), (0, Some(Reset)), (0, Some(Stalled))]);
    Ok(())
}
