//! The saved queries as they are deployed, and `finstream query`, which runs them and SQL of one's own.

use std::{collections::BTreeSet, fs, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use harness::{LakeQuery, OutFolder, Prices, ProgramOutput, SavedQueryInput, Stack, expected_rows, list};
use jiff::{civil::date, tz::TimeZone};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use shared::{Bar, Interval};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    Context,
    answers::{Case, collected::Collected, config, generated, put_all},
    trials,
};

trials![
    each_gives_the_rows_that_are_computed_without_sql,
    each_is_deployed_and_found_by_its_name,
    values_are_bound_and_never_part_of_the_sql,
    what_is_wrong_with_a_query_is_said,
    an_interrupt_stops_the_query,
    the_workgroups_limit_holds_and_an_older_stack_is_enough,
];

const OF_ONE_DAY: [&str; 4] = ["day-bars", "hourly-extremes-so-far", "latest-bars", "movers"];
const OF_A_RANGE: [&str; 2] = ["coverage", "restatements"];

/// Runs `finstream query` with `args`.
async fn query(context: &Context, args: &[&str]) -> Result<ProgramOutput> {
    context.tools.finstream_on(&context.stack.cloud, &[&["query"], args].concat()).await
}

/// The JSON that `finstream query` prints.
async fn answer(context: &Context, args: &[&str]) -> Result<Value> {
    let ended = query(context, &[args, &["--json", "--quiet"]].concat()).await?;
    ensure!(ended.code == 0, "{args:?}: {}", ended.text);
    serde_json::from_str(&ended.text).with_context(|| ended.text.clone())
}

async fn each_gives_the_rows_that_are_computed_without_sql(context: Arc<Context>) -> Result<()> {
    let config = config(8)?;
    let repeat = format!("PROPTEST_CASES={} PROPTEST_RNG_SEED={}", config.cases, config.rng_seed);
    let cases = generated::cases(date(1977, 1, 1), config.cases as usize, &mut TestRunner::new(config))?;
    put_all(&context, cases.iter()).await?;
    let bars: Vec<_> = cases.iter().flat_map(|case| case.files.concat()).collect();
    let mut rows = 0;
    for (number, case) in cases.iter().enumerate() {
        // Every other query is of some symbols.
        let some = bars.iter().filter(|bar| bar.trade_date == case.query.trade_date && number % 2 == 0);
        let some: BTreeSet<_> = some.map(|bar| bar.symbol.clone()).take(40).collect();
        for name in OF_ONE_DAY {
            let input = SavedQueryInput {
                dates: (case.query.trade_date, case.query.trade_date),
                interval: case.query.interval,
                symbols: (!some.is_empty()).then(|| some.iter().take(2).cloned().collect()),
            };
            rows += check(&context, name, &input, &bars).await.context(repeat.clone())?;
        }
    }
    let dates = (cases[0].query.trade_date, cases[cases.len() - 1].query.trade_date);
    for name in OF_A_RANGE {
        let input = SavedQueryInput { dates, interval: Interval::FiveMinutes, symbols: None };
        rows += check(&context, name, &input, &bars).await.context(repeat.clone())?;
    }
    for case in &cases {
        context.stack.remove_bars(case.query.trade_date).await?;
    }
    ensure!(rows > 50, "only {rows} rows were compared");
    Ok(())
}

/// Runs a saved query; returns the number of its rows, which must be those that are computed.
async fn check(context: &Context, name: &str, input: &SavedQueryInput, bars: &[Bar]) -> Result<usize> {
    let (first, last, interval) = (input.dates.0.to_string(), input.dates.1.to_string(), input.interval.to_string());
    let mut args = match OF_A_RANGE.contains(&name) {
        true => vec![name, "--from", &first, "--to", &last, "--interval", &interval],
        false => vec![name, "--trade-date", &last, "--interval", &interval],
    };
    let symbols = input.symbols.iter().flatten().map(|symbol| symbol.as_str()).collect::<Vec<_>>().join(",");
    if !symbols.is_empty() {
        args.extend(["--symbols", &symbols]);
    }
    let answer = answer(context, &args).await?;
    let (rows, expected) = (list(&answer["rows"]), expected_rows(name, input, bars)?);
    let difference = rows.iter().zip(&expected).find(|(row, expected)| !is_equal(row, expected));
    ensure!(
        rows.len() == expected.len() && difference.is_none(),
        "{args:?}: {} of {}, {difference:#?}",
        rows.len(),
        expected.len()
    );
    let scanned = answer["bytes_scanned"].as_u64().unwrap_or_default();
    ensure!(scanned > 0 && answer["query"] == name, "{args:?}: {answer}");
    Ok(rows.len())
}

/// Whether two values are equal, numbers to nine digits: a sum depends on its order.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.keys().eq(other.keys()) && one.iter().all(|(key, value)| is_equal(value, &other[key]))
        }
        (Value::Number(one), Value::Number(other)) => one
            .as_f64()
            .zip(other.as_f64())
            .is_some_and(|(one, other)| (one - other).abs() <= 1e-9 * one.abs().max(other.abs())),
        _ => one == other,
    }
}

async fn each_is_deployed_and_found_by_its_name(context: Arc<Context>) -> Result<()> {
    let listed = answer(&context, &[]).await?;
    let names: Vec<_> = list(&listed["queries"]).iter().map(|it| it["query"].clone()).collect();
    let expected: BTreeSet<_> = OF_ONE_DAY.iter().chain(&OF_A_RANGE).map(|name| json!(name).to_string()).collect();
    ensure!(names.iter().map(Value::to_string).collect::<BTreeSet<_>>() == expected, "{names:?}");
    ensure!(list(&listed["queries"]).iter().all(|it| it["deployed"] == true), "{listed}");

    let group = context.stack.cloud.output("WorkGroup")?;
    let ids = context.aws(&["athena", "list-named-queries", "--work-group", group]).await?;
    for id in list(&ids["NamedQueryIds"]) {
        let id = id.as_str().context("an id is text")?;
        let found = context.aws(&["athena", "get-named-query", "--named-query-id", id]).await?;
        let (name, sql) = (&found["NamedQuery"]["Name"], &found["NamedQuery"]["QueryString"]);
        let file = format!("sql/{}.sql", name.as_str().unwrap_or_default().replace('-', "_"));
        let text = fs::read_to_string(context.tools.root.join(&file)).with_context(|| file.clone())?;
        ensure!(sql.as_str() == Some(text.as_str()), "{name} is not {file}: {sql}");
        ensure!(found["NamedQuery"]["Database"] == context.stack.cloud.output("DatabaseName")?, "{found}");
    }
    let text = query(&context, &["latest-bar"]).await?;
    ensure!(text.code == 2 && text.text.contains("no saved query latest-bar: use one of coverage,"), "{}", text.text);
    Ok(())
}

/// A bar of a company with a quote in its name.
fn quoted_bars() -> Result<Case> {
    let trade_date = "2022-05-03".parse()?;
    let query =
        LakeQuery { trade_date, interval: Interval::FiveMinutes, run_id: "first".parse()?, failed: BTreeSet::new() };
    let collected = Collected {
        query: query.clone(),
        at: "2022-05-03T21:30:00Z".parse()?,
        zone: TimeZone::get("America/New_York")?,
        symbol: "OBR".to_owned(),
        name: "O'Brien".to_owned(),
        currency: None,
        previous_close: None,
        source: None,
    };
    let prices = Prices { open: 10.0, high: 12.5, low: 9.5, close: 11.0 };
    let bar = collected.bar("09:30".parse()?, prices, 1_234_567)?;
    Ok(Case { query, files: vec![vec![bar]] })
}

async fn values_are_bound_and_never_part_of_the_sql(context: Arc<Context>) -> Result<()> {
    put_all(&context, [&quoted_bars()?].into_iter()).await?;
    let folder = OutFolder::create()?;
    let file = folder.join("of_company.sql");
    let sql = "SELECT company_name, close, volume, currency\n-- of whom?\nFROM bars\n\
               WHERE trade_date = '2022-05-03' AND company_name = ? AND volume > ?;\n";
    fs::write(&file, sql)?;
    let file = file.to_string_lossy();
    for (name, volume, rows) in [
        ("O'Brien", "1000000", 1),
        ("'O''Brien'", "1.2E6", 1),
        ("O'Brien", "1234567", 0),
        ("O''Brien", "0", 0),
        ("' OR '1'='1", "0", 0),
        ("? OR 1 = 1 --", "-5", 0),
    ] {
        let args = ["--sql", &*file, "--param", name, "--param", volume];
        let answer = answer(&context, &args).await?;
        ensure!(list(&answer["rows"]).len() == rows, "{args:?}: {answer}");
        ensure!(answer["parameters"] == json!([name, volume]) && answer["query"].is_null(), "{answer}");
    }
    let args = ["--sql", &*file, "--param", "O'Brien", "--param", "0"];
    let csv = query(&context, &[&args[..], &["--csv", "--quiet"]].concat()).await?;
    ensure!(csv.text == "company_name,close,volume,currency\nO'Brien,11.0,1234567,\n", "{}", csv.text);
    let table = query(&context, &args).await?;
    ensure!(table.text.contains("O'Brien          11  1,234,567\n"), "{}", table.text);
    ensure!(table.text.contains("1 row; scanned ") && table.text.contains("on AWS about $0.00005"), "{}", table.text);
    let saved = answer(&context, &["latest-bars", "--trade-date", "2022-05-03", "--symbols", "OBR,NONE"]).await?;
    ensure!(saved.pointer("/rows/0/company_name") == Some(&json!("O'Brien")), "{saved}");
    context.stack.remove_bars("2022-05-03".parse()?).await
}

async fn what_is_wrong_with_a_query_is_said(context: Arc<Context>) -> Result<()> {
    let folder = OutFolder::create()?;
    let file = folder.join("q.sql");
    let path = file.to_string_lossy();
    for (sql, more, code, says) in [
        ("SELECT nope FROM bars", &[][..], 1, "nope"),
        ("SELECT 1\nFROM WHERE 2", &[], 1, "  2 | FROM WHERE 2\n    |"),
        ("SELECT ? FROM bars", &["--param", "1"], 1, "a parameter ? stands outside of WHERE"),
        ("SHOW TABLES", &[], 1, "do not run locally"),
        ("DROP TABLE bars", &[], 2, "DROP is not run: finstream query only reads"),
        ("SELECT * FROM bars WHERE trade_date = ?", &[], 2, "the SQL has 1 ?, and --param was given 0 times"),
        ("SELECT 1", &["--csv", "--json"], 2, "--csv and --json are two forms"),
        ("-- a comment alone", &[], 2, "has no SQL"),
    ] {
        fs::write(&file, sql)?;
        let ended = query(&context, &[&["--sql", &*path], more].concat()).await?;
        ensure!(ended.code == code && ended.text.contains(says), "{sql} ended with {}: {}", ended.code, ended.text);
        ensure!(!ended.text.contains("read_json") && !ended.text.contains("Athena's history"), "{sql}: {}", ended.text);
    }
    for (args, says) in [
        (&["coverage", "--symbols", "META"][..], "coverage has no parameter symbols"),
        (&["movers", "--param", "2026-11-20"], "the SQL has 3 ?, and --param was given 1 times"),
        (&["--sql", "/no/such/file.sql"], "/no/such/file.sql cannot be read"),
    ] {
        let ended = query(&context, args).await?;
        ensure!(ended.code == 2 && ended.text.contains(says), "{args:?} ended with {}: {}", ended.code, ended.text);
    }
    Ok(())
}

async fn an_interrupt_stops_the_query(context: Arc<Context>) -> Result<()> {
    let folder = OutFolder::create()?;
    let file = folder.join("slow.sql");
    let slow =
        "SELECT sum(a.n * b.n) FROM UNNEST(sequence(1, 10000)) AS a(n) CROSS JOIN UNNEST(sequence(1, 100000)) AS b(n)";
    fs::write(&file, slow)?;
    let mut command = context.tools.finstream_command(&context.stack.cloud.home);
    command.args(["query", "--sql", &file.to_string_lossy()]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
    while !lines.next_line().await?.context("it ended before it queried")?.contains("querying the lake") {}
    // The query has been started by then.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let id = child.id().context("the command ended before it was interrupted")?.to_string();
    ensure!(Command::new("kill").args(["-INT", &id]).status().await?.success());
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        text += &line;
    }
    let code = tokio::time::timeout(Duration::from_secs(30), child.wait()).await??.code();
    ensure!(code == Some(130) && text.contains("is stopped"), "{code:?}: {text}");
    Ok(())
}

/// On a stack of its own, since it is changed.
async fn the_workgroups_limit_holds_and_an_older_stack_is_enough(context: Arc<Context>) -> Result<()> {
    let stack = Stack::up_with(&context.tools, &[("BytesScannedCutoff", "10000000")]).await?;
    let Case { query: LakeQuery { trade_date, .. }, files } = quoted_bars()?;
    let many = files.concat().into_iter().cycle().take(40_000).collect();
    stack.put_bars(trade_date, &[many]).await?;
    stack.put_bars("2022-05-04".parse()?, &quoted_bars()?.files).await?;
    stack.crawl().await?;
    let finstream = async |args: &[&str]| context.tools.finstream_on(&stack.cloud, args).await;
    let ended = finstream(&["query", "latest-bars", "--trade-date", "2022-05-03"]).await?;
    for says in ["it would read more bytes than the workgroup allows", "BytesScannedCutoff", "CANCELLED"] {
        ensure!(ended.code == 1 && ended.text.contains(says), "{}: {}", ended.code, ended.text);
    }
    // Without a date it takes the newest day, which is small.
    let ended = finstream(&["query", "latest-bars"]).await?;
    ensure!(ended.code == 0 && ended.text.contains("trade_date 2022-05-04"), "{}: {}", ended.code, ended.text);

    // A range of days that are too large together is queried in parts.
    for date in ["2022-05-05", "2022-05-06"] {
        let half = quoted_bars()?.files.concat().into_iter().cycle().take(20_000).collect();
        stack.put_bars(date.parse()?, &[half]).await?;
    }
    stack.crawl().await?;
    let ended = finstream(&["gaps", "--from", "2022-05-05", "--to", "2022-05-06", "--symbols", "OBR"]).await?;
    for says in ["part 2 of 2", "2022-05-05", "2022-05-06"] {
        ensure!(ended.code == 3 && ended.text.contains(says), "{says}: {}: {}", ended.code, ended.text);
    }

    let group = stack.cloud.output("WorkGroup")?;
    let ids = context.tools.aws(&stack.cloud, &["athena", "list-named-queries", "--work-group", group]).await?;
    for id in list(&ids["NamedQueryIds"]) {
        let id = id.as_str().context("an id is text")?;
        context.tools.aws(&stack.cloud, &["athena", "delete-named-query", "--named-query-id", id]).await.ok();
    }
    let ended = finstream(&["query", "movers"]).await?;
    ensure!(ended.code == 0 && ended.text.contains("taking the one of this version"), "{}", ended.text);
    let ended = finstream(&["query"]).await?;
    ensure!(ended.text.contains("movers *") && ended.text.contains("* of this version"), "{}", ended.text);
    Ok(())
}
