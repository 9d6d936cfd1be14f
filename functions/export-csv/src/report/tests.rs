use super::*;
use crate::{day::Day, query_result, sample};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn page(simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
    page_of(&sample::result(), simulated)
}

fn page_of(result: &str, simulated: bool) -> Result<String, Box<dyn std::error::Error>> {
    render_collection(result, &Collection { simulated, ..sample::collection()? })
}

/// The page of a collection.
pub fn render_collection(
    result: &str,
    collection: &Collection<SymbolOutcomes>,
) -> Result<String, Box<dyn std::error::Error>> {
    let (day, (_, summarized)) = (day_of(result, collection)?, sample::split(collection)?);
    Ok(render(&summarized, &collection.symbols, &day.summary, &day.restated(), &day.carried_over())?)
}

/// The day of a result.
pub fn day_of<'a>(
    result: &str,
    collection: &'a Collection<SymbolOutcomes>,
) -> Result<Day<'a>, Box<dyn std::error::Error>> {
    let mut day = Day::new(&collection.symbols, collection.interval)?;
    for company in query_result::read(result.as_bytes(), collection.trade_date, collection.simulated)? {
        day.add(company)?;
    }
    Ok(day)
}

/// The companies of a result, as the page summarizes them.
pub fn summary_of<'a>(
    result: &str,
    collection: &'a Collection<SymbolOutcomes>,
) -> Result<Summary<'a>, Box<dyn std::error::Error>> {
    Ok(day_of(result, collection)?.summary)
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
    let result: String = result.split_inclusive('\n').filter(|line| !line.contains("Block &")).collect();
    let page = page_of(&result, true)?;
    assert!(page.contains("<small>=1+1</small>") && !page.contains("'=1+1") && !page.contains("&#39;=1+1"));
    let csv = String::from_utf8(day_of(&result, &sample::collection()?)?.finish()?.read()?)?;
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

/// The page of so many companies.
fn large_page(companies: u32) -> Result<String, Box<dyn std::error::Error>> {
    render_collection(&sample::large_result(companies), &sample::large_collection(companies)?)
}

#[test]
fn up_to_five_hundred_companies_have_a_row_each_and_above_those_of_the_movers() -> Outcome {
    for (companies, rows, movers, lines) in
        [(120, 120, 25, 0), (500, 500, 25, 0), (501, 40, 84, 501), (2_000, 40, 84, 2_000)]
    {
        let page = large_page(companies)?;
        let found = page.split_once("<template id=\"lines\">").and_then(|(_, rest)| rest.split_once("</template>"));
        assert_eq!(
            (
                page.matches("<tr id=").count(),
                page.matches("<li>").count(),
                found.map_or(0, |(text, _)| text.lines().count())
            ),
            (rows, movers, lines),
            "{companies}"
        );
        // Every link of the movers leads to a row.
        let links = page.split("<li><a href=\"#").skip(1).filter_map(|rest| rest.split_once('"'));
        assert_eq!(links.filter(|(symbol, _)| !page.contains(&format!("<tr id=\"{symbol}\""))).count(), 0);
    }
    let page = large_page(501)?;
    assert!(page.contains("S00003\tCompany 00003 &#38; Daughters Inc.\tUSD\t413.90\t+3.47%\t"), "{page}");
    assert!(page.contains("<a href=\"#S00000\">S00000</a> <b>+3.50%</b>") && page.contains("all 501.</p>"));
    Ok(())
}

#[test]
fn a_page_of_any_number_of_companies_is_below_2_mb() -> Outcome {
    for (companies, most) in [(10, 60_000), (120, 200_000), (500, 500_000), (10_000, 2_000_000), (14_000, 2_000_000)] {
        let page = large_page(companies)?;
        assert!(page.len() < most, "{companies} companies: {} bytes", page.len());
        assert_eq!(page.contains(" that the search does not know"), companies > 12_000);
    }
    Ok(())
}
