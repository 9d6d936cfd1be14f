//! A simulated market as its users hold it: fault rules are set and cleared here, the rule for a request is chosen here
//! (`fault_for`), and the request log is kept here. [`crate::server`] serves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use jiff::Timestamp;
use shared::{MarketSource, Symbol};

use super::{
    alpaca::{Bucket, Faults, Key, Rate},
    fault::Fault,
    fault_rule::FaultRule,
    request_log::{LoggedRequest, RequestLog},
};

/// A simulated market. Clones share one market: the server holds one, whoever injects faults another.
#[derive(Clone, Debug, Default)]
pub struct SimulatedMarket {
    state: Arc<Mutex<State>>,
    observer: Option<fn(&LoggedRequest)>,
}

#[derive(Debug, Default)]
struct State {
    rules: BTreeMap<Option<Symbol>, ActiveRule>,
    requests: RequestLog,
    key: Key,
    bucket: Bucket,
    /// The number of requests to Alpaca's side.
    alpacas: u64,
}

#[derive(Debug)]
struct ActiveRule {
    rule: FaultRule,
    since: Instant,
    /// The number of requests since the rule was set, by symbol.
    requests: BTreeMap<String, u32>,
}

impl SimulatedMarket {
    /// A market without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same market, which calls `observer` with every request just before its reply is sent.
    #[must_use]
    pub fn observed_by(self, observer: fn(&LoggedRequest)) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// Sets a fault rule and replaces the one set for that symbol before; its counts and its time start anew.
    /// While a symbol's own rule is in force, it takes precedence over the one for every symbol.
    pub fn inject(&self, rule: FaultRule) {
        let active = ActiveRule { rule, since: Instant::now(), requests: BTreeMap::new() };
        self.state().rules.insert(active.rule.symbol.clone(), active);
    }

    /// Clears the rule of a symbol, or with `None` the one for every symbol.
    pub fn clear(&self, symbol: Option<&Symbol>) {
        self.state().rules.remove(&symbol.cloned());
    }

    /// Accepts this key on Alpaca's side from now on, and no other.
    pub fn set_key(&self, key: Key) {
        self.state().key = key;
    }

    /// The key that Alpaca's side accepts.
    pub fn key(&self) -> Key {
        self.state().key.clone()
    }

    /// The latest requests, oldest first: up to 10,000.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state().requests.all()
    }

    /// The fault to inject into Yahoo's reply to a request for `symbol`. Each call counts as one request.
    pub(super) fn fault_for(&self, symbol: &str) -> Option<Fault> {
        let symbol = symbol.to_ascii_uppercase();
        let own = symbol.parse::<Symbol>().ok().map(Some);
        let mut state = self.state();
        own.into_iter().chain([None]).find_map(|key| state.count(key.as_ref(), MarketSource::YAHOO, &symbol))
    }

    /// The faults to inject into Alpaca's reply to a request for `symbols`. Each call counts as one request for each of them,
    /// and as one for the rule for every symbol; a request that names none, such as one for the calendar, has only that rule.
    pub(super) fn faults_for(&self, symbols: &BTreeSet<Symbol>) -> Faults {
        let mut state = self.state();
        let mut own = Vec::new();
        for symbol in symbols {
            let fault = state.count(Some(symbol), MarketSource::ALPACA, symbol.as_str());
            own.extend(fault.map(|fault| (symbol.clone(), fault)));
        }
        Faults { own, all: state.count(None, MarketSource::ALPACA, "") }
    }

    /// Counts a request to Alpaca's side: whether an odd number of them came before.
    pub(super) fn is_second(&self) -> bool {
        let mut state = self.state();
        state.alpacas += 1;
        state.alpacas.is_multiple_of(2)
    }

    /// Takes `cost` requests from those that Alpaca's rate limit leaves: whether one was left, and what is left then.
    pub(super) fn take(&self, cost: u32, at: Timestamp) -> (bool, Rate) {
        self.state().bucket.take(cost, at)
    }

    /// Shows a request to the observer and adds it to the log.
    pub(super) fn record(&self, request: LoggedRequest) {
        if let Some(observer) = self.observer {
            observer(&request);
        }
        self.state().requests.add(request);
    }

    /// Ignores poisoning: no panic can leave the state half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The fault of the rule for `key`, if it is in force and replies of `source` can have it; counts a request for `symbol`.
    fn count(&mut self, key: Option<&Symbol>, source: MarketSource, symbol: &str) -> Option<Fault> {
        let rule = self.rules.get_mut(&key.cloned()).filter(|active| active.rule.fault.is_of(source));
        rule?.count(symbol)
    }
}

impl ActiveRule {
    /// Counts a request for `symbol`; the fault while the rule is in force.
    fn count(&mut self, symbol: &str) -> Option<Fault> {
        let requests = self.requests.entry(symbol.to_owned()).or_default();
        let in_force = self.rule.duration.is_in_force(*requests, self.since.elapsed());
        *requests = requests.saturating_add(1);
        in_force.then_some(self.rule.fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    fn market(rules: &[&str]) -> Result<SimulatedMarket, Box<dyn std::error::Error>> {
        let market = SimulatedMarket::new();
        for rule in rules {
            market.inject(rule.parse()?);
        }
        Ok(market)
    }

    #[test]
    fn a_symbols_own_rule_takes_precedence_while_it_is_in_force() -> Outcome {
        let market = market(&["*=forbidden", "META=reset:2"])?;
        let faults = ["meta", "SHOP", "META", "META", "A/B"].map(|symbol| market.fault_for(symbol));
        let (own, all) = (Some(Fault::Reset), Some(Fault::Forbidden));
        assert_eq!(faults, [own, all, own, all, all]);
        Ok(())
    }

    #[test]
    fn requests_are_counted_for_each_symbol() -> Outcome {
        let market = market(&["*=short-at-first"])?;
        let short = Some(Fault::ShortAtFirst);
        let faults = ["META", "SHOP", "shop", "META"].map(|symbol| market.fault_for(symbol));
        assert_eq!(faults, [short, short, None, None]);
        Ok(())
    }

    #[test]
    fn a_rule_for_every_symbol_counts_a_request_for_many_once() -> Outcome {
        let market = market(&["*=forbidden:2", "META=reset:1", "SHOP=null-rows"])?;
        let symbols = ["META", "SHOP"].map(str::parse).into_iter().collect::<Result<_, _>>()?;
        let faults =
            [&symbols, &BTreeSet::new(), &symbols].map(|symbols| market.faults_for(symbols).iter().collect::<Vec<_>>());
        assert_eq!(faults, [vec![Fault::Reset, Fault::Forbidden], vec![Fault::Forbidden], vec![]]);
        Ok(())
    }

    #[test]
    fn a_fault_of_another_source_leaves_a_request_alone() -> Outcome {
        let market = market(&["META=null-bars:1"])?;
        assert_eq!(market.fault_for("META"), None);
        let faults = market.faults_for(&BTreeSet::from(["META".parse()?]));
        assert_eq!(faults.iter().collect::<Vec<_>>(), [Fault::NullBars], "Yahoo's request was not counted");
        Ok(())
    }

    #[test]
    fn a_rule_is_replaced_restarted_and_cleared() -> Outcome {
        let market = market(&["META=reset:1", "*=forbidden:3600s"])?;
        assert_eq!(market.fault_for("META"), Some(Fault::Reset));
        market.inject("META=not-found:1".parse()?);
        assert_eq!(market.clone().fault_for("META"), Some(Fault::NotFound));
        market.inject("META=not-found:1".parse()?);
        market.clear(Some(&"META".parse()?));
        assert_eq!(market.fault_for("META"), Some(Fault::Forbidden));
        market.clear(None);
        assert_eq!(market.fault_for("META"), None);
        Ok(())
    }
}
