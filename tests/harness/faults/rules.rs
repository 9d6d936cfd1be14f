//! Which calls go wrong, how, and for how long.

use std::time::Instant;

use jiff::tz::TimeZone;
use market_sim::FaultDuration;
use shared::TradeDate;

use super::{Call, CallFault};

/// An order to let calls go wrong.
#[derive(Debug, Clone, Copy)]
pub struct CallFaultRule {
    /// The calls.
    pub call: Call,
    /// The day to whose runs they must belong; `None` takes every run's. StartCrawler says nothing of its run.
    pub date: Option<TradeDate>,
    /// How they go wrong.
    pub fault: CallFault,
    /// For how many of them, or for how long.
    pub duration: FaultDuration,
}

impl CallFaultRule {
    /// Whether a call that says `text` is one of the rule's. The market is asked from the day's first second on.
    fn is_for(&self, call: Call, text: &str) -> bool {
        let named = |date: TradeDate| {
            let midnights = TimeZone::get("America/New_York").ok().and_then(|zone| date.midnights(&zone).ok());
            let asked = midnights.is_some_and(|(from, _)| text.contains(&format!("period1={}&", from.as_second())));
            asked || text.contains(&date.to_string())
        };
        self.call == call && self.date.is_none_or(named)
    }
}

/// A rule in force.
#[derive(Debug)]
struct InForce {
    rule: CallFaultRule,
    since: Instant,
    /// The calls it has met.
    met: u32,
}

/// The rules in force.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<InForce>);

impl Rules {
    pub(super) fn set(&mut self, rule: CallFaultRule) {
        self.0.push(InForce { rule, since: Instant::now(), met: 0 });
    }

    /// Ends the rules for a call of a day, and says how many calls they met.
    pub(super) fn end(&mut self, call: Call, date: Option<TradeDate>) -> u32 {
        let met = self.met(call, date);
        self.0.retain(|InForce { rule, .. }| (rule.call, rule.date) != (call, date));
        met
    }

    pub(super) fn met(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.0.iter().filter(|InForce { rule, .. }| (rule.call, rule.date) == (call, date)).map(|rule| rule.met).sum()
    }

    /// The fault of a call that comes now, which counts as met.
    pub(super) fn meet(&mut self, call: Call, text: &str) -> Option<CallFault> {
        let InForce { rule, since, met } = self.0.iter_mut().find(|InForce { rule, .. }| rule.is_for(call, text))?;
        let in_force = rule.duration.is_in_force(*met, since.elapsed());
        *met += 1;
        in_force.then_some(rule.fault)
    }
}
