//! `finstream show`: a day as it is published, again and in full.

mod json;

use anyhow::{Context, bail};
use jiff::Timestamp;
use shared::{
    CompanyDay, HourlyExtreme, Interval, ListName, PublishedDay, TradeDate, format::thousands, hourly_extreme,
};

use crate::{
    args::ShowArgs,
    aws::{
        export_files::{self, PublishedFiles},
        target::Target,
    },
    exit::Exit,
    output::{
        browser, companies,
        console::Console,
        format::pluralize,
        result::{headline, notes_on_prices},
        tables,
        terminal::{Styled, Terminal},
    },
};
use json::{CompanyJson, ShowJson};

pub async fn show(args: ShowArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    let target = Target::find(&args.target, &progress).await?;
    progress.start_step("reading what is published");
    let day = published_day(&target, &args).await?;
    let Some(PublishedFiles { manifest, csv }) = export_files::published(&target, &day).await? else {
        bail!("{}", nothing_published(&args, Some(day.trade_date)))
    };
    let files = &manifest.files;
    let rows =
        hourly_extreme::read(&csv.content).with_context(|| format!("{} is not a result of this version", files.csv))?;
    let mut days = CompanyDay::of(&rows);
    args.sort.sort(&mut days);
    let all = days.len();
    days.truncate(args.top.map_or(usize::MAX, usize::from));
    progress.clear();

    let mut text = text(&day, &rows, &days, csv.simulated, args.hours, Terminal::stdout());
    if days.len() < all {
        text.push(&format!("… and {} more: leave out --top\n", thousands(all - days.len())));
    }
    text.push(&format!("csv     {}\nreport  {}", files.csv, files.report));
    let json = ShowJson {
        place: target.place(),
        list: &day.list,
        interval: day.interval,
        trade_date: day.trade_date,
        simulated: csv.simulated,
        run_id: &manifest.run_id,
        collected_at: manifest.collected_at,
        csv: &files.csv,
        report: &files.report,
        companies: days.iter().map(|day| CompanyJson::of(day, args.hours)).collect(),
    };
    console.answer(text, &json)?;
    if args.result.open {
        let folder = args.result.out.folder.of(day.trade_date);
        let [_, report] = export_files::download(&target.s3, files, (Some(&day.list), day.trade_date), &folder).await?;
        browser::open(&report, &progress);
    }
    Ok(Exit::Done)
}

/// The day that the arguments name, or the newest one.
async fn published_day(target: &Target, args: &ShowArgs) -> anyhow::Result<PublishedDay> {
    let trade_date = match args.day.and_then(|day| day.trade_date(Timestamp::now())) {
        Some(date) => date,
        None => match export_files::newest_published(target, &args.list, args.interval).await? {
            Some(date) => date,
            None => bail!("{}", nothing_published(args, None)),
        },
    };
    Ok(PublishedDay { list: args.list.clone(), interval: args.interval, trade_date })
}

/// Why there is nothing to show, and what to do.
fn nothing_published(args: &ShowArgs, date: Option<TradeDate>) -> String {
    let ShowArgs { list, interval, target, .. } = args;
    let of = date.map_or_else(|| "no day".to_owned(), |date| format!("nothing of {date}"));
    let date = date.map(|date| format!(" {date}")).unwrap_or_default();
    let (mut options, place) = (String::new(), target.options());
    if *list != ListName::default() {
        options += &format!(" --list {list}");
    }
    if *interval != Interval::default() {
        options += &format!(" --interval {interval}");
    }
    format!(
        "{of} is published for the list {list} in {interval} bars: `cargo finstream run{date}{options}{place}` publishes it, \
         and `cargo finstream list{place}` shows what has run"
    )
}

/// The day without the paths of its files, each line ended by a line feed.
fn text(
    day: &PublishedDay,
    rows: &[HourlyExtreme],
    days: &[CompanyDay<'_>],
    simulated: bool,
    hours: bool,
    terminal: Terminal,
) -> Styled {
    let bars = pluralize(rows.iter().map(|row| row.bars as usize).sum(), &format!("{} bar", day.interval));
    let mut text = Styled::from(&headline(day.trade_date, &CompanyDay::of(rows), &bars, terminal));
    if hours {
        text.push(&tables::hours(days, terminal.width.and_then(|width| u16::try_from(width).ok())));
    } else {
        text.push_styled(&companies::table(days, terminal));
        text.push(&companies::note_on_changes(days, terminal));
    }
    text.push(&notes_on_prices(rows, simulated, terminal));
    text
}

#[cfg(test)]
mod tests;
