//! The symbols that are still to be requested, and how often each may be.

use shared::Symbol;

/// The most attempts for a symbol in one run: a second one is made later, where the first returned less than every bar.
pub const MAX_ATTEMPTS: u32 = 2;

/// A symbol that is still to be requested, with what earlier invocations know of it.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The symbol as requested.
    pub symbol: Symbol,
    /// The number of attempts so far: requests that the market answered.
    pub attempts: u32,
    /// The number of requests for it that the market refused.
    pub refusals: u32,
}

impl From<&Symbol> for Pending {
    fn from(symbol: &Symbol) -> Self {
        Self { symbol: symbol.clone(), attempts: 0, refusals: 0 }
    }
}
