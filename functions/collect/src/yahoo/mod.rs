//! Yahoo Finance's chart endpoint: asking (`client`), reading (`wire`), and judging (`decode`).

mod client;
mod decode;
mod wire;

pub use client::{MarketSettings, Yahoo};
pub use decode::{Day, Failure};
