//! The functions: whether their configuration is that of template.yaml, and whether the market answers `collect`.

use std::collections::BTreeMap;

use aws_sdk_lambda::{operation::get_function_configuration::GetFunctionConfigurationOutput, primitives::Blob};
use serde_json::Value;
use shared::payload::{MarketState, Probe, ProbeRequest};

use super::{
    deployment::Deployment,
    outcome::{NotOk, Outcome, failed, unless_any, wrong},
};

const RUNTIME: &str = "provided.al2023";
const HANDLER: &str = "bootstrap";

/// What template.yaml says of a function; a test compares the two.
pub struct Function {
    /// The output with its name, which is its logical name in the template, too.
    output: &'static str,
    /// In MB.
    memory: i32,
    /// In seconds.
    timeout: i32,
    /// The environment, with values as [`Deployment::expand`] takes them.
    variables: &'static [(&'static str, &'static str)],
    /// What the environment of a stack with `Live` has besides.
    live_variables: &'static [(&'static str, &'static str)],
}

pub const COLLECT: Function = Function {
    output: "CollectFunction",
    memory: 256,
    timeout: 300,
    variables: &[
        ("DELIVERY_STREAM", "{DeliveryStream}"),
        ("DATA_BUCKET", "{DataBucket}"),
        ("SOURCE", "{param:Source}"),
        ("MARKET_URL", "{MarketUrl}"),
        ("USER_AGENT", "{param:UserAgent}"),
        ("MARKET_CONCURRENCY", "{param:MarketConcurrency}"),
        ("MARKET_BURST", "{param:MarketBurst}"),
        ("MARKET_REQUESTS_PER_SECOND", "{param:MarketRequestsPerSecond}"),
        ("ALPACA_SECRET", "{param:AlpacaSecret}"),
        ("ALPACA_DATA_URL", "{param:AlpacaDataUrl}"),
        ("ALPACA_TRADING_URL", "{param:AlpacaTradingUrl}"),
        ("ALPACA_REQUESTS_PER_MINUTE", "{param:AlpacaRequestsPerMinute}"),
        ("REFERENCE_SYMBOL", "{param:ReferenceSymbol}"),
        ("EXCHANGE_TIMEZONE", "{param:ScheduleTimezone}"),
        ("SESSION_WAIT_HOURS", "{param:SessionWaitHours}"),
        LOG_LEVEL,
    ],
    live_variables: &[("LIVE_STREAM", "{LiveStreamArn}")],
};

pub const START_CRAWLER: Function = Function {
    output: "StartCrawlerFunction",
    memory: 128,
    timeout: 30,
    variables: &[("CRAWLER_NAME", "{CrawlerName}"), LOG_LEVEL],
    live_variables: &[],
};

pub const RUN_QUERY: Function = Function {
    output: "RunQueryFunction",
    memory: 128,
    timeout: 30,
    variables: &[("DATABASE", "{DatabaseName}"), ("WORKGROUP", "{WorkGroup}"), LOG_LEVEL],
    live_variables: &[],
};

pub const EXPORT_CSV: Function = Function {
    output: "ExportCsvFunction",
    memory: 256,
    timeout: 60,
    variables: &[("DATA_BUCKET", "{DataBucket}"), ("METRICS_NAMESPACE", "finstream/{stack}"), LOG_LEVEL],
    live_variables: &[],
};

const LOG_LEVEL: (&str, &str) = ("RUST_LOG", "{param:LogLevel}");

/// Whether the function can be invoked, and is configured as the template says.
pub async fn configuration(deployment: &Deployment, function: &Function) -> Outcome {
    let name = deployment.output(function.output)?;
    let call = deployment.clients.lambda.get_function_configuration().function_name(name).send().await;
    let found =
        call.map_err(|error| failed("lambda:GetFunctionConfiguration", &format!("the function {name}"), &error))?;
    let mut problems = not_ready(&found);
    problems.extend(settings(&found, function, deployment.parameter("Architecture")?));
    problems.extend(environment(&found, function, deployment)?);
    problems.extend(logging(&found, deployment.parameter("LogLevel")?));
    let fix = format!(
        "deploy this version's template.yaml; if it is deployed, the function was changed by hand, so set it back in \
         the configuration of {name} in Lambda"
    );
    unless_any(problems, fix, format!("active, {} MB, {} s, as in template.yaml", function.memory, function.timeout))
}

fn not_ready(found: &GetFunctionConfigurationOutput) -> Vec<String> {
    let state = found.state().map(|state| state.as_str()).filter(|state| *state != "Active");
    let update = found.last_update_status().map(|status| status.as_str()).filter(|status| *status != "Successful");
    let reason = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(|text| format!(" ({text})"));
    let state = state.map(|state| format!("it is {state}{}", reason(found.state_reason()).unwrap_or_default()));
    let update = update.map(|status| {
        format!("its last update is {status}{}", reason(found.last_update_status_reason()).unwrap_or_default())
    });
    state.into_iter().chain(update).collect()
}

fn settings(found: &GetFunctionConfigurationOutput, function: &Function, architecture: &str) -> Vec<String> {
    let architectures: Vec<_> = found.architectures().iter().map(|found| found.as_str()).collect();
    let number = |value: Option<i32>| value.unwrap_or_default().to_string();
    [
        ("memory", number(found.memory_size()), function.memory.to_string(), " MB"),
        ("timeout", number(found.timeout()), function.timeout.to_string(), " s"),
        ("runtime", found.runtime().map(|it| it.as_str()).unwrap_or_default().to_owned(), RUNTIME.to_owned(), ""),
        ("handler", found.handler().unwrap_or_default().to_owned(), HANDLER.to_owned(), ""),
        ("architecture", architectures.join(" "), architecture.to_owned(), ""),
    ]
    .into_iter()
    .filter(|(_, found, expected, _)| found != expected)
    .map(|(what, found, expected, unit)| format!("its {what} is {found}{unit} and should be {expected}{unit}"))
    .collect()
}

fn environment(
    found: &GetFunctionConfigurationOutput,
    function: &Function,
    deployment: &Deployment,
) -> Result<Vec<String>, NotOk> {
    let variables: BTreeMap<_, _> =
        found.environment().and_then(|environment| environment.variables()).into_iter().flatten().collect();
    let mut problems = Vec::new();
    let live = function.live_variables.iter().filter(|_| deployment.is_live());
    for (name, expected) in function.variables.iter().chain(live) {
        let expected = deployment.expand(expected)?;
        match variables.get(&(*name).to_owned()) {
            None => problems.push(format!("its variable {name} is missing and should be {expected}")),
            Some(value) if **value != expected => {
                problems.push(format!("its variable {name} is {value} and should be {expected}"));
            }
            Some(_) => {}
        }
    }
    Ok(problems)
}

/// The parameter `LogLevel`, and the level that Lambda lets pass with it: never above that of the metrics, INFO.
const LOG_LEVELS: [(&str, &str); 5] =
    [("error", "INFO"), ("warn", "INFO"), ("info", "INFO"), ("debug", "DEBUG"), ("trace", "TRACE")];

/// Whether Lambda takes the functions' lines for the JSON that they are, and drops none of their metrics.
fn logging(found: &GetFunctionConfigurationOutput, parameter: &str) -> Vec<String> {
    let logging = found.logging_config();
    let format = logging.and_then(|logging| logging.log_format()).map(|format| format.as_str());
    let level = logging.and_then(|logging| logging.application_log_level()).map(|level| level.as_str());
    let expected = LOG_LEVELS.iter().find(|(name, _)| *name == parameter).map(|(_, level)| *level);
    [("log format", format, Some("JSON")), ("application log level", level, expected)]
        .into_iter()
        .filter_map(|(what, found, expected)| Some((what, found?, expected?)))
        .filter(|(_, found, expected)| found != expected)
        .map(|(what, found, expected)| format!("its {what} is {found} and should be {expected}"))
        .collect()
}

/// Whether the market answers from where `collect` runs: Yahoo blocks some of the addresses of AWS. It writes nothing.
pub async fn market(deployment: &Deployment) -> Outcome {
    let name = deployment.output(COLLECT.output)?;
    let event = serde_json::to_vec(&ProbeRequest { probe: true, source: deployment.source }).unwrap_or_default();
    let call = deployment.clients.lambda.invoke().function_name(name).payload(Blob::new(event)).send().await;
    let reply = call.map_err(|error| failed("lambda:InvokeFunction", &format!("the function {name}"), &error))?;
    let payload = reply.payload().map(Blob::as_ref).unwrap_or_default();
    if reply.function_error().is_some() {
        return Err(failed_function(name, payload));
    }
    let probe = serde_json::from_slice(payload).map_err(|_| older(name, "its answer is not that of a probe"))?;
    answered(probe, deployment.parameter("AlpacaSecret")?)
}

/// The outcome of a probe by a function that finds its key in this secret.
fn answered(probe: Probe, secret: &str) -> Outcome {
    let Probe { market, detail, newest_session, simulated } = probe;
    match market {
        MarketState::Reachable => Ok(format!(
            "it answers collect{}; the newest session of {detail} that has ended is {}",
            if simulated { " (simulated prices)" } else { "" },
            newest_session.map(|date| date.to_string()).unwrap_or_default(),
        )),
        MarketState::Blocked => Err(wrong(
            format!("the market blocks collect: {detail}"),
            "wait an hour and run this again; if it lasts, deploy with another UserAgent, or in another region, whose \
             addresses may not be blocked",
        )),
        MarketState::Unauthorized => Err(wrong(
            format!("the market does not accept the key of collect: {detail}"),
            format!(
                "store a key that is valid, as {{\"key_id\":\"…\",\"secret_key\":\"…\"}}: aws secretsmanager put-secret-value \
                 --secret-id {secret} --secret-string file://key.json, or create-secret where there is none (docs/aws.md)"
            ),
        )),
        MarketState::Unavailable => Err(wrong(
            format!("the market does not answer collect: {detail}"),
            "check that it can be reached and knows the parameter ReferenceSymbol, and run this again later",
        )),
    }
}

/// The problem of an invocation that failed: a function of an older version does not know the event.
fn failed_function(name: &str, payload: &[u8]) -> NotOk {
    let error: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    if text("errorMessage").contains("unknown field `probe`") {
        return older(name, "it does not know the probe");
    }
    wrong(
        format!("{name} failed with {}: {}", text("errorType"), text("errorMessage")),
        format!("read its log, /aws/lambda/{name}"),
    )
}

fn older(name: &str, problem: &str) -> NotOk {
    wrong(format!("{name} is of another version: {problem}"), "build the functions of this version, and deploy them")
}

#[cfg(test)]
mod tests {
    use aws_sdk_lambda::types::{
        ApplicationLogLevel, Architecture, EnvironmentResponse, LastUpdateStatus, LogFormat, LoggingConfig, Runtime,
        State,
    };

    use super::{super::deployment::tests::deployment, *};

    const TEMPLATE: &str = include_str!("../../../../template.yaml");

    /// The lines of a resource of the template.
    fn resource(name: &str) -> &'static str {
        let (_, after) = TEMPLATE.split_once(&format!("\n  {name}:\n")).unwrap_or_default();
        let end = after.match_indices("\n  ").find(|(at, _)| !after[at + 3..].starts_with(' ')).map(|(at, _)| at);
        &after[..end.unwrap_or(after.len())]
    }

    #[test]
    fn the_functions_are_those_of_the_template() {
        assert!(TEMPLATE.contains(&format!("    Runtime: {RUNTIME}\n    Handler: {HANDLER}\n")));
        for Function { output, memory, timeout, variables, live_variables } in
            [COLLECT, START_CRAWLER, RUN_QUERY, EXPORT_CSV]
        {
            let text = resource(output);
            assert!(text.contains(&format!("      MemorySize: {memory}\n")), "{output}: memory");
            assert!(text.contains(&format!("      Timeout: {timeout}\n")), "{output}: timeout");
            let (_, declared) = text.split_once("        Variables:\n").unwrap_or_default();
            let names: Vec<_> = declared.lines().filter_map(|line| line.trim().split(':').next()).collect();
            let expected = variables.iter().chain(live_variables).map(|(name, _)| *name);
            let expected: Vec<_> = expected.filter(|name| *name != "RUST_LOG").collect();
            assert_eq!(names, expected, "{output}");
        }
    }

    #[test]
    fn every_setting_that_differs_is_named() -> Result<(), NotOk> {
        let function = START_CRAWLER;
        let environment =
            EnvironmentResponse::builder().variables("CRAWLER_NAME", "other").variables("EXTRA", "1").build();
        let found = GetFunctionConfigurationOutput::builder()
            .state(State::Inactive)
            .last_update_status(LastUpdateStatus::Successful)
            .memory_size(64)
            .timeout(30)
            .runtime(Runtime::Providedal2)
            .handler("bootstrap")
            .architectures(Architecture::Arm64)
            .environment(environment)
            .build();
        assert_eq!(not_ready(&found), ["it is Inactive"]);
        assert_eq!(
            settings(&found, &function, "arm64"),
            ["its memory is 64 MB and should be 128 MB", "its runtime is provided.al2 and should be provided.al2023"]
        );
        assert_eq!(
            super::environment(&found, &function, &deployment())?,
            [
                "its variable CRAWLER_NAME is other and should be fin-bars",
                "its variable RUST_LOG is missing and should be info"
            ]
        );
        Ok(())
    }

    #[test]
    fn lambda_lets_pass_what_the_template_says() {
        let (_, levels) = TEMPLATE.split_once("\n  LogLevels:\n").unwrap_or_default();
        let levels: Vec<_> = levels.lines().take_while(|line| line.starts_with("    ")).map(str::trim).collect();
        assert_eq!(levels, LOG_LEVELS.map(|(name, level)| format!("{name}: {{Lambda: {level}}}")));
        let text = "its log format is Text and should be JSON";
        let drops_metrics = "its application log level is WARN and should be INFO";
        for (format, level, parameter, expected) in [
            (Some(LogFormat::Json), Some(ApplicationLogLevel::Info), "warn", vec![]),
            (Some(LogFormat::Json), Some(ApplicationLogLevel::Debug), "debug", vec![]),
            (Some(LogFormat::Json), Some(ApplicationLogLevel::Warn), "warn", vec![drops_metrics]),
            (Some(LogFormat::Text), Some(ApplicationLogLevel::Warn), "info", vec![text, drops_metrics]),
            (Some(LogFormat::Text), None, "info", vec![text]),
            (None, None, "info", vec![]),
        ] {
            let config = LoggingConfig::builder().set_log_format(format).set_application_log_level(level).build();
            let found = GetFunctionConfigurationOutput::builder().logging_config(config).build();
            assert_eq!(logging(&found, parameter), expected);
        }
        assert!(logging(&GetFunctionConfigurationOutput::builder().build(), "info").is_empty());
    }

    #[test]
    fn a_function_of_another_version_is_not_a_market_that_is_down() {
        let error = br#"{"errorType":"InvalidInput","errorMessage":"unknown field `probe`, expected one of"}"#;
        assert_eq!(failed_function("f", error), older("f", "it does not know the probe"));
        let error = failed_function("f", br#"{"errorType":"Runtime.ExitError","errorMessage":"exit 1"}"#);
        assert_eq!(error, wrong("f failed with Runtime.ExitError: exit 1", "read its log, /aws/lambda/f"));
    }
}
