use clap::{CommandFactory, error::ErrorKind};

use super::*;

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = line.split(' ').map(|word| if word == "''" { "" } else { word });
    Cli::try_parse_from(std::iter::once("finstream").chain(words)).map(|cli| cli.command)
}

#[test]
fn the_command_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn help_texts() {
    let help = |name: &str| {
        let mut command = Cli::command().term_width(100);
        command.build();
        let found = if name.is_empty() { Some(&mut command) } else { command.find_subcommand_mut(name) };
        found.map(|command| command.render_long_help().to_string()).unwrap_or_default()
    };
    insta::assert_snapshot!("help", help(""));
    insta::assert_snapshot!("help_run", help("run"));
    insta::assert_snapshot!("help_show", help("show"));
    insta::assert_snapshot!("help_query", help("query"));
    insta::assert_snapshot!("help_list", help("list"));
    insta::assert_snapshot!("help_completions", help("completions"));
    insta::assert_snapshot!("help_demo", help("demo"));
    insta::assert_snapshot!("help_backfill", help("backfill"));
    insta::assert_snapshot!("help_daily", help("daily"));
    insta::assert_snapshot!("help_gaps", help("gaps"));
    insta::assert_snapshot!("help_export", help("export"));
    insta::assert_snapshot!("help_live", help("live"));
    insta::assert_snapshot!("help_doctor", help("doctor"));
}

#[test]
fn arguments_become_the_input_of_the_execution() -> Result<(), Box<dyn Error>> {
    for (line, input) in [
        ("run", "{}"),
        ("run --trade-date 2026-11-20", r#"{"trade_date":"2026-11-20"}"#),
        ("run 2026-11-20 --interval 1m", r#"{"trade_date":"2026-11-20","interval":"1m"}"#),
        ("run latest --symbols META", r#"{"symbols":["META"]}"#),
        ("run yesterday", r#"{"trade_date":"1969-12-30"}"#), // it is still the 31st in New York
        ("run --symbols meta,SHOP,,META,", r#"{"symbols":["META","SHOP"]}"#),
        ("run --interval 60m", r#"{"interval":"1h"}"#),
        ("demo --symbols BRK-B --interval 1m --live", r#"{"symbols":["BRK-B"],"interval":"1m"}"#),
    ] {
        let request = match parse(line)? {
            Command::Run(args) => args.request(Timestamp::UNIX_EPOCH),
            Command::Demo(args) => args.request.request(),
            other => return Err(format!("{line} became {other:?}").into()),
        };
        assert_eq!(serde_json::to_string(&request)?, input, "{line}");
    }
    Ok(())
}

#[test]
fn the_name_of_an_execution_may_be_any_that_step_functions_accepts() {
    for (name, accepted) in [
        ("manual-2026-11-20-1f0c7a3e", true),
        ("täglich.(1)=@+'!", true),
        (&"é".repeat(80), true),
        (&"é".repeat(81), false),
    ] {
        assert_eq!(parse(&format!("follow {name}")).is_ok(), accepted, "{name}");
    }
}

#[test]
fn invalid_arguments_are_rejected_before_anything_runs() {
    for (line, says) in [
        ("run --trade-date 2021-13-45", "\"2021-13-45\" is not a trade date: use a calendar date as YYYY-MM-DD"),
        ("demo --trade-date 20211130", "is not a trade date"),
        ("export", "the following required arguments were not provided"),
        ("export 2026-11-20 --from 2026-11-02", "cannot be used with"),
        ("export --to 2026-11-20", "--from"),
        ("export 2026-11-20 --format xls", "invalid value 'xls'"),
        ("run today", "\"today\" is not a day: use latest, yesterday, or a date as YYYY-MM-DD"),
        ("run 2021-13-45", "\"2021-13-45\" is not a trade date"),
        ("run 2999-01-01", "lies in the future"),
        ("run latest --trade-date 2026-11-20", "cannot be used with"),
        ("run --symbols ''", "the list of symbols is empty: name at least one"),
        ("run --symbols ,", "the list of symbols is empty: name at least one"),
        ("run --symbols META,../x", "\"../x\" is not a symbol: use 1 to 20"),
        ("run --interval 7m", "\"7m\" is not an interval: use one of 1m, 2m"),
        ("follow a/b", "\"a/b\" is not an execution's name: use 1 to 80 characters"),
        ("follow ''", "\"\" is not an execution's name"),
        ("follow a\tb", "is not an execution's name"),
        ("completions tcsh", "[possible values: bash, elvish, fish, powershell, zsh]"),
        ("show tomorrow", "use latest, yesterday, or a date"),
        ("show --sort price", "[possible values: company, symbol, change, gap, range, volume]"),
        ("show --top 0", "number would be zero"),
        ("query latest-bars --sql q.sql", "cannot be used with"),
        ("query --sql q.sql --trade-date 2026-11-20", "cannot be used with"),
        ("query latest-bars --trade-date 2026-11-20 --param 1", "cannot be used with"),
        ("query --symbols META", "required arguments were not provided"),
        ("query --param 1", "required arguments were not provided"),
        ("query day-bars --interval 7m", "\"7m\" is not an interval"),
        ("list --limit 0", "0 is not in 1..=1000"),
        ("list --limit 1001", "1001 is not in 1..=1000"),
        ("backfill", "--from <YYYY-MM-DD>"),
        ("backfill --from 2999-01-01", "lies in the future"),
        ("backfill --from 2025-11-17 --to 2999-01-01", "lies in the future"),
        ("backfill --from 2025-11-17 --concurrency 0", "0 is not in 1..=8"),
        ("backfill --from 2025-11-17 --concurrency 9", "9 is not in 1..=8"),
        ("daily --sessions 0", "0 is not in 1..=20"),
        ("daily --sessions 21", "21 is not in 1..=20"),
        ("daily --list Tech", "\"Tech\" is not the name of a list"),
        ("daily --at 17:30", "--install"),
        ("daily --install --at 24:00", "\"24:00\" is not a time of day: use HH:MM, such as 17:30"),
        ("daily --install --at 5:30", "is not a time of day"),
        ("daily --install --uninstall", "cannot be used with"),
        ("daily --status --sessions 3", "cannot be used with"),
        ("daily --uninstall --out /tmp", "cannot be used with"),
        ("daily --market-url yahoo", "use an address such as https://"),
        ("gaps --to 2025-11-17", "--from <YYYY-MM-DD>"),
        ("gaps --from 2025-11-17 --interval 7m", "\"7m\" is not an interval"),
        ("live --from yesterday", "\"yesterday\" is not a start: use now, open, an instant"),
        ("live --from 2026-11-20", "is not a start"),
        ("live --from 2999-01-01T00:00:00Z", "lies in the future"),
        ("live --for 10", "\"10\" is not a length of time: use a number and h, m or s, such as 10m or 24h"),
        ("live --for 1d", "\"1d\" is not a length of time: use a number and h, m or s"),
        ("live --from 2d", "or how long ago, in h, m or s, such as 90m"),
        ("live --for 0s", "is not a length of time"),
        ("live --for=-5m", "is not a length of time"),
        ("live --bars 0", "\"0\" is not a number of bars: use 1 or more"),
        ("live --bars 1.5", "\"1.5\" is not a number of bars: use 1 or more"),
        ("live --symbols ,", "the list of symbols is empty"),
        ("run --on azure", "[possible values: local, aws]"),
        ("doctor finstream", "unexpected argument 'finstream'"),
        ("doctor --jsn", "unexpected argument '--jsn'"),
        ("local up --market-url yahoo", "use an address such as https://"),
        ("local up --market-url ftp://example.com", "not the http or https address"),
        ("local up --market-url http://example.com/?a=b", "not the http or https address"),
        ("local up --fault META", "\"META\" is not a fault rule: use SYMBOL=FAULT"),
        ("demo --fault META=help", "\"help\" is not a fault: use one of null-rows, "),
        ("market --fault *=reset:no", "\"no\" is not a duration: use a count"),
        ("demo --live --fault META=reset", "cannot be used with"),
        ("demo --stream --live", "cannot be used with"),
        ("demo --stream --trade-date 2026-11-20", "cannot be used with"),
        ("demo --stream --symbols BTC-USD", "cannot be used with"),
        ("demo --stream --list companies", "cannot be used with"),
        ("demo --stream --interval 5m", "cannot be used with"),
        ("demo --stream --out results", "cannot be used with"),
        ("demo --stream --open", "cannot be used with"),
        ("demo --stream --json", "cannot be used with"),
        ("demo --ticks 3", "--stream"),
        ("demo --stream --ticks 0", "0 is not in 1..=60"),
        ("demo --stream --ticks 61", "61 is not in 1..=60"),
        ("local up --market-url http://127.0.0.1:81 --fault META=reset", "cannot be used with"),
        ("local up --wait-scale 2", "\"2\" is not a fraction"),
        ("local up --wait-scale NaN", "\"NaN\" is not a fraction"),
    ] {
        let error = parse(line).err();
        let (code, message) = error.map(|error| (error.exit_code(), error.to_string())).unwrap_or_default();
        assert_eq!(code, 2, "{line}: {message}");
        assert!(message.contains(says), "{line}: {message}");
    }
}

#[test]
fn faults_can_be_injected_into_the_simulated_market() -> Result<(), Box<dyn Error>> {
    let rules = "--fault META=null-rows --fault *=too-many-requests:90s";
    for line in ["market --port 0", "local up", "demo"] {
        let args = match parse(&format!("{line} {rules}"))? {
            Command::Market(args) => args.faults,
            Command::Local(LocalCommand::Up(args)) => args.faults,
            Command::Demo(args) => args.faults,
            other => return Err(format!("{line} became {other:?}").into()),
        };
        let rules: Vec<_> = args.rules.iter().map(ToString::to_string).collect();
        assert_eq!(rules, ["META=null-rows", "*=too-many-requests:90s"], "{line}");
    }
    Ok(())
}

#[test]
fn the_market_command_is_hidden() -> Result<(), Box<dyn Error>> {
    assert!(matches!(parse("market --port 0")?, Command::Market(args) if args.port == 0));
    assert!(!Cli::command().render_help().to_string().contains("market --port"));
    assert_eq!(parse("marked").err().map(|error| error.kind()), Some(ErrorKind::InvalidSubcommand));
    Ok(())
}
