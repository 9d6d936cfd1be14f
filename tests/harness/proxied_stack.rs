//! A stack whose functions reach the market and the local cloud through a fault proxy.

use crate::{FaultProxy, Stack, Tools};

/// A stack with a proxy between its functions and what they call.
#[derive(Debug)]
pub struct ProxiedStack {
    /// The stack, which the tests themselves reach without the proxy.
    pub stack: Stack,
    /// Where faults are injected.
    pub proxy: FaultProxy,
}

impl ProxiedStack {
    /// Brings up a stack and points its functions at a proxy that forwards every call until a fault is injected.
    ///
    /// # Errors
    /// When the stack cannot be brought up or configured.
    pub async fn up(tools: &Tools) -> anyhow::Result<Self> {
        let (stack, proxy) = (Stack::up(tools).await?, FaultProxy::default());
        let (market, cloud) = (proxy.serve(&stack.market.url).await?, proxy.serve(&stack.cloud.endpoint).await?);
        // The local cloud sets AWS_ENDPOINT_URL itself; the variable of a single service takes precedence over it.
        for (output, variables) in [
            (
                "CollectFunction",
                &[("MARKET_URL", &*market), ("AWS_ENDPOINT_URL_FIREHOSE", &cloud), ("AWS_ENDPOINT_URL_S3", &cloud)][..],
            ),
            ("StartCrawlerFunction", &[("AWS_ENDPOINT_URL_GLUE", &cloud)]),
            ("RunQueryFunction", &[("AWS_ENDPOINT_URL_ATHENA", &cloud)]),
            ("ExportCsvFunction", &[("AWS_ENDPOINT_URL_S3", &cloud)]),
        ] {
            stack.configure(output, variables, None).await?;
        }
        Ok(Self { stack, proxy })
    }
}
