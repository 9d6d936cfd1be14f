//! Rules: which calls fail, with which fault, and for how long.

use std::time::Instant;

use jiff::tz::TimeZone;
use market_sim::FaultDuration;
use shared::TradeDate;

use super::{Call, CallFault};

/// An order to inject a fault into calls.
#[derive(Debug, Clone, Copy)]
pub struct CallFaultRule {
    /// The calls that fail.
    pub call: Call,
    /// The trade date of the runs whose calls fail; `None` means every run. A StartCrawler request names no run, so
    /// that a rule with a date never matches it.
    pub date: Option<TradeDate>,
    /// How they fail.
    pub fault: CallFault,
    /// For how many calls, or for how long, from when the rule is set.
    pub duration: FaultDuration,
}

impl CallFaultRule {
    /// Whether the rule is for a call whose request has this text. A request of the market names the date by the
    /// second in which it begins in New York.
    fn matches(&self, call: Call, text: &str) -> bool {
        let names_date = |date: TradeDate| {
            let midnights = TimeZone::get("America/New_York").ok().and_then(|zone| date.midnights(&zone).ok());
            let period = midnights.is_some_and(|(from, _)| text.contains(&format!("period1={}&", from.as_second())));
            period || text.contains(&date.to_string())
        };
        self.call == call && self.date.is_none_or(names_date)
    }
}

/// A rule that is set.
#[derive(Debug)]
struct ActiveRule {
    rule: CallFaultRule,
    since: Instant,
    /// The number of calls it has matched.
    matched: u32,
}

/// The rules that are set.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<ActiveRule>);

impl Rules {
    pub(super) fn add(&mut self, rule: CallFaultRule) {
        self.0.push(ActiveRule { rule, since: Instant::now(), matched: 0 });
    }

    /// Removes the rules with this call and this date, and returns the number of calls that they matched.
    pub(super) fn remove(&mut self, call: Call, date: Option<TradeDate>) -> u32 {
        let matched = self.matched(call, date);
        self.0.retain(|ActiveRule { rule, .. }| (rule.call, rule.date) != (call, date));
        matched
    }

    /// The number of calls that the rules with this call and this date have matched.
    pub(super) fn matched(&self, call: Call, date: Option<TradeDate>) -> u32 {
        self.0
            .iter()
            .filter(|ActiveRule { rule, .. }| (rule.call, rule.date) == (call, date))
            .map(|rule| rule.matched)
            .sum()
    }

    /// The fault of a call that is made now, which counts as matched: that of the first rule that matches, if it is
    /// still in force.
    pub(super) fn fault_of(&mut self, call: Call, text: &str) -> Option<CallFault> {
        let ActiveRule { rule, since, matched } =
            self.0.iter_mut().find(|ActiveRule { rule, .. }| rule.matches(call, text))?;
        let in_force = rule.duration.is_in_force(*matched, since.elapsed());
        *matched += 1;
        in_force.then_some(rule.fault)
    }
}
