//! Structured logs: one JSON object per line on standard output, which Lambda sends to CloudWatch Logs.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::env;

/// Starts the log of a function. `RUST_LOG` chooses what is written: a level such as `debug`, or
/// levels by module such as `info,collect=trace`; it is `info` where the variable is unset or neither of these.
pub fn init() {
    let wanted = env::or_default("RUST_LOG", Targets::new().with_default(LevelFilter::INFO));
    let filter = wanted.unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
}
