//! Yahoo Finance's chart endpoint: its settings, the client, the symbol in Yahoo's spelling (`yahoo_symbol`), what is
//! sent (`wire`), and what it means (`decode`, `session`).

mod client;
mod decode;
mod session;
mod settings;
mod wire;
mod yahoo_symbol;

pub use client::Yahoo;
pub use decode::SymbolDay;
pub use settings::MarketSettings;
pub use yahoo_symbol::yahoo_symbol;
