//! Assets: what is known of a symbol, so that an unknown one is told from one that did not trade.

use serde::Serialize;

use super::{effect::Standing, error_reply::ErrorReply, symbol};
use crate::rng::Rng;

/// Symbols that companies gave up for META and XYZ: known, but not traded any more.
const GIVEN_UP: [&str; 2] = ["FB", "SQ"];

/// One asset. Fields about margins and shorting are left out.
#[derive(Debug, Serialize)]
pub struct Asset {
    id: String,
    class: &'static str,
    exchange: &'static str,
    symbol: String,
    name: String,
    status: &'static str,
    tradable: bool,
}

/// The asset of `symbol`, by a fault's standing where there is one.
///
/// # Errors
/// 404 where nothing is or was listed under it.
pub fn asset(symbol: &str, faulted: Option<Standing>) -> Result<Asset, ErrorReply> {
    let upper = symbol.to_ascii_uppercase();
    let standing = faulted.unwrap_or_else(|| standing(&upper));
    let (exchange, status) = match standing {
        Standing::Active => ("NASDAQ", "active"),
        Standing::Inactive => ("NASDAQ", "inactive"),
        Standing::OverTheCounter => ("OTC", "active"),
        Standing::Unknown => return Err(ErrorReply::asset_not_found(symbol)),
    };
    let id = format!("00000000-0000-4000-8000-{:012x}", Rng::new(&upper, "asset", 0).below(1 << 48));
    let name = symbol::listing(&upper).map_or_else(|| format!("{upper} (simulated)"), |listing| listing.name());
    let tradable = standing == Standing::Active;
    Ok(Asset { id, class: "us_equity", exchange, symbol: upper, name, status, tradable })
}

fn standing(symbol: &str) -> Standing {
    match symbol::listing(symbol) {
        Some(_) => Standing::Active,
        None if GIVEN_UP.contains(&symbol) => Standing::Inactive,
        None => Standing::Unknown,
    }
}
