//! The sources that the function can query.

use shared::MarketSource;

use super::Source;
use crate::Error;

/// The clients of the sources, built at cold start, and which of them a request has that names none.
#[derive(Debug)]
pub struct Sources {
    default: MarketSource,
    clients: Vec<Box<dyn Source>>,
}

impl Sources {
    /// These clients, of which that of `default` serves requests that name no source.
    pub fn new(default: MarketSource, clients: Vec<Box<dyn Source>>) -> Self {
        Self { default, clients }
    }

    /// The client of the source that a request names, or of the default one.
    ///
    /// # Errors
    /// The function has no client of it: its settings are missing.
    pub fn get(&self, named: Option<MarketSource>) -> Result<&dyn Source, Error> {
        let market = named.unwrap_or(self.default);
        let client = self.clients.iter().find(|client| *client.market() == market);
        client.map(|client| &**client).ok_or(Error::SourceNotSetUp(market))
    }
}
