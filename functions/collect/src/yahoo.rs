//! Yahoo Finance's chart endpoint: the settings, the client, Yahoo's spelling of symbols (`yahoo_symbol`), the reply as
//! it is sent (`transport`, `wire`), and its meaning (`decode`, `session`, `hours`, `doubtful`).

mod client;
mod decode;
pub mod doubtful;
mod hours;
mod session;
mod settings;
mod transport;
mod wire;
mod yahoo_symbol;

pub use client::{Day, NewestSession, Scope, Yahoo};
#[cfg(test)]
pub use decode::Ohlcv;
pub use decode::SymbolDay;
pub use settings::MarketSettings;
pub use transport::{HttpReply, Transport, Unreachable};
pub use yahoo_symbol::yahoo_symbol;
