//! How many events an execution can have at most, computed from the definition: Step Functions ends an execution at
//! 25,000. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
//!
//! A counter is a variable that a state increments, and a guard is a choice that is taken only below its limit
//! (`$queries < 15`). Where every path from a guard to a guard of the same counter increments it, these guards are taken
//! as often as the limit says, in all. A state is then visited once, and once more for each guard that is taken, of those
//! counters without whose guards it is in no loop.

use std::collections::{BTreeMap, BTreeSet};

use harness::find_strings;
use serde_json::{Map, Value};

/// A way from one state to another, with the counter and the limit that guard it.
#[derive(Debug, Clone)]
pub struct Transition {
    pub from: String,
    pub to: String,
    pub guard: Option<(String, u64)>,
}

/// Every transition of the definition.
pub fn transitions(states: &Map<String, Value>) -> Vec<Transition> {
    let mut all = Vec::new();
    for (from, state) in states {
        let choices = state["Choices"].as_array();
        let guarded = choices
            .into_iter()
            .flatten()
            .map(|choice| (find_strings(choice, "Next"), guard(choice["Condition"].as_str().unwrap_or_default())));
        let next = if choices.is_some() { find_strings(state, "Default") } else { find_strings(state, "Next") };
        for (targets, guard) in guarded.chain([(next, None)]) {
            all.extend(targets.into_iter().map(|to| Transition { from: from.clone(), to, guard: guard.clone() }));
        }
    }
    all
}

/// The counter and the limit of a condition such as `{% $export.bars_seen = 0 and $queries < 15 %}`: of its first comparison
/// of that kind.
fn guard(condition: &str) -> Option<(String, u64)> {
    let (before, after) = condition.split_once(" < ")?;
    let counter = before.rsplit('$').next()?;
    let limit = after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some((counter.to_owned(), limit))
}

/// Whether a path of `transitions` leads from a state back to it.
pub fn is_in_loop(transitions: &[&Transition], state: &str) -> bool {
    leads(transitions, state, state)
}

/// Whether a path of one or more `transitions` leads from one state to another.
fn leads(transitions: &[&Transition], from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(at) = open.pop() {
        for transition in transitions.iter().filter(|transition| transition.from == at) {
            if transition.to == to {
                return true;
            }
            if seen.insert(transition.to.as_str()) {
                open.push(&transition.to);
            }
        }
    }
    false
}

/// The most events of an execution, and the most visits of each state.
pub fn most_events(states: &Map<String, Value>) -> (u64, BTreeMap<String, u64>) {
    let transitions = transitions(states);
    let limits: Vec<_> = limits(states, &transitions).into_iter().collect();
    let visits: BTreeMap<_, _> =
        states.keys().map(|name| (name.clone(), most_visits(&transitions, &limits, name))).collect();
    (
        visits.iter().map(|(name, visits)| visits.saturating_mul(events(&states[name]))).fold(0, u64::saturating_add),
        visits,
    )
}

/// How often the guards of each counter are taken at most.
fn limits<'a>(states: &Map<String, Value>, transitions: &'a [Transition]) -> BTreeMap<&'a str, u64> {
    let mut limits = BTreeMap::new();
    for (counter, limit) in transitions.iter().filter_map(|transition| transition.guard.as_ref()) {
        let most = limits.entry(counter.as_str()).or_default();
        *most = u64::max(*most, *limit);
    }
    limits.retain(|counter, _| grows_between_its_guards(states, transitions, counter));
    limits
}

/// Whether every path from a guard of the counter to another, or back to itself, increments the counter and none sets it
/// to anything else.
fn grows_between_its_guards(states: &Map<String, Value>, transitions: &[Transition], counter: &str) -> bool {
    let increment = format!("{{% ${counter} + 1 %}}");
    let assigned = |state: &str| states[state]["Assign"][counter].as_str();
    // What a state assigns applies to its own next state, not to that of a caught error.
    let increments = |t: &Transition| {
        assigned(&t.from) == Some(increment.as_str()) && states[&t.from]["Next"].as_str() == Some(t.to.as_str())
    };
    let without: Vec<_> = transitions.iter().filter(|t| !increments(t)).collect();
    let guards: Vec<_> =
        transitions.iter().filter(|t| t.guard.as_ref().is_some_and(|(guard, _)| guard == counter)).collect();
    let reaches = |from: &str, to: &str| from == to || leads(&without, from, to);
    let grows = !guards.iter().any(|one| guards.iter().any(|other| reaches(&one.to, &other.from)));
    // The first state of an execution sets the counter to zero, and is in no loop.
    let all: Vec<_> = transitions.iter().collect();
    let set_back = states.iter().any(|(name, state)| {
        let other = !state["Assign"][counter].is_null() && assigned(name) != Some(increment.as_str());
        other && is_in_loop(&all, name)
    });
    grows && !set_back
}

/// One visit, and one for each guard that is taken of those counters without which the state is in no loop: the fewest.
fn most_visits(transitions: &[Transition], limits: &[(&str, u64)], state: &str) -> u64 {
    let subsets = 0..1_usize << limits.len();
    let visits = subsets.filter_map(|subset| {
        let chosen: BTreeMap<_, _> =
            limits.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1).map(|(_, limit)| *limit).collect();
        let unguarded =
            |t: &&Transition| t.guard.as_ref().is_none_or(|(guard, _)| !chosen.contains_key(guard.as_str()));
        let left: Vec<_> = transitions.iter().filter(unguarded).collect();
        (!is_in_loop(&left, state)).then(|| 1 + chosen.values().sum::<u64>())
    });
    visits.min().unwrap_or(u64::MAX)
}

/// The events of one visit, with every retry: entered and exited, and for each attempt of a task three more (scheduled,
/// started, and its end).
fn events(state: &Value) -> u64 {
    let retries: u64 = state["Retry"].as_array().into_iter().flatten().filter_map(|r| r["MaxAttempts"].as_u64()).sum();
    if state["Type"] == "Task" { 2 + 3 * (1 + retries) } else { 2 }
}
