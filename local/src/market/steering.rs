//! The handle by which a market is served, told to misbehave, and asked what it was asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use shared::Symbol;
use tokio::net::TcpListener;

use super::{
    misbehaviour::Misbehaviour,
    requests::{Request, Requests},
    server,
    switch::Switch,
};

/// A handle on a simulated market: cloneable, shared by the server and whoever steers it.
#[derive(Clone, Debug, Default)]
pub struct Market {
    state: Arc<Mutex<State>>,
    observer: Option<fn(&Request)>,
}

#[derive(Debug, Default)]
struct State {
    on: BTreeMap<Option<Symbol>, SwitchedOn>,
    requests: Requests,
}

#[derive(Debug)]
struct SwitchedOn {
    switch: Switch,
    since: Instant,
    /// The requests that were misbehaved at, by symbol.
    requests: BTreeMap<String, u32>,
}

impl Market {
    /// A market that behaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same market, which shows every request to `observer` just before it is answered.
    #[must_use]
    pub fn observed_by(self, observer: fn(&Request)) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Turns a switch on, in the place of what was on for that symbol. A symbol's own switch wins over the one for
    /// every symbol while it lasts.
    pub fn switch(&self, switch: Switch) {
        let on = SwitchedOn { switch, since: Instant::now(), requests: BTreeMap::new() };
        self.state().on.insert(on.switch.symbol.clone(), on);
    }

    /// Turns the switch of a symbol off; that for every symbol with `None`.
    pub fn behave(&self, symbol: Option<&Symbol>) {
        self.state().on.remove(&symbol.cloned());
    }

    /// The latest requests for charts, oldest first: up to 10,000.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.all()
    }

    /// Serves the market on `listener` until the future is dropped.
    ///
    /// # Errors
    /// Those of the listener.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        axum::serve(listener, server::router(self, Arc::new(Timestamp::now))).await
    }

    /// How a request for `symbol` that comes now is to be misbehaved at; it counts as one.
    pub(super) fn misbehaviour(&self, symbol: &str) -> Option<Misbehaviour> {
        let symbol = symbol.to_ascii_uppercase();
        let own = symbol.parse::<Symbol>().ok().map(Some);
        let mut state = self.state();
        own.into_iter().chain([None]).find_map(|key| state.on.get_mut(&key)?.count(&symbol))
    }

    /// Remembers a request.
    pub(super) fn record(&self, request: Request) {
        if let Some(observer) = self.observer {
            observer(&request);
        }
        self.state().requests.add(request);
    }

    /// A panic elsewhere leaves the state as good as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SwitchedOn {
    fn count(&mut self, symbol: &str) -> Option<Misbehaviour> {
        let requests = self.requests.entry(symbol.to_owned()).or_default();
        let holds = self.switch.lasting.holds(*requests, self.since.elapsed());
        *requests = requests.saturating_add(1);
        holds.then_some(self.switch.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn market(switches: &[&str]) -> Result<Market, Box<dyn std::error::Error>> {
        let market = Market::new();
        for switch in switches {
            market.switch(switch.parse()?);
        }
        Ok(market)
    }

    #[test]
    fn a_symbols_own_switch_wins_while_it_lasts() -> Outcome {
        let market = market(&["*=forbidden", "META=reset:2"])?;
        let names = ["meta", "SHOP", "META", "META", "A/B"].map(|symbol| market.misbehaviour(symbol));
        let (own, all) = (Some(Misbehaviour::Reset), Some(Misbehaviour::Forbidden));
        assert_eq!(names, [own, all, own, all, all]);
        Ok(())
    }

    #[test]
    fn requests_are_counted_for_each_symbol() -> Outcome {
        let market = market(&["*=short-at-first"])?;
        let short = Some(Misbehaviour::ShortAtFirst);
        let asked = ["META", "SHOP", "shop", "META"].map(|symbol| market.misbehaviour(symbol));
        assert_eq!(asked, [short, short, None, None]);
        Ok(())
    }

    #[test]
    fn a_switch_is_replaced_begun_anew_and_turned_off() -> Outcome {
        let market = market(&["META=reset:1", "*=forbidden:3600s"])?;
        assert_eq!(market.misbehaviour("META"), Some(Misbehaviour::Reset));
        market.switch("META=not-found:1".parse()?);
        assert_eq!(market.clone().misbehaviour("META"), Some(Misbehaviour::NotFound));
        market.switch("META=not-found:1".parse()?);
        market.behave(Some(&"META".parse()?));
        assert_eq!(market.misbehaviour("META"), Some(Misbehaviour::Forbidden));
        market.behave(None);
        assert_eq!(market.misbehaviour("META"), None);
        Ok(())
    }
}
