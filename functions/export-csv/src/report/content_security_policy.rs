//! The page's Content-Security-Policy: nothing is loaded, and nothing runs but the page's own style and script.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// The style, as it stands in the page.
pub const STYLE: &str = include_str!("../../templates/report.css");
/// The script, as it stands in the page.
pub const SCRIPT: &str = include_str!("../../templates/report.js");

/// The policy that the page states in a `meta` element. <https://www.w3.org/TR/CSP3/#meta-element>
pub static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
});
