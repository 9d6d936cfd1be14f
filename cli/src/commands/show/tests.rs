use clap::Parser;
use shared::{RunId, S3Uri};

use super::*;
use crate::{
    args::{Cli, Command},
    output::{
        companies::{SortBy, tests::CSV},
        json::tests::{documented, place},
    },
};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn day() -> Outcome<PublishedDay> {
    Ok(PublishedDay { list: ListName::default(), interval: Interval::default(), trade_date: "2026-11-20".parse()? })
}

fn args(line: &str) -> Outcome<ShowArgs> {
    match Cli::try_parse_from(line.split(' '))?.command {
        Command::Show(args) => Ok(args),
        other => Err(format!("{line} became {other:?}").into()),
    }
}

#[test]
fn a_day_is_shown_by_company_by_hour_or_ranked() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let mut days = CompanyDay::of(&rows);
    SortBy::Change.sort(&mut days);
    let terminal = Terminal { width: Some(80), colors: false };
    for view in [View::Companies, View::Hours, View::Rankings] {
        insta::assert_snapshot!(text(&day()?, &rows, &days, true, view, terminal).to_string());
    }
    Ok(())
}

#[test]
fn a_terminal_shows_rankings_of_many_companies() -> Outcome {
    let (terminal, pipe) = (Terminal { width: Some(80), colors: false }, Terminal::default());
    for (line, companies, terminal, view) in [
        ("finstream show", 50, terminal, View::Companies),
        ("finstream show", 51, terminal, View::Rankings),
        ("finstream show", 10_000, pipe, View::Companies),
        ("finstream show --top 10000", 10_000, terminal, View::Companies),
        ("finstream show --hours", 10_000, terminal, View::Hours),
    ] {
        assert_eq!(View::of(&args(line)?, companies, terminal), view, "{line} of {companies}");
    }
    Ok(())
}

#[test]
fn companies_that_are_left_out_are_counted_below_the_table() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let days = CompanyDay::of(&rows);
    for view in [View::Companies, View::Hours] {
        let shown = text(&day()?, &rows, &days[2..], true, view, Terminal::default()).to_string();
        let below = shown.split_once("… and 2 more: leave out --top\n").map(|(_, below)| below).unwrap_or_default();
        let note = "* from the day's first price: no previous close is known\n";
        assert_eq!(below.starts_with(note), view == View::Companies, "{shown}");
        assert!(below.trim_start_matches(note).starts_with("simulated prices"), "{shown}");
    }
    Ok(())
}

#[test]
fn the_command_that_says_what_is_missing_is_of_the_same_day_and_list() -> Outcome {
    let date = "2026-11-20".parse()?;
    for (line, says) in [
        ("finstream show", "cargo finstream gaps --from 2026-11-20 --to 2026-11-20"),
        (
            "finstream show --list tech --interval 1m --on aws",
            "cargo finstream gaps --from 2026-11-20 --to 2026-11-20 --list tech --interval 1m --on aws",
        ),
    ] {
        assert_eq!(gaps_command(&args(line)?, date), says);
    }
    Ok(())
}

#[test]
fn what_is_not_published_is_said_with_what_to_do() -> Outcome {
    for (line, date, says) in [
        (
            "finstream show 2026-11-21 --list tech",
            Some("2026-11-21".parse()?), // a Saturday
            "2026-11-21 has no session: the exchanges of the list tech do not trade on that day; \
             `cargo finstream show --list tech` shows the newest day that is published",
        ),
        (
            "finstream show",
            None,
            "no day is published for the list companies in 5m bars: `cargo finstream run` publishes it, and \
             `cargo finstream list` shows what has run",
        ),
        (
            "finstream show 2026-11-20 --list tech --interval 1m --on aws",
            Some("2026-11-20".parse()?),
            "nothing of 2026-11-20 is published for the list tech in 1m bars: `cargo finstream run 2026-11-20 --list tech \
             --interval 1m --on aws` publishes it, and `cargo finstream list --on aws` shows what has run",
        ),
    ] {
        assert_eq!(describe_unpublished(&args(line)?, date, &["META".parse()?]), says);
    }
    Ok(())
}

#[test]
fn scripts_get_the_same_day() -> Outcome {
    let rows = hourly_extreme::read(CSV.as_bytes())?;
    let rows: Vec<_> = rows.into_iter().filter(|row| row.symbol.as_str() == "SNAP" || row.hour == 9).skip(1).collect();
    let run_id: RunId = "manual-2026-11-20-1f0c7a3e.2026-11-20T223000.123Z".parse()?;
    let uri = |name: &str| -> Outcome<S3Uri> {
        Ok(format!("s3://finstream-databucket-1/runs/trade_date=2026-11-20/{run_id}/{name}").parse()?)
    };
    let (list, csv, report) = (ListName::default(), uri("hourly_extremes.csv")?, uri("report.html")?);
    let days = CompanyDay::of(&rows);
    insta::assert_snapshot!(documented(&ShowJson {
        place: place(),
        list: &list,
        interval: Interval::default(),
        trade_date: "2026-11-20".parse()?,
        simulated: true,
        run_id: &run_id,
        collected_at: "2026-11-20T22:30:00.123Z".parse()?,
        csv: &csv,
        report: &report,
        companies: days.iter().zip([false, true]).map(|(day, hours)| CompanyJson::of(day, hours)).collect(),
    })?);
    Ok(())
}
