//! The faults of one request, which may be for many symbols.

use jiff::Timestamp;
use shared::{MarketSource, Symbol};

use super::{
    bars::{Body, SymbolBars},
    effect::{Effect, RateEffect, Standing},
    error_reply::ErrorReply,
    query::BarsQuery,
    symbol::in_yahoos_spelling,
};
use crate::{
    fault::{self, Fault},
    reply::Reply,
};

/// The faults that are injected into the reply to one request.
#[derive(Debug, Default)]
pub struct Faults {
    /// Those of rules for symbols that it names, in its order.
    pub own: Vec<(Symbol, Fault)>,
    /// That of the rule for every symbol.
    pub all: Option<Fault>,
}

impl Faults {
    /// Every fault, a symbol's own first.
    pub fn iter(&self) -> impl Iterator<Item = Fault> {
        self.own.iter().map(|(_, fault)| *fault).chain(self.all)
    }

    fn effects(&self) -> impl Iterator<Item = Effect> {
        self.iter().filter_map(alpacas)
    }

    /// What happens to one symbol of the request: its own fault, else that of every symbol.
    fn effect_on(&self, symbol: &str) -> Option<Effect> {
        let symbol = in_yahoos_spelling(symbol);
        let own = self.own.iter().find(|(name, _)| Some(name) == symbol.as_ref()).map(|(_, fault)| *fault);
        own.or(self.all).and_then(alpacas)
    }

    /// The page in place of a reply.
    pub fn page(&self) -> Option<Reply> {
        self.iter().find_map(|fault| match fault.effect_on(MarketSource::ALPACA)? {
            fault::Effect::Page(page) | fault::Effect::Alpaca(Effect::Sent(page)) => Some(Reply::from(page)),
            _ => None,
        })
    }

    /// The error in place of any reply. `is_second` says that an odd number of requests came before.
    pub fn error(&self, is_second: bool) -> Option<ErrorReply> {
        self.effects().find_map(|effect| match effect {
            Effect::Refused(error) => Some(error()),
            Effect::EverySecond(error) if is_second => Some(error()),
            _ => None,
        })
    }

    /// The error in place of bars of `symbols`: it names the symbol whose fault it is, else the first.
    pub fn bars_error(&self, symbols: &[String]) -> Option<ErrorReply> {
        symbols.iter().find_map(|symbol| match self.effect_on(symbol)? {
            Effect::BarsError(error) => Some(error(symbol)),
            _ => None,
        })
    }

    /// What happens with the rate limit.
    pub fn rate(&self) -> Option<RateEffect> {
        self.effects().find_map(|effect| if let Effect::Rate(rate) = effect { Some(rate) } else { None })
    }

    /// The most bars of a page.
    pub fn page_size(&self) -> Option<usize> {
        self.effects().find_map(|effect| if let Effect::PageSize(size) = effect { Some(size) } else { None })
    }

    /// What happens to pages of bars.
    pub fn paged(&self) -> impl Iterator<Item = fn(&mut Body, &BarsQuery)> {
        self.effects().filter_map(|effect| if let Effect::Paged(change) = effect { Some(change) } else { None })
    }

    /// What happens to the bars of one symbol.
    pub fn on_symbol(&self, symbol: &str) -> Option<fn(&mut SymbolBars, Timestamp)> {
        if let Some(Effect::Symbol(change)) = self.effect_on(symbol) { Some(change) } else { None }
    }

    /// What its asset says of a symbol that is left out of the bars.
    pub fn untraded(&self, symbol: &str) -> Option<Standing> {
        if let Some(Effect::Untraded(standing)) = self.effect_on(symbol) { Some(standing) } else { None }
    }

    /// The reply, truncated or with its connection cut.
    pub fn delivered(&self, reply: Reply) -> Reply {
        let delivery = self.iter().find_map(|fault| match fault.effect_on(MarketSource::ALPACA)? {
            fault::Effect::Delivery(change) => Some(change),
            _ => None,
        });
        match delivery {
            Some(change) => change(reply),
            None => reply,
        }
    }
}

/// The effect that only replies of Alpaca's side can have.
fn alpacas(fault: Fault) -> Option<Effect> {
    if let Some(fault::Effect::Alpaca(effect)) = fault.effect_on(MarketSource::ALPACA) { Some(effect) } else { None }
}
