//! From the start of a function's process to its first request for an event.

use std::path::Path;

use benches::{aws::Aws, chart::Charts, function::Function};

use crate::{
    FUNCTIONS,
    collection::{self, Measured},
};

/// The bare runtime with one client.
const BARE: &str = "bare";

/// The start of each function, and of the floor.
#[derive(Debug, Default)]
pub struct Starts {
    /// The bare runtime with one client.
    pub bare: Measured,
    /// Each function, by name.
    pub functions: Vec<(&'static str, Measured)>,
}

/// Measures the starts, taking turns.
pub async fn measure(folder: &Path, (charts, aws): (&Charts, &Aws), starts: usize) -> anyhow::Result<Starts> {
    eprintln!("{starts} starts of each function …");
    let mut variables = collection::variables(charts);
    variables.extend(["CRAWLER_NAME", "DATABASE", "WORKGROUP"].map(|name| (name, "benchmark".to_owned())));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut programs: Vec<_> = [BARE].into_iter().chain(FUNCTIONS).map(|name| (name, vec![])).collect();
    for _ in 0..starts {
        for (name, all) in &mut programs {
            let variables = if *name == BARE { &[] } else { &*variables };
            let function = Function::start(&folder.join(name), aws, variables).await?;
            all.push(Measured { wall: function.start, usage: function.usage()? });
        }
        // Each is the first of a turn as often as the others.
        programs.rotate_left(1);
    }
    let middle_of = |name| programs.iter().find(|(other, _)| *other == name).map(|(_, all)| middle(all.clone()));
    let functions = FUNCTIONS.map(|name| (name, middle_of(name).unwrap_or_default())).into();
    Ok(Starts { bare: middle_of(BARE).unwrap_or_default(), functions })
}

/// The start that takes as long as the middle one.
fn middle(mut all: Vec<Measured>) -> Measured {
    all.sort_by_key(|start| start.wall);
    all.get(all.len() / 2).copied().unwrap_or_default()
}
