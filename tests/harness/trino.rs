//! A real Trino, the engine that Athena is made of, on the lake of a stack: the table and the partitions in the local
//! cloud's Data Catalog and the objects in its bucket. `tests/trino/run` fetches it and starts it.
//!
//! Only its REST protocol is spoken here, as far as a query needs it: <https://trino.io/docs/476/develop/client-protocol.html>.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use local::LocalCloud;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::Tools;

/// The catalog that `tests/trino/etc` configures.
const CATALOG: &str = "lake";

/// A running Trino; it ends when this is dropped, and also when this process is killed.
#[derive(Debug)]
pub struct Trino {
    url: String,
    schema: String,
    http: reqwest::Client,
    _server: Server,
}

/// The result of a query.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, with a value for each column.
    pub rows: Vec<Vec<Value>>,
}

impl Trino {
    /// Whether `FINSTREAM_TRINO` is set: the download has half a gigabyte, and the server takes more than that of memory.
    pub fn is_wanted() -> bool {
        env::var_os("FINSTREAM_TRINO").is_some()
    }

    /// Starts one on the lake of a local cloud where it [is wanted](Self::is_wanted), else returns `None`. The first
    /// start on a machine takes minutes, since it downloads.
    ///
    /// # Errors
    /// When it cannot be started. What `tests/trino/run` says goes to standard error.
    pub async fn from_env(tools: &Tools, cloud: &LocalCloud) -> anyhow::Result<Option<Self>> {
        if Self::is_wanted() { Self::start(tools, cloud).await.map(Some) } else { Ok(None) }
    }

    /// Starts one on the lake of a local cloud.
    ///
    /// # Errors
    /// As [`Trino::from_env`].
    pub async fn start(tools: &Tools, cloud: &LocalCloud) -> anyhow::Result<Self> {
        let mut command = Command::new(tools.root.join("tests/trino/run"));
        command.args(["--until-eof", "--glue-endpoint", &cloud.endpoint]).envs(cloud.environment());
        let (server, url) = spawn_blocking(|| Server::start(command)).await??;
        let schema = cloud.output("DatabaseName")?.to_owned();
        Ok(Self { url, schema, http: reqwest::Client::new(), _server: server })
    }

    /// Runs a query whose `?` take the values of `parameters`, which are SQL literals.
    ///
    /// # Errors
    /// Trino's own message, where the query fails.
    pub async fn query(&self, sql: &str, parameters: &[String]) -> anyhow::Result<Rows> {
        self.run(execute(sql, parameters)).await
    }

    /// What a query would read: the tables, with the values that their columns are restricted to.
    ///
    /// # Errors
    /// Trino's own message, where the query is not one.
    pub async fn explain_io(&self, sql: &str, parameters: &[String]) -> anyhow::Result<Value> {
        let rows = self.run(format!("EXPLAIN (TYPE IO, FORMAT JSON) {}", execute(sql, parameters))).await?;
        let plan = rows.rows.first().and_then(|row| row.first()).and_then(Value::as_str);
        Ok(serde_json::from_str(plan.context("no plan")?)?)
    }

    /// How often a query reads the table: Trino, as Athena, reads it anew wherever a `WITH` query stands that names it, and
    /// bills each.
    ///
    /// # Errors
    /// When it fails, with Trino's message.
    pub async fn count_scans(&self, sql: &str, parameters: &[String]) -> anyhow::Result<usize> {
        let rows = self.run(format!("EXPLAIN {}", execute(sql, parameters))).await?;
        let plan = rows.rows.first().and_then(|row| row.first()).and_then(Value::as_str).context("no plan")?;
        Ok(plan.matches("table = ").count())
    }

    /// Its name and version.
    ///
    /// # Errors
    /// When it does not reply.
    pub async fn version(&self) -> anyhow::Result<String> {
        let rows = self.query("SELECT version()", &[]).await?.rows;
        let version = rows.first().and_then(|row| row.first()).and_then(Value::as_str);
        Ok(format!("Trino {}", version.context("no version")?))
    }

    async fn run(&self, statement: String) -> anyhow::Result<Rows> {
        let first = self
            .http
            .post(format!("{}/v1/statement", self.url))
            .header("X-Trino-User", "finstream")
            .header("X-Trino-Catalog", CATALOG)
            .header("X-Trino-Schema", &self.schema)
            .header("X-Trino-Time-Zone", "UTC") // Athena's
            .body(statement);
        let mut page = Page::of(first).await?;
        let mut result = Rows::default();
        loop {
            if let Some(error) = page.error {
                bail!("{}: {}", error.error_name, error.message);
            }
            if !page.columns.is_empty() {
                result.columns = page.columns.into_iter().map(|column| column.name).collect();
            }
            result.rows.append(&mut page.data);
            match page.next_uri {
                Some(next) => page = Page::of(self.http.get(next).header("X-Trino-User", "finstream")).await?,
                None => return Ok(result),
            }
        }
    }
}

/// The statement that runs `sql` with parameters.
fn execute(sql: &str, parameters: &[String]) -> String {
    let quoted = sql.replace('\'', "''");
    let using = if parameters.is_empty() { "" } else { " USING " };
    format!("EXECUTE IMMEDIATE '{quoted}'{using}{}", parameters.join(", "))
}

impl Rows {
    /// The object that Athena writes as a result: every value in quotes, NULL as nothing.
    pub fn athena_csv(&self) -> String {
        let header = self.columns.iter().map(|name| quoted(name)).collect();
        let rows = self.rows.iter().map(|row| row.iter().map(field).collect());
        [header].into_iter().chain(rows).map(|fields: Vec<_>| fields.join(",") + "\n").collect()
    }
}

fn field(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// A part of a result, or an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    /// Where the next part is, if there is one.
    next_uri: Option<String>,
    #[serde(default)]
    columns: Vec<Column>,
    #[serde(default)]
    data: Vec<Vec<Value>>,
    error: Option<QueryError>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryError {
    error_name: String,
    message: String,
}

impl Page {
    async fn of(request: reqwest::RequestBuilder) -> anyhow::Result<Self> {
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "Trino replied {status}: {text}");
        Ok(serde_json::from_str(&text)?)
    }
}

/// `tests/trino/run`, which ends its Trino, and itself, when its standard input does.
#[derive(Debug)]
struct Server(Child);

impl Server {
    /// Starts it, and returns the URL that it prints once the lake can be queried.
    fn start(mut command: Command) -> anyhow::Result<(Self, String)> {
        let program = command.get_program().display().to_string();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut server = Self(child.with_context(|| format!("{program} cannot be started"))?);
        let mut url = String::new();
        BufReader::new(server.0.stdout.take().context("no standard output")?).read_line(&mut url)?;
        ensure!(url.starts_with("http"), "{program} did not start Trino; see above");
        Ok((server, url.trim_end().to_owned()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        if let Err(error) = self.0.wait() {
            eprintln!("Trino did not end: {error}");
        }
    }
}
