//! How long the state machine's waits last on a local cloud, as a fraction of their length on AWS: the one rule for every
//! command that brings one up.

use local::cloud::DEFAULT_WAIT_SCALE;
use shared::MarketSource;
use url::Url;

use crate::args::BadRequest;

/// The waits of AWS.
const AS_ON_AWS: f64 = 1.0;

/// The wait scale with a market at `market_url`, where `None` is the simulated one: that of the option `--wait-scale`, otherwise
/// [`DEFAULT_WAIT_SCALE`]. With a source's own servers it is 1, since the waits are what keeps a market that blocks from being queried again
/// within seconds.
///
/// # Errors
/// When the option shortens the waits for a source's own servers.
pub fn wait_scale(market_url: Option<&Url>, option: Option<f64>) -> Result<f64, BadRequest> {
    let Some(source) = market_url.and_then(Url::host_str).and_then(MarketSource::of_host) else {
        return Ok(option.unwrap_or(DEFAULT_WAIT_SCALE));
    };
    match option {
        Some(scale) if scale < AS_ON_AWS => Err(BadRequest(format!(
            "with --wait-scale {scale} {source} would be queried again seconds after it has blocked this machine: where the market \
             is {source}, waits last as long as on AWS, so leave --wait-scale out",
            source = source.label
        ))),
        _ => Ok(AS_ON_AWS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_never_shortened_for_a_source() -> Result<(), Box<dyn std::error::Error>> {
        for (market, option, expected) in [
            (None, None, Some(DEFAULT_WAIT_SCALE)),
            (None, Some(0.0), Some(0.0)),
            (Some("http://127.0.0.1:8080"), None, Some(DEFAULT_WAIT_SCALE)),
            (Some("http://127.0.0.1:8080"), Some(0.5), Some(0.5)),
            (Some("https://query2.finance.yahoo.com"), None, Some(1.0)),
            (Some("https://query2.finance.yahoo.com"), Some(1.0), Some(1.0)),
            (Some("https://query2.finance.yahoo.com"), Some(0.99), None),
            (Some("http://QUERY1.finance.Yahoo.com:80/x"), Some(0.0), None),
        ] {
            let url = market.map(Url::parse).transpose()?;
            let scale = wait_scale(url.as_ref(), option);
            assert_eq!(scale.as_ref().ok(), expected.as_ref(), "{market:?} {option:?}");
            assert!(scale.err().is_none_or(|BadRequest(why)| why.contains("leave --wait-scale out")), "{market:?}");
        }
        Ok(())
    }
}
