//! The table of bars and its crawler.

use jiff::Timestamp;

use super::{
    age::{age, timestamp},
    deployment::Deployment,
    outcome::{Outcome, failed, unless_any, wrong},
};

/// Declares the table as template.yaml does; a test of the template compares the two.
const TABLE: &str = include_str!("../../../../sql/bars.sql");

/// Whether the table exists, with the columns that the query reads.
pub async fn table(deployment: &Deployment) -> Outcome {
    let (database, name) = (deployment.output("DatabaseName")?, deployment.output("TableName")?);
    let what = format!("the table {database}.{name}");
    let call = deployment.clients.glue.get_table().database_name(database).name(name).send().await;
    let response = call.map_err(|error| failed("glue:GetTable", &what, &error))?;
    let table = response.table();
    let columns = table.and_then(|table| table.storage_descriptor()).map(|storage| storage.columns());
    let keys = table.map(|table| table.partition_keys());
    let found = [columns, keys].into_iter().flatten().flatten();
    let found: Vec<_> = found.map(|column| (column.name(), column.r#type().unwrap_or_default())).collect();
    let expected = columns_of(TABLE);
    let mut problems = Vec::new();
    for (name, kind) in &expected {
        match found.iter().find(|(found, _)| found == name) {
            None => problems.push(format!("its column {name} is missing")),
            Some((_, found)) if found != kind => problems.push(format!("its column {name} is a {found}, not a {kind}")),
            Some(_) => {}
        }
    }
    let fix = format!("deploy this version's template.yaml, or add them to {what} in Glue as in sql/bars.sql");
    unless_any(problems, fix, format!("{database}.{name} has the {} columns of sql/bars.sql", expected.len()))
}

/// The names and types of the columns and partition keys that a `CREATE EXTERNAL TABLE` declares.
fn columns_of(sql: &str) -> Vec<(&str, &str)> {
    let lines =
        sql.lines().filter_map(|line| line.strip_prefix("  ")).map(|line| line.split("--").next().unwrap_or(line));
    let words = lines.filter_map(|line| line.trim().trim_end_matches(',').split_once(' '));
    words.map(|(name, kind)| (name.trim_matches('`'), kind.trim())).collect()
}

/// Whether the crawler exists, crawls the table, and how its last crawl ended.
pub async fn crawler(deployment: &Deployment) -> Outcome {
    let name = deployment.output("CrawlerName")?;
    let what = format!("the crawler {name}");
    let call = deployment.clients.glue.get_crawler().name(name).send().await;
    let response = call.map_err(|error| failed("glue:GetCrawler", &what, &error))?;
    let Some(crawler) = response.crawler() else {
        return Err(wrong(format!("{what} does not exist"), super::outcome::GONE));
    };
    let table = deployment.output("TableName")?;
    let targets = crawler.targets().map(|targets| targets.catalog_targets()).unwrap_or_default();
    if !targets.iter().any(|target| target.tables().iter().any(|crawled| crawled == table)) {
        return Err(wrong(format!("{what} does not crawl the table {table}"), "deploy this version's template.yaml"));
    }
    let state = crawler.state().map(|state| state.as_str()).unwrap_or_default();
    let Some(last) = crawler.last_crawl().filter(|last| last.status().is_some()) else {
        return Ok(format!("{state}, no crawl yet"));
    };
    let status = last.status().map(|status| status.as_str()).unwrap_or_default();
    let started = last.start_time().map(|at| age(timestamp(at), Timestamp::now())).unwrap_or_default();
    if status == "SUCCEEDED" {
        return Ok(format!("{state}, its last crawl began {started} and SUCCEEDED"));
    }
    Err(wrong(
        format!("its last crawl began {started} and {status}: {}", last.error_message().unwrap_or("no message")),
        format!("read its log, {} in /aws-glue/crawlers, most often its role lacks a permission", name),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_read_from_the_statement() {
        let columns = columns_of(TABLE);
        assert_eq!(columns.first(), Some(&("symbol", "string")));
        assert_eq!(columns.last(), Some(&("trade_date", "string")));
        assert!(columns.contains(&("interval", "string")) && columns.contains(&("volume", "bigint")));
        assert_eq!(columns.len(), 16);
    }
}
