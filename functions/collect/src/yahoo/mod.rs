//! Yahoo Finance's chart endpoint: who may ask (`gate`), asking (`client`), the symbol to ask for
//! (`spelling`), reading (`wire`), and judging (`decode`, `session`).

mod client;
mod decode;
mod gate;
mod session;
mod spelling;
mod wire;

pub use client::{MarketSettings, Yahoo};
pub use decode::{Day, Failure};
pub use gate::Gate;
pub use spelling::spelling;
