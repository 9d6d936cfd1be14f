//! Alpaca's market data: the settings, the account's key (`key`), the client, the pages of bars for many symbols at once
//! (`bars`), the exchange's hours (`calendar`), what Alpaca knows of a symbol (`assets`), the replies as they are sent (`wire`),
//! and their meaning (`decode`, `refusal`).
//!
//! <https://docs.alpaca.markets/reference/stockbars>

mod assets;
mod bars;
mod calendar;
mod client;
mod decode;
mod key;
mod refusal;
mod settings;
mod source;
mod symbol;
mod wire;

pub use client::Alpaca;
pub use key::{KeyStore, SecretsManager};
pub use settings::AlpacaSettings;
