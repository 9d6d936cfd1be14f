//! Bars that are put into the lake by hand, and made known the way the pipeline does it.

use std::{io::Write, time::Duration};

use anyhow::bail;
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use shared::{
    Bar, TradeDate,
    payload::{CrawlStart, StartedCrawl},
};

use crate::Stack;

impl Stack {
    /// Puts each of `files` into the lake as an object of `date`: the odd ones in gzip, as Firehose
    /// writes them on AWS, the even ones as plain text, as it writes them here.
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

    /// Takes the objects of `date` out of the lake.
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

    /// Lets the crawler look at the lake as it is now.
    ///
    /// # Errors
    /// When it has not done so within half a minute.
    pub async fn crawl(&self) -> anyhow::Result<()> {
        let crawler = json!({"Name": self.cloud.output("CrawlerName")?});
        let mut started = false;
        for _ in 0..300 {
            if !started {
                // A crawl of another test may have begun before the bars were there.
                let answer: StartedCrawl = self.invoke("StartCrawlerFunction", &json!({})).await?;
                started = answer.start == CrawlStart::Started;
            } else if self.call("glue", "AWSGlue.GetCrawler", &crawler).await?["Crawler"]["State"] == "READY" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("no crawl within half a minute")
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
