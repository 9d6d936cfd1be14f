//! A stack whose functions reach the market and the local cloud through a fault proxy.

use crate::{FaultProxy, Stack, Tools};

/// A stack of its own, and the proxy in its way.
#[derive(Debug)]
pub struct ProxiedStack {
    /// The stack.
    pub stack: Stack,
    /// The proxy.
    pub proxy: FaultProxy,
}

impl ProxiedStack {
    /// Brings up a stack and points its functions at a proxy that lets everything through.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn up(tools: &Tools) -> anyhow::Result<Self> {
        let (stack, proxy) = (Stack::up(tools).await?, FaultProxy::default());
        let (market, cloud) = (proxy.serve(&stack.market.url).await?, proxy.serve(&stack.cloud.endpoint).await?);
        // The local cloud insists on its own AWS_ENDPOINT_URL; that of a service wins over it.
        for (output, variables) in [
            ("CollectFunction", &[("MARKET_URL", &*market), ("AWS_ENDPOINT_URL_FIREHOSE", &cloud)][..]),
            ("StartCrawlerFunction", &[("AWS_ENDPOINT_URL_GLUE", &cloud)]),
            ("RunQueryFunction", &[("AWS_ENDPOINT_URL_ATHENA", &cloud)]),
            ("ExportCsvFunction", &[("AWS_ENDPOINT_URL_S3", &cloud)]),
        ] {
            stack.configure(output, variables, None).await?;
        }
        Ok(Self { stack, proxy })
    }
}
