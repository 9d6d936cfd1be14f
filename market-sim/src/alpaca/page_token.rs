//! The token of a page: where the page begins. Opaque to clients.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;

/// The first bar of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    pub symbol: String,
    pub at: Timestamp,
}

impl PageToken {
    /// Base64 of `SYMBOL|M|NANOSECONDS`, as in Alpaca's replies of 2026; `M` is said of bars that are made of minutes.
    pub fn encode(&self) -> String {
        BASE64_STANDARD.encode(format!("{}|M|{}", self.symbol, self.at.as_nanosecond()))
    }

    /// The token that `text` encodes, if it is one.
    pub fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64_STANDARD.decode(text).ok()?).ok()?;
        let (symbol, at) = text.split_once("|M|")?;
        Some(Self { symbol: symbol.to_owned(), at: Timestamp::from_nanosecond(at.parse().ok()?).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_that_alpaca_sent() -> Result<(), Box<dyn std::error::Error>> {
        let token = PageToken { symbol: "SPY".to_owned(), at: "2026-09-24T13:00:00Z".parse()? };
        assert_eq!(token.encode(), "U1BZfE18MTc5MDI1NDgwMDAwMDAwMDAwMA==");
        assert_eq!(PageToken::decode(&token.encode()), Some(token));
        for text in ["", "null", "U1BZ", "U1BZfE18", "U1BZfE18MTc5MDI1NDgwMDAwMDAwMDAwMA"] {
            assert_eq!(PageToken::decode(text), None, "{text:?}");
        }
        Ok(())
    }
}
