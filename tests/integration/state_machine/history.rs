//! How many events an execution can have at most, computed from the definition: Step Functions ends an execution at
//! 25,000. <https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html>
//!
//! A counter is a variable that a state increments, and a guard is a choice that is taken only below its limit
//! (`$queries < 15`). Between two visits of the state that increments it lies a guard, so there are no more visits
//! than the limit; any other state of a loop is visited as often as a state that each of its loops passes.

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

/// The counter and the limit of a condition such as `{% $export.bars_seen = 0 and $queries < 15 %}`.
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
    let counting: BTreeMap<&str, u64> = states
        .iter()
        .filter_map(|(name, state)| Some((name.as_str(), visits_of_counting(&transitions, states, name, state)?)))
        .collect();
    let visits: BTreeMap<_, _> = states
        .keys()
        .map(|name| {
            let most = counting.get(name.as_str()).copied().unwrap_or_else(|| visits(&transitions, &counting, name));
            (name.clone(), most)
        })
        .collect();
    (visits.iter().map(|(name, visits)| visits * events(&states[name])).sum(), visits)
}

/// The most visits of a state that increments a counter: the limit, and the limits of the loops that other counters guard.
fn visits_of_counting(
    transitions: &[Transition],
    states: &Map<String, Value>,
    name: &str,
    state: &Value,
) -> Option<u64> {
    let counters: BTreeMap<&str, u64> = transitions
        .iter()
        .filter_map(|transition| transition.guard.as_ref())
        .map(|(counter, limit)| (counter.as_str(), *limit))
        .collect();
    let increments = |counter: &str| state["Assign"][counter].as_str() == Some(&*format!("{{% ${counter} + 1 %}}"));
    let own = counters.keys().copied().find(|counter| increments(counter))?;
    let without_own: Vec<_> =
        transitions.iter().filter(|t| t.guard.as_ref().is_none_or(|(guard, _)| guard != own)).collect();
    let mut most = counters[own];
    for (other, limit) in counters.iter().filter(|(other, _)| **other != own) {
        if guards_loop_of(&without_own, other, name) {
            // A counter that is set back to zero starts anew with each visit of the state that does so.
            let resets = states.iter().filter(|(reset, state)| *reset != name && state["Assign"][other] == 0);
            let resets = resets.filter_map(|(reset, state)| visits_of_counting(transitions, states, reset, state));
            most += limit * (1 + resets.sum::<u64>());
        }
    }
    Some(most)
}

/// Whether a guard of `counter` lies on a loop of the state.
fn guards_loop_of(transitions: &[&Transition], counter: &str, state: &str) -> bool {
    let reaches = |from: &str, to: &str| from == to || leads(transitions, from, to);
    transitions
        .iter()
        .filter(|t| t.guard.as_ref().is_some_and(|(guard, _)| guard == counter))
        .any(|t| reaches(&t.to, state) && reaches(state, &t.from))
}

/// The most visits of a state that counts nothing: one, or those of a counting state that all of its loops pass.
fn visits(transitions: &[Transition], counting: &BTreeMap<&str, u64>, name: &str) -> u64 {
    let all: Vec<_> = transitions.iter().collect();
    if !is_in_loop(&all, name) {
        return 1;
    }
    let passes = |state: &str| -> bool {
        let without: Vec<_> = transitions.iter().filter(|t| t.from != state && t.to != state).collect();
        !is_in_loop(&without, name)
    };
    counting
        .iter()
        .filter(|(state, _)| passes(state))
        .map(|(_, visits)| visits + 1)
        .min()
        .unwrap_or(u64::MAX / 1_000_000)
}

/// The events of one visit, with every retry: entered and exited, and for each attempt of a task three more (scheduled,
/// started, and its end).
fn events(state: &Value) -> u64 {
    let retries: u64 = state["Retry"].as_array().into_iter().flatten().filter_map(|r| r["MaxAttempts"].as_u64()).sum();
    if state["Type"] == "Task" { 2 + 3 * (1 + retries) } else { 2 }
}
