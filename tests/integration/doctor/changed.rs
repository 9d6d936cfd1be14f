//! Stacks in which a schedule, a subscription, a policy or the table was changed, and set back.

use anyhow::{Context as _, Result};
use harness::{deployed_roles, find_role, list};
use serde_json::{Value, json};

use super::{Doctor, EMAIL};

impl Doctor<'_> {
    pub async fn finds_a_changed_schedule(&mut self) -> Result<()> {
        let name = format!("{}-after-the-close", self.stack.cloud.stack);
        let mut schedule = self.aws(&["scheduler", "get-schedule", "--name", &name]).await?;
        let expression = "cron(30 17 ? * MON-FRI *)";
        for (broken, state, expression, says) in [
            ("the schedule disabled", "DISABLED", expression, ["its state is DISABLED", "EventBridge Scheduler"]),
            ("the schedule at noon", "ENABLED", "cron(0 12 ? * MON-FRI *)", ["its expression is cron(0 12", "set "]),
            ("", "ENABLED", expression, ["", ""]),
        ] {
            schedule["State"] = Value::from(state);
            schedule["ScheduleExpression"] = Value::from(expression);
            for field in ["Arn", "CreationDate", "LastModificationDate"] {
                schedule.as_object_mut().context("a schedule is an object")?.remove(field);
            }
            self.aws(&["scheduler", "update-schedule", "--cli-input-json", &schedule.to_string()]).await?;
            if !broken.is_empty() {
                self.finds(broken, "schedule of runs", says).await?;
            }
        }
        Ok(())
    }

    pub async fn finds_a_pending_subscription(&mut self) -> Result<()> {
        let topic = self.stack.cloud.output("AlertsArn")?;
        let endpoint = "https://127.0.0.1:9/alerts";
        let subscribe = ["sns", "subscribe", "--topic-arn", topic, "--protocol"];
        self.aws(&[subscribe.as_slice(), &["https", "--notification-endpoint", endpoint]].concat()).await?;
        let says = ["not confirmed by https://127.0.0.1:9/alerts", "open the link"];
        self.finds("a subscription that is not confirmed", "subscribers of alerts", says).await?;
        self.unsubscribe(topic, endpoint).await?;
        self.unsubscribe(topic, EMAIL).await?;
        let says = ["ops@example.com is not subscribed", "aws sns subscribe"];
        self.finds("a subscription deleted", "subscribers of alerts", says).await?;
        let other = "other@example.com";
        self.aws(&[subscribe.as_slice(), &["email", "--notification-endpoint", other]].concat()).await?;
        self.finds("another address subscribed", "subscribers of alerts", says).await?;
        self.unsubscribe(topic, other).await?;
        self.aws(&[subscribe.as_slice(), &["email", "--notification-endpoint", EMAIL]].concat()).await?;
        Ok(())
    }

    async fn unsubscribe(&self, topic: &str, endpoint: &str) -> Result<()> {
        let found = self.aws(&["sns", "list-subscriptions-by-topic", "--topic-arn", topic]).await?;
        let found = list(&found["Subscriptions"]).into_iter().find(|subscription| subscription["Endpoint"] == endpoint);
        let arn = found.and_then(|found| found["SubscriptionArn"].as_str()).context("no subscription")?;
        self.aws(&["sns", "unsubscribe", "--subscription-arn", arn]).await.map(drop)
    }

    pub async fn finds_a_removed_policy(&mut self) -> Result<()> {
        let roles = deployed_roles(&self.context.tools, &self.stack.cloud).await?;
        let role = find_role(&roles, "Collect")?;
        let name = role["RoleName"].as_str().context("no name")?;
        for (policy, check, denied) in [
            ("collect", "role of collect", "may not firehose:PutRecordBatch on arn:aws:firehose"),
            ("collect-live", "role of collect, live", "may not kinesis:PutRecords on arn:aws:kinesis"),
        ] {
            let found = list(&role["RolePolicyList"]).into_iter().find(|found| found["PolicyName"] == policy);
            let document = found.context("no such policy")?["PolicyDocument"].to_string();
            let policy = ["--role-name", name, "--policy-name", policy];
            self.aws(&[["iam", "delete-role-policy"].as_slice(), &policy].concat()).await?;
            self.finds("the policy of a role removed", check, [denied, "changed by hand"]).await?;
            let put = [["iam", "put-role-policy"].as_slice(), &policy, &["--policy-document", &document]].concat();
            self.aws(&put).await?;
        }
        Ok(())
    }

    pub async fn finds_a_missing_column(&mut self) -> Result<()> {
        let database = self.stack.cloud.output("DatabaseName")?;
        let found = self.aws(&["glue", "get-table", "--database-name", database, "--name", "bars"]).await?;
        let field = |name: &str| found["Table"][name].clone();
        let mut table = json!({"Name": "bars", "TableType": field("TableType"), "Parameters": field("Parameters"),
            "StorageDescriptor": field("StorageDescriptor"), "PartitionKeys": field("PartitionKeys")});
        let whole = table.to_string();
        let columns = table["StorageDescriptor"]["Columns"].as_array_mut().context("no columns")?;
        columns.retain(|column| column["Name"] != "run_id");
        let update = ["glue", "update-table", "--database-name", database, "--table-input"];
        self.aws(&[update.as_slice(), &[&table.to_string()]].concat()).await?;
        let says = ["its column run_id is missing", "sql/bars.sql"];
        self.finds("a column missing", "table", says).await?;
        self.aws(&[update.as_slice(), &[&whole]].concat()).await?;
        Ok(())
    }
}
