//! `finstream export`: files of published days for other programs.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use harness::{OutFolder, ProgramOutput, published_day, run};
use jiff::Zoned;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use shared::{Bar, CompanyDay, HourlyExtreme, Price, bar::offset_datetime, hourly_extreme};
use tokio::{process::Command, runtime::Handle};

use crate::{Context, recipes::last_writes, trial};

/// The workbook is opened by LibreOffice where that is installed; elsewhere the output of the tests says that it was not.
pub fn trials(runtime: &Handle, context: &Arc<Context>) -> Vec<Trial> {
    let installed = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join("soffice").exists()));
    vec![
        trial(
            concat!(module_path!(), "::days_are_joined_and_those_that_are_missing_are_named"),
            runtime,
            context,
            days,
        ),
        trial(concat!(module_path!(), "::libreoffice_reads_the_workbook_back_equal"), runtime, context, workbook)
            .with_ignored_flag(!installed),
    ]
}

const LIST: &str = "exported";
/// Thursday and Friday of one week; the Monday before them is not published.
const DAYS: [&str; 2] = ["2024-10-10", "2024-10-11"];

async fn days(context: Arc<Context>) -> Result<()> {
    let companies = [("Meta Platforms", "META"), ("Snap", "SNAP")];
    let csvs = publish(&context, LIST, &companies, &DAYS).await?;
    let out = OutFolder::create()?;
    let folder = out.arg();
    let export = async |args: &[&str]| {
        let args = [&["export", "--list", LIST, "--out", &folder], args].concat();
        context.tools.finstream_on(&context.stack.cloud, &args).await
    };
    let [thursday, friday] = DAYS;
    let joined = csvs[0].clone() + csvs[1].split_once('\n').context("no rows")?.1;

    let one = export(&[thursday]).await?;
    ensure!(one.code == 0 && one.stdout.contains("14 hourly rows of 2024-10-10\nsimulated prices"), "{one:#?}");
    ensure!(out.read("hourly_extremes.csv")? == csvs[0]);
    ensure!(export(&[friday, thursday, friday]).await?.code == 0);
    ensure!(out.read("hourly_extremes_2024-10-10_2024-10-11.csv")? == joined);
    let range = export(&["--from", "2024-10-09", "--to", "2024-10-13"]).await?;
    let says = "2024-10-09 is not published for the list exported in bars of 5m: cargo finstream run 2024-10-09 --list exported";
    ensure!(range.code == 3 && range.stdout.contains(says), "{range:#?}");
    ensure!(out.read("hourly_extremes_2024-10-10_2024-10-11.csv")? == joined);
    let named = export(&[friday, "2024-10-12", "--quiet"]).await?;
    ensure!(named.code == 0 && named.stdout.starts_with("2024-10-12: no session\n"), "{named:#?}");
    ensure!(out.read("hourly_extremes.csv")? == csvs[1]);

    let lake = context.stack.lake(thursday).await?.concat();
    let bars = last_writes(&lake);
    let of_bars = export(&[thursday, "--bars"]).await?;
    ensure!(
        of_bars.code == 0 && of_bars.stdout.contains(&format!("{} bars of {thursday}", bars.len())),
        "{of_bars:#?}"
    );
    let csv = out.read("bars.csv")?;
    ensure!(csv.lines().skip(1).eq(bars.iter().map(|bar| csv_line(bar))), "{csv}");

    let missing = export(&[thursday, "2024-10-09"]).await?;
    ensure!(missing.code == 1 && missing.stdout.is_empty() && missing.stderr.contains(says), "{missing:#?}");
    ensure!(export(&[thursday, "--interval", "15m"]).await?.code == 1);
    for (args, code, expected) in [
        (&["2024-10-12", "--json"][..], 4, json!({"trade_dates": [], "missing": [], "file": null})),
        (
            &["--from", "2024-10-09", "--to", friday, "--format", "parquet", "--bars", "--json"],
            3,
            json!({"list": LIST, "trade_dates": DAYS, "missing": ["2024-10-09"], "hours": null, "simulated": true}),
        ),
    ] {
        let ended = export(args).await?;
        let answer: Value = serde_json::from_str(&ended.stdout).with_context(|| format!("{ended:#?}"))?;
        let has = |(name, value): (&String, &Value)| answer.get(name) == Some(value);
        ensure!(ended.code == code && expected.as_object().into_iter().flatten().all(has), "{args:?}: {ended:#?}");
    }
    let nobody = context.tools.finstream_on(&context.stack.cloud, &["export", thursday, "--list", "nope"]).await?;
    ensure!(nobody.code == 2 && nobody.stderr.contains("there is no list nope"), "{nobody:#?}");
    Ok(())
}

/// Runs the days, and returns what is published of each.
async fn publish(context: &Context, list: &str, companies: &[(&str, &str)], days: &[&str]) -> Result<Vec<String>> {
    context.stack.put_list(list, companies).await?;
    let mut csvs = Vec::new();
    for day in days {
        context.stack.export(&json!({"trade_date": day, "list": list})).await?;
        let csv = context.stack.published_csv(&published_day(list, day.parse()?)?).await?;
        csvs.push(csv.context("nothing is published")?);
    }
    Ok(csvs)
}

/// The line of a bar in the CSV of bars.
fn csv_line(bar: &Bar) -> String {
    let Bar { symbol, company_name, trade_date, ts, volume, .. } = bar;
    let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.get().to_string()).join(",");
    let ts = offset_datetime::text(ts);
    format!("{symbol},{company_name},{trade_date},{ts},{prices},{volume},USD,simulated")
}

/// Names and symbols that look like formulas, missing values and booleans, of exchanges with three offsets.
async fn workbook(context: Arc<Context>) -> Result<()> {
    let companies = [("=1+1", "META"), ("NA", "NA"), ("01-02", "TRUE"), ("Vodafone", "VOD.L"), ("Toyota", "7203.T")];
    let (list, day) = ("workbook", "2024-10-15");
    let csv = publish(&context, list, &companies, &[day]).await?.concat();
    let out = OutFolder::create()?;
    let folder = out.arg();
    let args = ["export", day, "--list", list, "--format", "xlsx", "--bars", "--out", &folder];
    let ended = context.tools.finstream_on(&context.stack.cloud, &args).await?;
    ensure!(ended.code == 0, "{}", ended.text);
    let rows = hourly_extreme::read(csv.as_bytes())?;
    let days = CompanyDay::of(&rows);
    let lake = context.stack.lake(day).await?.concat();
    let bars = last_writes(&lake);
    for (locale, point) in [("en-US", '.'), ("de-DE", ',')] {
        let sheets = out.join(locale);
        let converted = open_in_libreoffice(&out.join("hourly_extremes.xlsx"), &sheets, locale).await?;
        for (name, expected) in [
            ("hours", rows.iter().map(|row| of_hour(row, point)).collect::<Vec<_>>()),
            ("days", days.iter().map(|day| of_day(day, point)).collect()),
            ("bars", bars.iter().map(|bar| of_bar(bar, point)).collect()),
        ] {
            let path = sheets.join(format!("hourly_extremes-{name}.csv"));
            let text = fs::read_to_string(&path).with_context(|| converted.text.clone())?;
            let read: Vec<_> =
                text.lines().skip(1).map(|line| line.split('\t').map(rounded).collect::<Vec<_>>().join("\t")).collect();
            let difference = read.iter().zip(&expected).find(|(read, expected)| read != expected);
            ensure!(read == expected, "{locale}, {name}, {} of {}: {difference:#?}", read.len(), expected.len());
        }
        ensure!(sheets.join("hourly_extremes-chart.csv").exists(), "{}", converted.text);
    }
    Ok(())
}

/// A field, with nine decimals where it is in percent.
fn rounded(field: &str) -> String {
    let percent = field.strip_suffix('%').and_then(|value| value.replace(',', ".").parse::<f64>().ok());
    percent.map_or_else(|| field.to_owned(), |value| format!("{value:.9}%"))
}

/// Opens a workbook in LibreOffice with the settings of a locale, and saves each sheet in `folder`: fields are separated by tabs,
/// text is in quotes and nothing else is, and numbers are as the locale writes them.
/// <https://help.libreoffice.org/latest/en-US/text/shared/guide/csv_params.html>
async fn open_in_libreoffice(workbook: &Path, folder: &Path, locale: &str) -> Result<ProgramOutput> {
    const AS_SHOWN: &str = "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,true,true,false,false,false,-1";
    let profile = folder.join("profile");
    fs::create_dir_all(profile.join("user"))?;
    let settings = format!(
        r#"<oor:items xmlns:oor="http://openoffice.org/2001/registry"><item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>{locale}</value></prop></item></oor:items>"#
    );
    fs::write(profile.join("user/registrymodifications.xcu"), settings)?;
    let mut soffice = Command::new("soffice");
    soffice.arg(format!("-env:UserInstallation=file://{}", profile.display()));
    let converted =
        run(soffice.args(["--headless", "--convert-to", AS_SHOWN, "--outdir"]).arg(folder).arg(workbook)).await?;
    ensure!(converted.code == 0, "{}", converted.text);
    Ok(converted)
}

/// The fields of a row as LibreOffice shows them.
struct Fields {
    fields: Vec<String>,
    /// The decimal separator.
    point: char,
}

impl Fields {
    fn text(mut self, text: Option<&str>) -> Self {
        self.fields.push(text.map(|text| format!("\"{text}\"")).unwrap_or_default());
        self
    }

    fn plain(mut self, value: impl ToString) -> Self {
        self.fields.push(value.to_string());
        self
    }

    /// On the exchange's clock.
    fn time(self, at: &Zoned) -> Self {
        self.plain(at.strftime("%Y-%m-%d %H:%M:%S"))
    }

    fn price(self, price: Option<Price>) -> Self {
        let point = self.point.to_string();
        self.plain(price.map(|price| price.get().to_string().replace('.', &point)).unwrap_or_default())
    }

    fn line(self) -> String {
        self.fields.join("\t")
    }
}

fn of_hour(row: &HourlyExtreme, point: char) -> String {
    let fields = Fields { fields: vec![], point }.text(Some(&row.company_name)).text(Some(row.symbol.as_str()));
    let fields = fields.plain(row.trade_date).plain(row.hour);
    let fields = fields.time(&row.datetime_high).price(Some(row.highest_hourly_price));
    let fields = fields.time(&row.datetime_low).price(Some(row.lowest_hourly_price));
    let fields = fields.plain(row.bars).plain(row.volume).text(row.currency.as_deref());
    fields.price(row.open).price(row.close).text(Some("simulated")).price(row.previous_close).line()
}

fn of_bar(bar: &Bar, point: char) -> String {
    let fields = Fields { fields: vec![], point }.text(Some(bar.symbol.as_str())).text(Some(&bar.company_name));
    let fields = fields.plain(bar.trade_date).time(&bar.ts).price(Some(bar.open)).price(Some(bar.high));
    let fields = fields.price(Some(bar.low)).price(Some(bar.close)).plain(bar.volume);
    fields.text(bar.currency.as_deref()).text(Some("simulated")).line()
}

fn of_day(day: &CompanyDay<'_>, point: char) -> String {
    let percent = |value: Option<f64>| value.map(|value| format!("{value:.9}%")).unwrap_or_default();
    let fields = Fields { fields: vec![], point }.plain(day.hours[0].trade_date).text(Some(day.symbol.as_str()));
    let fields = fields.text(Some(day.name)).text(day.currency);
    let fields = fields.price(day.previous_close).price(day.open).price(day.close);
    let fields = fields.plain(percent(day.change())).plain(percent(day.gap()));
    let fields = fields.price(Some(day.high.0)).time(day.high.1).price(Some(day.low.0)).time(day.low.1);
    fields.plain(percent(day.range())).plain(day.bars).plain(day.volume).text(Some("simulated")).line()
}
