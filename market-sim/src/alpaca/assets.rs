//! Assets: what is known of a symbol, so that an unknown one is told from one that did not trade.

use serde::Serialize;

use super::{error_reply::ErrorReply, symbol};
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

/// The asset of `symbol`.
///
/// # Errors
/// 404 where nothing is or was listed under it.
pub fn asset(symbol: &str) -> Result<Asset, ErrorReply> {
    let upper = symbol.to_ascii_uppercase();
    let given_up = GIVEN_UP.contains(&upper.as_str());
    let name = symbol::listing(&upper).map(|listing| listing.name());
    let name = name.or_else(|| given_up.then(|| format!("{upper} (simulated)")));
    let name = name.ok_or_else(|| ErrorReply::asset_not_found(symbol))?;
    let id = format!("00000000-0000-4000-8000-{:012x}", Rng::new(&upper, "asset", 0).below(1 << 48));
    let status = if given_up { "inactive" } else { "active" };
    Ok(Asset { id, class: "us_equity", exchange: "NASDAQ", symbol: upper, name, status, tradable: !given_up })
}
