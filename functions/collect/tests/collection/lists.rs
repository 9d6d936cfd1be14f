//! Lists of companies as the function reads them from the data bucket.

use std::{collections::BTreeMap, time::Duration};

use collect::Invocation;
use serde_json::{Value, json};
use shared::{Interval, NamedError, payload::Collection};

use crate::{
    Outcome,
    bucket::Bucket,
    in_virtual_time,
    lake::Lake,
    market::{DATE, Exchange, Listing, RUN_BEGINS, Script, ScriptedMarket},
    pipeline::collector_of,
};

const TWO: &str = "[[company]]\nsymbol = \"AAA\"\nname = \"Triple A\"\n[[company]]\nsymbol = \"NEW\"\nname = \"New\"\nformer = [\"OLD\"]\n";

fn script() -> Script {
    let listings =
        ["SPY", "META", "AAA", "NEW"].map(|symbol| (symbol.to_owned(), (Exchange::NewYork, Listing::full())));
    Script { listings: listings.into(), interval: Interval::OneHour, ..Script::default() }
}

/// What became of one request after the other, and the statuses with which S3 answered.
fn answers(bucket: &Bucket, requests: &[Value], between: impl Fn(usize)) -> Outcome<Vec<String>> {
    in_virtual_time(async {
        let (market, lake) = (ScriptedMarket::new(script()), Lake::default());
        let collector = collector_of(&market, &lake, bucket)?;
        let mut answers = vec![];
        for (at, request) in requests.iter().enumerate() {
            between(at);
            let mut request = request.clone();
            request["run_id"] = json!(format!("run-{at}"));
            request["trade_date"] = json!(DATE);
            request["interval"] = json!("1h");
            let invocation = Invocation::beginning("request-1".into(), RUN_BEGINS.parse()?, Duration::from_secs(300));
            let asked_before = market.asked().len();
            let answer = match collector.answer(request, invocation).await {
                Ok(answer) => {
                    let collection: Collection = serde_json::from_value(answer)?;
                    let bars = lake.bars();
                    let bars = bars.iter().filter(|bar| *bar.run_id == format!("run-{at}"));
                    let names: BTreeMap<_, _> =
                        bars.map(|bar| (bar.symbol.to_string(), bar.company_name.clone())).collect();
                    let failed: Vec<_> = collection.symbols.failed.iter().map(|it| it.symbol.as_str()).collect();
                    let list = collection.list.as_deref().unwrap_or("none").to_owned();
                    format!("list {list}: {names:?}, failed {failed:?}")
                }
                Err(error) => {
                    assert_eq!(market.asked().len(), asked_before, "the market was queried");
                    format!("{}: {error}", error.name())
                }
            };
            answers.push(format!("{answer}\n  S3: {:?}", bucket.statuses()));
        }
        Ok(answers)
    })
}

#[test]
fn a_run_takes_a_list_as_it_is_in_the_bucket() -> Outcome {
    let bucket = Bucket::default();
    let list = |name: &str| json!({"list": name});
    let requests = [
        json!({}),
        list("companies"),
        list("two"),
        list("two"),
        list("two"),
        json!({"symbols": ["AAA", "OLD"]}),
        list("two"),
        list("companies"),
        json!({"symbols": ["AAA", "OLD"]}),
        json!({"symbols": ["AAA"], "list": "two"}),
        list("../companies"),
    ];
    let answers = answers(&bucket, &requests, |at| match at {
        3 => bucket.put("two", TWO),
        6 => bucket.put("two", &TWO.replace("symbol = \"AAA\"", "symbol = \"a/b\"").replace("name = \"New\"\n", "")),
        7 => bucket.put("companies", TWO),
        _ => {}
    })?;
    insta::assert_snapshot!(answers.join("\n"));
    Ok(())
}

#[test]
fn a_list_in_csv_is_one_in_toml() -> Outcome {
    let bucket = Bucket::default();
    let requests = [(); 6].map(|()| json!({"list": "two"}));
    let csv = "symbol,name,former\nAAA,Triple A,\nNEW,New,OLD\n";
    let answers = answers(&bucket, &requests, |at| match at {
        0 => bucket.put_file("two.csv", csv),
        2 => bucket.put_file("two.csv", &csv.replace("Triple A", "AAA Inc.")),
        3 => bucket.put_file("two.csv", "symbol,name\na/b,\n,Nobody\n"),
        4 => bucket.put_file("two.csv", csv),
        5 => bucket.put("two", TWO),
        _ => {}
    })?;
    insta::assert_snapshot!(answers.join("\n"));
    Ok(())
}

/// A run that is resumed after hours takes the list as it is then, since another one may have published it meanwhile. Where it is
/// gone or not right, the run continues with what it knows, and so does one over symbols by hand.
#[test]
fn a_run_that_knows_its_symbols_does_not_depend_on_the_list() -> Outcome {
    let bucket = Bucket::default();
    bucket.put("two", TWO);
    let resumed = in_virtual_time(async {
        let (market, lake) = (ScriptedMarket::new(script()), Lake::default());
        let collector = collector_of(&market, &lake, &bucket)?;
        let answer = async |request: Value| {
            let invocation = Invocation::beginning("request-1".into(), RUN_BEGINS.parse()?, Duration::from_secs(300));
            let answer = collector.answer(request, invocation).await?;
            Ok::<Collection, Box<dyn std::error::Error>>(serde_json::from_value(answer)?)
        };
        let first = answer(json!({"list": "two", "trade_date": DATE, "interval": "1h"})).await?;
        let resume = async || {
            let resumed = answer(json!({"collection": first})).await?;
            let outcomes = bucket.outcomes(&resumed.symbols.uri)?;
            let symbols: Vec<_> = outcomes.collected.iter().map(|it| it.symbol.to_string()).collect();
            Ok::<_, Box<dyn std::error::Error>>(symbols.join(" "))
        };
        let mut resumed = vec![resume().await?];
        for text in ["[[company]]\n", &format!("{TWO}[[company]]\nsymbol = \"META\"\nname = \"Meta\"\n")] {
            bucket.put("two", text);
            resumed.push(resume().await?);
        }
        bucket.put("companies", "not TOML");
        let by_hand = answer(json!({"symbols": ["AAA"], "trade_date": DATE, "interval": "1h"})).await?;
        assert_eq!(by_hand.symbols.collected, 1);
        Ok(resumed)
    })?;
    assert_eq!(resumed, ["AAA NEW", "AAA NEW", "AAA NEW META"]);
    Ok(())
}
