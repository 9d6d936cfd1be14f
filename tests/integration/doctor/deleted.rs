//! Stacks of which something was deleted.

use anyhow::Result;

use super::Doctor;

impl Doctor<'_> {
    pub async fn finds_what_was_deleted(&mut self) -> Result<()> {
        let output = |name: &str| self.stack.cloud.output(name).map(str::to_owned);
        let (crawler, stream, database) = (output("CrawlerName")?, output("DeliveryStream")?, output("DatabaseName")?);
        let live_stream = format!("{}-live", self.stack.cloud.stack);
        let (function, machine) = (output("ExportCsvFunction")?, output("StateMachineArn")?);
        let alarm = format!("{}-run-did-not-start", self.stack.cloud.stack);
        let mut deleted = Vec::new();
        for (command, check) in [
            (vec!["glue", "delete-crawler", "--name", &crawler], "crawler"),
            (vec!["firehose", "delete-delivery-stream", "--delivery-stream-name", &stream], "delivery stream"),
            (
                vec!["firehose", "delete-delivery-stream", "--delivery-stream-name", &live_stream],
                "live delivery stream",
            ),
            (vec!["kinesis", "delete-stream", "--stream-name", &live_stream], "live stream"),
            (vec!["glue", "delete-table", "--database-name", &database, "--name", "bars"], "table"),
            (vec!["lambda", "delete-function", "--function-name", &function], "export-csv"),
            (vec!["cloudwatch", "delete-alarms", "--alarm-names", &alarm], "alarm run-did-not-start"),
            (vec!["stepfunctions", "delete-state-machine", "--state-machine-arn", &machine], "pipeline"),
        ] {
            self.aws(&command).await?;
            deleted.push(check);
            let what = format!("the {check} deleted");
            let report = self.finds_exactly(&what, deleted.clone()).await?;
            self.says(&what, &report, check, ["does not exist", "delete the stack and deploy it again"])?;
        }
        self.delete_bucket(&output("DataBucket")?).await?;
        let checks = ["bucket", "bucket notifications", "bucket encryption"];
        deleted.extend(checks);
        let report = self.finds_exactly("the bucket deleted", deleted).await?;
        for check in checks {
            self.says("the bucket deleted", &report, check, ["does not exist", "its bars and exports are gone"])?;
        }
        Ok(())
    }

    /// Deletes a bucket with all versions of its objects.
    async fn delete_bucket(&self, bucket: &str) -> Result<()> {
        let query = "{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}}";
        let versions = self.aws(&["s3api", "list-object-versions", "--bucket", bucket, "--query", query]).await?;
        self.aws(&["s3api", "delete-objects", "--bucket", bucket, "--delete", &versions.to_string()]).await?;
        self.aws(&["s3api", "delete-bucket", "--bucket", bucket]).await.map(drop)
    }
}
