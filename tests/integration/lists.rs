//! Lists of companies in the data bucket, and what is published of each: an experiment replaces nothing, another company needs
//! no deployment, and a symbol of which a run gets nothing keeps what it had.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use harness::{OutFolder, Stack, published_day, run};
use serde_json::json;
use shared::{Bar, Symbol, TradeDate, hourly_extreme, payload::CarriedOver};

use crate::{Context, trials};

trials![a_list_is_published_apart_and_changed_without_a_deployment, what_a_run_does_not_get_is_carried_over];

const DAY: &str = "2024-08-13";

/// The symbols of the published CSV of a list's day, in its order; none where nothing is published.
async fn published(stack: &Stack, list: &str, date: TradeDate) -> Result<Vec<String>> {
    let Some(csv) = stack.published_csv(&published_day(list, date)?).await? else { return Ok(vec![]) };
    let mut symbols: Vec<_> = hourly_extreme::read(csv.as_bytes())?.iter().map(|row| row.symbol.to_string()).collect();
    symbols.dedup();
    Ok(symbols)
}

async fn a_list_is_published_apart_and_changed_without_a_deployment(context: Arc<Context>) -> Result<()> {
    let (stack, date) = (&context.stack, DAY.parse()?);
    let out = OutFolder::create()?;
    let finstream = async |args: &[&str]| context.tools.finstream_on(&stack.cloud, args).await;
    let file = out.join("two.toml");
    let write = |text: &str| std::fs::write(&file, text).context("the file of the list");
    let path = file.display().to_string();
    let good =
        "[[company]]\nsymbol = \"META\"\nname = \"Meta\"\n\n[[company]]\nsymbol = \"SHOP\"\nname = \"Shopify\"\n";

    write(good)?;
    let pushed = finstream(&["lists", "push", "two", &path]).await?;
    ensure!(pushed.code == 0 && pushed.stderr.contains("2 companies"), "{}", pushed.text);
    let first = stack.export(&json!({"trade_date": DAY, "list": "two"})).await?;
    ensure!(first.csv.contains("\nMeta,META,") && first.csv.lines().count() == 15, "{}", first.csv);
    ensure!(published(stack, "two", date).await? == ["META", "SHOP"]);

    // A bad change leaves the list in force, and names every bad line.
    write(&good.replace("symbol = \"META\"", "symbol = \"a/b\"").replace("name = \"Shopify\"\n", ""))?;
    for command in ["check", "push"] {
        let refused = finstream(&["lists", command, "two", &path]).await?;
        let named = ["line 2: \"a/b\" is not a symbol", "line 5: missing field `name`"];
        ensure!(refused.code == 2 && named.iter().all(|text| refused.stderr.contains(text)), "{}", refused.text);
    }
    let shown = finstream(&["lists", "show", "two"]).await?;
    ensure!(shown.code == 0 && shown.stdout.contains("SHOP") && shown.stdout.contains("Meta"), "{}", shown.text);

    // A good one holds from the next run on. Symbols by hand, another list and another interval replace nothing of it.
    write(&good.replace("SHOP", "SNAP").replace("Shopify", "Snap"))?;
    let pushed = finstream(&["lists", "push", "two", &path]).await?;
    ensure!(pushed.code == 0, "{}", pushed.text);
    stack.export(&json!({"trade_date": DAY, "list": "two"})).await?;
    ensure!(published(stack, "two", date).await? == ["META", "SNAP"]);
    let by_hand = stack.export(&json!({"trade_date": DAY, "symbols": ["OKTA"]})).await?;
    ensure!(by_hand.csv.lines().count() == 8 && by_hand.csv.contains(",OKTA,"), "{}", by_hand.csv);
    stack.export(&json!({"trade_date": DAY, "list": "two", "interval": "1h"})).await?;
    ensure!(
        published(stack, "two", date).await? == ["META", "SNAP"]
            && published(stack, "companies", date).await?.is_empty()
    );
    stack.verify_copies(&published_day("two", date)?).await?;

    // A list in CSV takes the place of the one in TOML, and every bad line is counted.
    let csv_file = out.join("two.csv");
    let csv_path = csv_file.display().to_string();
    let csv = |lines: &str| std::fs::write(&csv_file, format!("symbol,name\n{lines}")).context("the file of the list");
    csv(&"a/b,x\n".repeat(25))?;
    let refused = finstream(&["lists", "push", "two", &csv_path]).await?;
    let named = ["line 2: \"a/b\" is not a symbol", "line 21: ", "and 5 more"];
    ensure!(refused.code == 2 && named.iter().all(|text| refused.stderr.contains(text)), "{}", refused.text);
    csv("META,\"Meta, in CSV\"\nSNAP,Snap\n")?;
    let pushed = finstream(&["lists", "push", "two", &csv_path]).await?;
    ensure!(pushed.code == 0 && pushed.stderr.contains("lists/two.csv: 2 companies"), "{}", pushed.text);
    let of_csv = stack.export(&json!({"trade_date": DAY, "list": "two"})).await?;
    ensure!(of_csv.csv.contains("\n\"Meta, in CSV\",META,"), "{}", of_csv.csv);
    stack.put_list("two", &[("Meta", "META")]).await?;
    let twice = finstream(&["lists", "show", "two"]).await?;
    ensure!(twice.code == 1 && twice.stderr.contains("is there twice, as two.toml and as two.csv"), "{}", twice.text);
    let pushed = finstream(&["lists", "push", "two", &path]).await?;
    ensure!(pushed.code == 0, "{}", pushed.text);

    // In an editor: a good change, a bad one, and none.
    for (editor, code, says) in [
        ("sed -i s/Snap/Snapchat/", 0, "lists/two.toml: 2 companies, from the next run on"),
        ("sed -i s,SNAP,a/b,", 2, "the list two stays as it was, and your text is in"),
        ("true", 0, "the list two stays as it was"),
        ("false", 1, "so the list stays as it was"),
    ] {
        let mut edit = context.tools.finstream_command(&stack.cloud.home);
        edit.args(["lists", "edit", "two"]).env("VISUAL", editor).env("TMPDIR", out.arg());
        let edited = run(&mut edit).await?;
        ensure!(edited.code == code && edited.stderr.contains(says), "{editor}: {}", edited.text);
    }
    let shown = finstream(&["lists", "show", "two"]).await?;
    ensure!(shown.stdout.contains("Snapchat") && shown.stdout.contains("SNAP"), "{}", shown.text);

    let gaps = finstream(&["gaps", "--list", "two", "--from", DAY, "--to", DAY]).await?;
    ensure!(gaps.stdout.contains("trading days: 1") && !gaps.text.contains("OKTA"), "{}", gaps.text);
    let unknown = stack.fail(&json!({"trade_date": DAY, "list": "three"})).await?;
    ensure!(unknown.0 == "InvalidList" && unknown.1.contains("lists/three.toml"), "{unknown:?}");
    let listed = finstream(&["lists"]).await?;
    ensure!(
        listed.code == 0 && listed.stdout.contains("two") && listed.stdout.contains("companies"),
        "{}",
        listed.text
    );
    Ok(())
}

/// The lake has bars of a symbol that the market does not know any more.
async fn what_a_run_does_not_get_is_carried_over(context: Arc<Context>) -> Result<()> {
    let (stack, day) = (&context.stack, "2024-08-14");
    let date: TradeDate = day.parse()?;
    stack.put_list("old-and-new", &[("Okta", "OKTA"), ("Gone", "ZZGONE")]).await?;
    stack.export(&json!({"trade_date": day, "symbols": ["OKTA"]})).await?;
    let bars = stack.lake(day).await?.concat();
    let symbol: Symbol = "ZZGONE".parse()?;
    let gone = bars.iter().map(|bar| Bar { symbol: symbol.clone(), company_name: "Gone".to_owned(), ..bar.clone() });
    let collected_at = bars.first().context("no bars")?.collected_at;
    stack.put_bars(date, &[gone.collect()]).await?;

    let run = stack.export(&json!({"trade_date": day, "list": "old-and-new"})).await?;
    ensure!(run.carried_over == [CarriedOver { symbol, collected_at }], "{:?}", run.carried_over);
    ensure!(run.symbols.failed.iter().any(|failed| failed.symbol.as_str() == "ZZGONE"), "{:?}", run.symbols);
    ensure!(published(stack, "old-and-new", date).await? == ["ZZGONE", "OKTA"]);
    let report = stack.object(&run.report).await?;
    ensure!(
        report.contains("Symbols of an earlier run") && report.contains("ZZGONE of "),
        "the report says nothing of it"
    );
    stack.verify_copies(&published_day("old-and-new", date)?).await
}
