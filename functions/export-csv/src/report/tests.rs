use shared::payload::ExportRequest;

use super::*;
use crate::{query_result, sample};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn page(simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
    page_of(&sample::result(), simulated)
}

fn page_of(result: &str, simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
    let mut request = sample::request()?;
    request.collection.simulated = simulated;
    render_request(result, &request)
}

fn render_request(result: &str, request: &ExportRequest) -> Result<String, Box<dyn std::error::Error>> {
    let collection = &request.collection;
    let result = query_result::read(result.as_bytes(), collection.trade_date, collection.prices())?;
    Ok(render(collection, &result)?)
}

#[test]
fn the_report_of_a_small_day() -> Outcome {
    let policy = POLICY.replace('\'', "&#39;");
    let page = page(true)?.replace(STYLE, "…").replace(SCRIPT, "…").replace(&policy, "…");
    insta::assert_snapshot!(page);
    Ok(())
}

#[test]
fn only_simulated_prices_are_labelled_as_simulated() -> Outcome {
    assert!(page(true)?.contains("Simulated prices"));
    let real = page(false)?;
    assert!(!real.to_lowercase().contains("simulated") && real.contains("Yahoo Finance"));
    Ok(())
}

#[test]
fn the_currencies_are_named_and_minor_units_are_explained() -> Outcome {
    let mixed = page(true)?;
    assert!(mixed.contains("prices in GBp, USD, currency unknown (GBp: pence, 1/100 GBP)"));
    let dollars = page_of(&sample::result().replace("GBp", "USD"), true)?;
    assert!(dollars.contains("prices in USD, currency unknown, list") && !dollars.contains("1/100"));
    for (symbol, currency) in [("META", "USD"), ("SHOP", "currency unknown"), ("XYZ", "GBp")] {
        let row = mixed.split("<tr id=").find(|row| row.starts_with(&format!("\"{symbol}\""))).unwrap_or_default();
        assert!(row.contains(&format!(" <small>{currency}</small><td")), "{row}");
    }
    let hostile = page_of(&sample::result().replace("GBp", "<i>"), true)?;
    assert!(!hostile.contains("<i>"));
    Ok(())
}

#[test]
fn a_name_that_a_spreadsheet_would_run_is_shown_as_it_is() -> Outcome {
    let result = sample::result().replace("Meta Platforms", "=1+1");
    let page = page_of(&result, true)?;
    assert!(page.contains("<small>=1+1</small>") && !page.contains("'=1+1") && !page.contains("&#39;=1+1"));
    let request = sample::request()?;
    let rows = query_result::read(result.as_bytes(), request.collection.trade_date, request.collection.prices())?;
    let csv = String::from_utf8(shared::hourly_extreme::write(&rows.rows)?)?;
    assert!(csv.contains("\n'=1+1,META,"), "{csv}");
    Ok(())
}

#[test]
fn names_and_details_are_escaped_and_nothing_is_loaded() -> Outcome {
    let page = page(true)?.replace("http://www.w3.org/2000/svg", "");
    assert!(!page.contains("<Ltd>") && !page.contains("disappeared <b>") && page.contains("&#60;Ltd"));
    for outside in ["<link", "<img", "url(", "@import", "http://", "https://", " src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    Ok(())
}

#[test]
fn what_the_policy_allows_is_the_pages_own() -> Outcome {
    let page = page(true)?;
    assert_eq!((page.matches("<style").count(), page.matches("<script").count()), (1, 1));
    assert!(page.contains(&format!("<style>{STYLE}</style>")) && page.contains(&format!("<script>{SCRIPT}</script>")));
    let policy = POLICY.replace('\'', "&#39;");
    assert!(page.contains(&format!("content=\"{policy}\"")), "{policy}");
    assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-") && !POLICY.contains("unsafe"));
    Ok(())
}
