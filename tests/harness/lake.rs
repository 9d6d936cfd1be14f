//! Bars that a test writes to the lake itself, without `collect` and Firehose, and a crawl that registers them.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use shared::{
    Bar, TradeDate,
    payload::{CrawlStart, StartedCrawl},
};

use crate::{Stack, poll};

impl Stack {
    /// Writes each of `files` to the lake as an object of `date`: every other one in gzip, as Firehose writes
    /// them on AWS, the others as plain text, as it writes them on the local cloud.
    ///
    /// # Errors
    /// When an object cannot be written.
    pub async fn put_bars(&self, date: TradeDate, files: &[Vec<Bar>]) -> anyhow::Result<()> {
        let bucket = self.cloud.output("DataBucket")?;
        for (number, bars) in files.iter().enumerate() {
            let mut key = format!("bars/trade_date={date}/{number}");
            let mut content = lines(bars)?;
            if number % 2 == 1 {
                key += ".gz";
                content = gzip(&content)?;
            }
            self.s3.put_object().bucket(bucket).key(key).body(content.into()).send().await?;
        }
        Ok(())
    }

    /// Deletes the objects of `date` from the lake.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub async fn remove_bars(&self, date: TradeDate) -> anyhow::Result<()> {
        let bucket = self.cloud.output("DataBucket")?;
        for key in self.keys(&format!("bars/trade_date={date}/")).await? {
            self.s3.delete_object().bucket(bucket).key(key).send().await?;
        }
        Ok(())
    }

    /// Runs a crawl that begins now, so that it finds everything that the lake holds, and waits for its end.
    ///
    /// # Errors
    /// When it does not end within two minutes.
    pub async fn crawl(&self) -> anyhow::Result<()> {
        let crawler = json!({"Name": self.cloud.output("CrawlerName")?});
        let interval = Duration::from_millis(100);
        // A crawl of another test, which is running already, may have begun before the bars were there.
        poll("the start of a crawl", interval, async || {
            let crawl: StartedCrawl = self.invoke("StartCrawlerFunction", &json!({})).await?;
            Ok((crawl.start == CrawlStart::Started).then_some(()))
        })
        .await?;
        poll("the end of the crawl", interval, async || {
            let crawler = self.call("glue", "AWSGlue.GetCrawler", &crawler).await?;
            Ok((crawler["Crawler"]["State"] == "READY").then_some(()))
        })
        .await
    }
}

fn lines(bars: &[Bar]) -> serde_json::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for bar in bars {
        serde_json::to_writer(&mut lines, bar)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

fn gzip(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(content)?;
    gzip.finish()
}
