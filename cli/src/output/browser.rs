//! Opens a report in the browser.

use std::{path::Path, time::Duration};

use super::progress::ProgressDisplay;

/// How long the program that opens a file may take to fail; a browser that it has started itself may keep it for hours.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a file in the browser, and says so where none can be opened, such as on a machine without a screen: that is no failure
/// of what came before.
pub fn open(path: &Path, progress: &ProgressDisplay) {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if open::that_detached_with_timeout(&path, TIMEOUT).is_err() {
        progress.fail(&format!("no browser could be opened here; the report is {}", path.display()));
    }
}
