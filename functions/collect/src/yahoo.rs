//! Yahoo Finance's chart endpoint: the settings, the client, Yahoo's spelling of symbols (`yahoo_symbol`), the reply as
//! it is sent (`wire`), and its meaning (`decode`, `session`, `hours`).

mod client;
mod decode;
mod hours;
mod session;
mod settings;
mod source;
mod wire;
mod yahoo_symbol;

pub use client::Yahoo;
pub use decode::Decoded;
pub use settings::MarketSettings;
