//! A simulated market as its users hold it: fault rules are set and cleared here, the rule for a request is chosen here
//! (`fault_for`), and the request log is kept here. [`crate::server`] serves it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use shared::Symbol;

use super::{
    alpaca::Key,
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

    /// The fault to inject into the reply to a request for `symbol`. Each call counts as one request.
    pub(super) fn fault_for(&self, symbol: &str) -> Option<Fault> {
        let symbol = symbol.to_ascii_uppercase();
        let own = symbol.parse::<Symbol>().ok().map(Some);
        let mut state = self.state();
        own.into_iter().chain([None]).find_map(|key| state.rules.get_mut(&key)?.count(&symbol))
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
