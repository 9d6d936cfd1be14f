use parquet::file::{reader::FileReader, serialized_reader::SerializedFileReader};
use shared::hourly_extreme;

use super::{rows::of_companies, *};
use crate::{
    args::TargetArgs,
    output::json::tests::{documented, place},
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A company whose name and symbol look like a formula and a missing value, and one of which little is known.
const CSV: &str = "\
company_name,symbol,trade_date,hour,datetime_high,highest_hourly_price,datetime_low,lowest_hourly_price,bars,volume,currency,open,close,source,previous_close
'=1+1,NA,2026-11-20,9,2026-11-20T09:50:00-05:00,102,2026-11-20T09:30:00-05:00,99.5,6,10,USD,101,100,simulated,100
'=1+1,NA,2026-11-20,10,2026-11-20T10:10:00-05:00,103,2026-11-20T10:20:00-05:00,99,12,20,USD,100,101.5,simulated,100
Old,TRUE,2026-11-20,9,2026-11-20T09:30:00+09:00,10,2026-11-20T09:30:00+09:00,10,1,5,,,,,
";

/// As Athena writes the result of `sql/day_bars.sql`.
const BARS: &str = "\
\"symbol\",\"company_name\",\"ts\",\"open\",\"high\",\"low\",\"close\",\"volume\",\"currency\"
\"ELSE\",\"Of another list\",\"2026-11-20T09:30:00-05:00\",\"1.0\",\"1.0\",\"1.0\",\"1.0\",\"1\",
\"NA\",\"=1+1\",\"2026-11-20T09:30:00-05:00\",\"101.0\",\"102.0\",\"2.5E-7\",\"100.0\",\"10\",\"USD\"
\"TRUE\",\"Old\",\"2026-11-20T09:30:00+09:00\",\"10.0\",\"10.0\",\"10.0\",\"10.0\",\"5\",
";

fn content() -> anyhow::Result<Content> {
    let hours = hourly_extreme::read(CSV.as_bytes())?;
    let date = "2026-11-20".parse()?;
    let bars = csv::Reader::from_reader(BARS.as_bytes()).into_deserialize().collect::<Result<_, _>>()?;
    let bars = Some(of_companies(&hours, date, bars));
    Ok(Content { dates: vec![date], hours, bars, simulated: true })
}

fn args(options: &str) -> anyhow::Result<ExportArgs> {
    Ok(ExportArgs {
        dates: vec!["2026-11-20".parse()?],
        from: None,
        to: None,
        format: FileFormat::Csv,
        bars: false,
        list: options.parse()?,
        interval: shared::Interval::default(),
        out: crate::out::OutFolder::default(),
        target: TargetArgs::default(),
    })
}

#[test]
fn the_csv_of_bars_has_those_of_the_listed_companies_and_no_formula() -> Outcome {
    insta::assert_snapshot!(String::from_utf8(content()?.encode(FileFormat::Csv)?)?, @r"
    symbol,company_name,trade_date,ts,open,high,low,close,volume,currency,source
    NA,'=1+1,2026-11-20,2026-11-20T09:30:00-05:00,101,102,0.00000025,100,10,USD,simulated
    TRUE,Old,2026-11-20,2026-11-20T09:30:00+09:00,10,10,10,10,5,,
    ");
    Ok(())
}

#[test]
fn parquet_has_typed_columns() -> Outcome {
    let of_bars = content()?;
    let of_hours = Content { bars: None, ..content()? };
    for (content, snapshot) in [(of_bars, "parquet_bars"), (of_hours, "parquet_hours")] {
        let file = SerializedFileReader::new(bytes::Bytes::from(content.encode(FileFormat::Parquet)?))?;
        let mut text = Vec::new();
        parquet::schema::printer::print_schema(&mut text, file.metadata().file_metadata().schema());
        let mut text = String::from_utf8(text)?;
        for row in file.get_row_iter(None)? {
            text += &format!("{}\n", row?);
        }
        insta::assert_snapshot!(snapshot, text);
    }
    Ok(())
}

#[test]
fn a_sheet_has_no_more_rows_than_excel_takes() {
    assert_eq!(workbook::check_rows("bars", 1_048_575), Ok(()));
    let error = workbook::check_rows("bars", 1_048_576).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(
        error.contains("at most 1048576 rows, and the bars need 1048577: export fewer days, or use --format"),
        "{error}"
    );
}

#[test]
fn a_day_that_has_traded_and_is_not_published_is_missing() -> Outcome {
    let (symbols, now) = (["META".parse()?], "2025-12-01T15:00:00Z".parse()?);
    let published = || {
        Some(PublishedRows { date: TradeDate::from(jiff::civil::date(2025, 11, 26)), hours: vec![], simulated: true })
    };
    for (date, published, is_missing) in [
        ("2025-11-26", published(), false),
        ("2025-11-26", None, true),
        ("2025-11-27", None, false), // Thanksgiving
        ("2025-11-28", None, true),
        ("2025-11-29", None, false), // a Saturday
        ("2025-12-01", None, false), // the session has not ended
    ] {
        let date = date.parse()?;
        let found = missing([(date, &published)].into_iter(), &symbols, now);
        assert_eq!(found, if is_missing { vec![date] } else { vec![] }, "{date}");
    }
    Ok(())
}

#[test]
fn a_named_day_without_a_session_is_not_silently_left_out() -> Outcome {
    let (meta, tokyo) = (["META".parse()?], ["7203.T".parse()?]);
    for (date, symbols, says) in [
        ("2025-11-29", &meta, "no session"), // a Saturday
        ("2025-11-27", &meta, "no session"), // Thanksgiving
        ("2025-12-01", &meta, "the session has not ended"),
        ("2025-11-29", &tokyo, "no session that has ended"),
    ] {
        assert_eq!(without_session(date.parse()?, symbols), says, "{date}");
    }
    let [friday, saturday, sunday] = [28, 29, 30].map(|day| TradeDate::from(jiff::civil::date(2025, 11, day)));
    let published = Some(PublishedRows { date: friday, hours: vec![], simulated: true });
    let days = [(friday, &published), (saturday, &None), (sunday, &None)];
    assert_eq!(no_session(days.into_iter(), &[sunday]), [saturday]);
    Ok(())
}

#[test]
fn the_message_about_days_that_are_not_published_says_what_to_do() -> Outcome {
    for (list, dates, says) in [
        (
            "companies",
            &["2026-11-20"][..],
            "2026-11-20 is not published for the list companies in bars of 5m: cargo finstream run 2026-11-20",
        ),
        (
            "tech",
            &["2026-11-17", "2026-11-18", "2026-11-20"],
            "2026-11-17, 2026-11-18, 2026-11-20 are not published for the list tech in bars of 5m: \
             cargo finstream backfill --from 2026-11-17 --to 2026-11-20 --list tech",
        ),
    ] {
        let dates = dates.iter().map(|date| date.parse()).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(not_published(&dates, &args(list)?), says);
    }
    Ok(())
}

#[test]
fn the_answer_says_what_the_file_has() -> Outcome {
    let content = content()?;
    let file = Path::new("results/2026-11-20/bars.parquet");
    insta::assert_snapshot!(content.describe(false, file), @r"
    2 bars of 2026-11-20
    simulated prices: made up by finstream's simulated market, not market data
    file    results/2026-11-20/bars.parquet
    ");
    let list = shared::ListName::default();
    let json = ExportJson {
        place: place(),
        list: &list,
        interval: shared::Interval::default(),
        format: FileFormat::Parquet,
        trade_dates: &content.dates,
        missing: &[],
        no_session: &["2026-11-21".parse()?],
        hours: None,
        bars: Some(780),
        simulated: true,
        file: Some("/home/me/results/2026-11-20/bars.parquet".to_owned()),
    };
    documented(&json)?;
    Ok(())
}
