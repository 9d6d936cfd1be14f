//! What the parameter `Live` adds to the template, and that it changes nothing else.

use std::{collections::BTreeMap, fs, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use croner::parser::{CronParser, Year};
use harness::{Document, find_all, list};
use jiff::{ToSpan, Zoned, civil::date, tz::TimeZone};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{Context, trials};

trials![
    without_live_the_resources_are_those_of_before,
    live_adds_resources_and_changes_the_environment_of_collect_only,
    both_delivery_streams_deliver_alike,
    a_tick_starts_a_minute_after_each_bar_of_the_session,
    nothing_writes_to_the_stream_before_it_is_delivered,
    names_are_within_their_limits,
];

/// The resources without `Live`, a line each. After a change of a resource that the change is meant for, it is written anew
/// with `UPDATE_RESOURCES=1`.
const RESOURCES: &str = "tests/integration/live_stack/resources.txt";

async fn without_live_the_resources_are_those_of_before(context: Arc<Context>) -> Result<()> {
    let path = context.tools.root.join(RESOURCES);
    let resources = resources(&context, "DISABLED").await?;
    let saved = resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::Athena::NamedQuery");
    ensure!(saved.clone().all(|(_, query)| query["Condition"].is_null()), "saved queries are always deployed");
    let others = resources.iter().filter(|(_, resource)| resource["Type"] != "AWS::Athena::NamedQuery");
    let lines = others.map(|(name, resource)| {
        let digest = Sha256::digest(resource.to_string());
        let digest: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{digest} {name} {}\n", resource["Type"].as_str().unwrap_or_default())
    });
    let found: String = lines.collect();
    if std::env::var_os("UPDATE_RESOURCES").is_some() {
        fs::write(&path, &found)?;
    }
    let expected = fs::read_to_string(&path)?;
    let differ =
        |one: &str, other: &str| one.lines().filter(|line| !other.contains(*line)).collect::<Vec<_>>().join("\n");
    let (gone, new) = (differ(&expected, &found), differ(&found, &expected));
    ensure!(found == expected, "no longer as in {RESOURCES}:\n{gone}\nbut\n{new}");
    Ok(())
}

async fn live_adds_resources_and_changes_the_environment_of_collect_only(context: Arc<Context>) -> Result<()> {
    let (without, mut with) = (resources(&context, "DISABLED").await?, resources(&context, "ENABLED").await?);
    let variables = &mut with["CollectFunction"]["Properties"]["Environment"]["Variables"];
    let stream = variables.as_object_mut().context("no environment")?.remove("LIVE_STREAM");
    ensure!(stream == Some(json!({"Fn::GetAtt": ["LiveStream", "Arn"]})), "LIVE_STREAM is {stream:?}");
    let (added, same): (Map<_, _>, Map<_, _>) = with.into_iter().partition(|(name, _)| !without.contains_key(name));
    ensure!(same == without, "resources that are there without Live differ with it");
    ensure!(added.len() > 20, "{:?}", added.keys());
    for (name, resource) in added {
        let conditions = ["IsLive", "IsLiveWithKmsKey"];
        ensure!(
            conditions.iter().any(|condition| resource["Condition"] == *condition),
            "{name}: {}",
            resource["Condition"]
        );
    }
    Ok(())
}

/// Both write below `bars/`, objects of the same form. What reads a Kinesis stream has no encryption of its own:
/// <https://docs.aws.amazon.com/firehose/latest/dev/encryption.html>.
async fn both_delivery_streams_deliver_alike(context: Arc<Context>) -> Result<()> {
    let resources = resources(&context, "ENABLED").await?;
    let [mut daily, mut live] =
        ["DeliveryStream", "LiveDeliveryStream"].map(|name| resources[name]["Properties"].clone());
    let interval = live["ExtendedS3DestinationConfiguration"]["BufferingHints"]["IntervalInSeconds"].take();
    ensure!(interval == 60, "Live is delivered after {interval} s, and dynamic partitioning can do it after 60");
    daily["ExtendedS3DestinationConfiguration"]["BufferingHints"]["IntervalInSeconds"].take();
    ensure!(live["DeliveryStreamEncryptionConfigurationInput"].is_null(), "{live}");
    ensure!(live["DeliveryStreamType"] == "KinesisStreamAsSource", "{live}");
    let text = |stream: &Value| stream["ExtendedS3DestinationConfiguration"].to_string();
    let renamed = text(&live).replace("\"LiveDelivery", "\"Delivery");
    ensure!(renamed == text(&daily), "{renamed}\nbut\n{}", text(&daily));
    Ok(())
}

/// Of every bar from 9:30 to 16:00 in New York, on each weekday of a year with both changes of the clock, with the parameters
/// that are documented for each interval.
async fn a_tick_starts_a_minute_after_each_bar_of_the_session(context: Arc<Context>) -> Result<()> {
    let parameters = ["LiveInterval", "LiveOpenExpression", "LiveExpression", "LiveCloseExpression"];
    let template = context.tools.template().await?;
    let defaults = parameters.map(|name| template["Parameters"][name]["Default"].as_str().unwrap_or_default());
    let rows = Document::read(&context.tools.root, "docs/aws.md")?.table("The open session")?;
    let intervals: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    let allowed = list(&template["Parameters"]["LiveInterval"]["AllowedValues"]);
    ensure!(allowed == intervals.iter().map(|interval| json!(interval)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    ensure!(rows.iter().any(|row| row.starts_with(&defaults.map(str::to_owned))), "{defaults:?} are not documented");
    for row in rows {
        let interval: i64 = row[0].trim_end_matches('m').parse()?;
        let ticks = 390 / interval;
        ensure!(row[4] == ticks.to_string(), "{row:?}");
        starts_a_minute_after_each_bar(&row[1..4], interval).with_context(|| row[0].clone())?;
    }
    Ok(())
}

fn starts_a_minute_after_each_bar(expressions: &[String], interval: i64) -> Result<()> {
    let zone = TimeZone::get("America/New_York")?;
    let parser = CronParser::builder().year(Year::Required).alternative_weekdays(true).sloppy_ranges(true).build();
    let mut ticks: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for expression in expressions {
        let fields = expression.strip_prefix("cron(").and_then(|rest| rest.strip_suffix(')')).context("not cron")?;
        let cron = parser.parse(&format!("0 {fields}"))?;
        let start: Zoned = date(2026, 1, 1).to_zoned(zone.clone())?;
        for tick in cron.iter_after(start).take_while(|tick| tick.year() == 2026) {
            ticks.entry(tick.date()).or_default().push(tick.time());
        }
    }
    ensure!(ticks.len() == 261, "ticks on {} days; 2026 has 261 weekdays", ticks.len());
    for (day, mut times) in ticks {
        times.sort();
        let open = day.at(9, 31, 0, 0);
        let closes = (1..=390 / interval).map(|bar| open.checked_add((interval * bar).minutes()));
        let expected = closes.map(|tick| Ok(tick?.time())).collect::<Result<Vec<_>>>()?;
        ensure!(times == expected, "{day}: {times:?}");
    }
    Ok(())
}

/// Firehose reads what is written to a stream after it began to read: `collect` writes at a tick, ticks are executions of the
/// machine, and that is created after the delivery stream.
/// <https://docs.aws.amazon.com/firehose/latest/dev/writing-with-kinesis-streams.html>
async fn nothing_writes_to_the_stream_before_it_is_delivered(context: Arc<Context>) -> Result<()> {
    let resources = resources(&context, "ENABLED").await?;
    ensure!(resources["LiveMachine"]["DependsOn"] == json!(["LiveDeliveryStream", "LiveCollectPolicy"]));
    let schedules: Vec<_> = resources.values().filter(|it| it["Type"] == "AWS::Scheduler::Schedule").collect();
    let of_ticks = schedules.iter().filter(|it| it["Properties"]["Target"]["Arn"] == json!({"Ref": "LiveMachine"}));
    let retries: Vec<_> =
        of_ticks.map(|it| it["Properties"]["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"].as_u64()).collect();
    ensure!(retries == [Some(600); 3], "what a late tick would collect, the next ones do: {retries:?}");
    Ok(())
}

/// With the longest name of a stack that the daily run's resources allow.
async fn names_are_within_their_limits(context: Arc<Context>) -> Result<()> {
    const LIMITS: [(&str, &str, usize); 8] = [
        ("AWS::Kinesis::Stream", "Name", 128),
        ("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", 64),
        ("AWS::Serverless::StateMachine", "Name", 80),
        ("AWS::Serverless::Function", "FunctionName", 64),
        ("AWS::Scheduler::Schedule", "Name", 64),
        ("AWS::SQS::Queue", "QueueName", 80),
        ("AWS::CloudWatch::Alarm", "AlarmName", 255),
        ("AWS::CloudWatch::Dashboard", "DashboardName", 255),
    ];
    let resources = resources(&context, "ENABLED").await?;
    let stack = "s".repeat(64 - "-after-the-close".len());
    for (kind, property, limit) in LIMITS {
        let names = resources.values().filter(|it| it["Type"] == kind).flat_map(|it| find_all(it, property));
        let names: Vec<_> = names.map(|name| name.to_string().replace("${AWS::StackName}", &stack)).collect();
        ensure!(!names.is_empty(), "no {kind}");
        for name in names {
            let name = name.trim_start_matches("{\"Fn::Sub\":\"").trim_end_matches("\"}");
            ensure!(name.len() <= limit, "{kind}: {name} has {} characters", name.len());
        }
    }
    Ok(())
}

/// The resources that are deployed with a value of `Live`, with what depends on it decided.
async fn resources(context: &Context, live: &str) -> Result<Map<String, Value>> {
    let template = context.tools.template().await?;
    let is_live = live == "ENABLED";
    let all = template["Resources"].as_object().context("no resources")?.clone().into_iter();
    let is_there = |condition: &Value| is_live || !condition.as_str().is_some_and(|name| name.starts_with("IsLive"));
    Ok(all.filter(|(_, it)| is_there(&it["Condition"])).map(|(name, it)| (name, decided(it, is_live))).collect())
}

/// A part of the template with `!If [IsLive, …]` decided, and what then has no value left out.
fn decided(part: Value, is_live: bool) -> Value {
    match part {
        Value::Object(fields) => match fields.get("Fn::If").and_then(Value::as_array).map(Vec::as_slice) {
            Some([condition, yes, no]) if condition == "IsLive" => {
                decided(if is_live { yes } else { no }.clone(), is_live)
            }
            _ => {
                let fields = fields.into_iter().map(|(name, value)| (name, decided(value, is_live)));
                let is_kept = |value: &Value| *value != json!({"Ref": "AWS::NoValue"});
                Value::Object(fields.filter(|(_, value)| is_kept(value)).collect())
            }
        },
        Value::Array(items) => Value::Array(items.into_iter().map(|item| decided(item, is_live)).collect()),
        other => other,
    }
}
