//! From the start of a function's process to its first request for an event.

use std::{path::Path, time::Duration};

use benches::{aws::Aws, chart::Charts, function::Function};

use crate::{FUNCTIONS, collection};

/// The start of each function, and of the floor.
#[derive(Debug, Default)]
pub struct Starts {
    /// The bare runtime with one client.
    pub bare: Duration,
    /// Each function, by name.
    pub functions: Vec<(&'static str, Duration)>,
}

/// Measures the starts, taking turns.
pub async fn measure(folder: &Path, (charts, aws): (&Charts, &Aws), starts: usize) -> anyhow::Result<Starts> {
    eprintln!("{starts} starts of each function …");
    let mut variables = collection::variables(charts);
    variables.extend(["CRAWLER_NAME", "DATABASE", "WORKGROUP"].map(|name| (name, "benchmark".to_owned())));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (mut bare, mut functions) = (vec![], FUNCTIONS.map(|name| (name, vec![])));
    for _ in 0..starts {
        bare.push(Function::start(env!("CARGO_BIN_EXE_bare").as_ref(), &aws.url, &[]).await?.start);
        for (name, all) in &mut functions {
            all.push(Function::start(&folder.join(name), &aws.url, &variables).await?.start);
        }
    }
    Ok(Starts { bare: middle(bare), functions: functions.map(|(name, all)| (name, middle(all))).into() })
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
