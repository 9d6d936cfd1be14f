//! The key of an account.

use std::fmt;

use axum::http::HeaderMap;

/// The two headers that carry a key.
pub const KEY_HEADERS: [&str; 2] = ["apca-api-key-id", "apca-api-secret-key"];

/// A key of the simulated market's Alpaca side. The default one is no secret: it opens made-up prices alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The header `APCA-API-KEY-ID`.
    pub id: String,
    /// The header `APCA-API-SECRET-KEY`.
    pub secret: String,
}

impl Default for Key {
    fn default() -> Self {
        Self { id: "SIMULATED".to_owned(), secret: "simulated-secret".to_owned() }
    }
}

/// Shows neither part: a test may set a key whose value it then looks for in every output.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// Whether a request with these headers has this key.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let sent = KEY_HEADERS.map(|name| headers.get(name).map(|value| value.as_bytes()));
        sent == [Some(self.id.as_bytes()), Some(self.secret.as_bytes())]
    }
}
