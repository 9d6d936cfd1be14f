//! `finstream show`: a day as it is published, again and in full.

mod json;

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use shared::{
    CompanyDay, HourlyExtreme, Interval, ListName, PublishedDay, Symbol, TradeDate, format::thousands, hourly_extreme,
};

use crate::{
    args::ShowArgs,
    aws::{
        export_files::{self, PublishedFiles},
        lists,
        target::Target,
    },
    exit::Exit,
    output::{
        browser, companies,
        console::Console,
        format::pluralize,
        rankings,
        result::{headline, notes_on_prices, wrapped},
        tables,
        terminal::{Styled, Terminal},
    },
    trading_day::TradingDay,
};
use json::{CompanyJson, ShowJson};

pub async fn show(args: ShowArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    let target = Target::find(&args.target, &progress).await?;
    progress.start_step("reading what is published");
    let day = published_day(&target, &args).await?;
    let Some(PublishedFiles { manifest, csv }) = export_files::published(&target, &day).await? else {
        return Err(nothing_published(&target, &args, Some(day.trade_date)).await);
    };
    let files = &manifest.files;
    let rows =
        hourly_extreme::read(&csv.content).with_context(|| format!("{} is not a result of this version", files.csv))?;
    let mut days = CompanyDay::of(&rows);
    args.sort.sort(&mut days);
    days.truncate(args.top.map_or(usize::MAX, usize::from));
    progress.clear();

    let terminal = Terminal::stdout();
    let mut text = text(&day, &rows, &days, csv.simulated, View::of(&args, days.len(), terminal), terminal);
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
    progress.report(&format!("what is missing: {}", gaps_command(&args, day.trade_date)));
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
            None => return Err(nothing_published(target, args, None).await),
        },
    };
    Ok(PublishedDay { list: args.list.clone(), interval: args.interval, trade_date })
}

/// Why there is nothing to show: there is no such list, or as [`describe_unpublished`].
async fn nothing_published(target: &Target, args: &ShowArgs, date: Option<TradeDate>) -> anyhow::Error {
    match lists::companies(target, &args.list).await {
        Ok(companies) => anyhow!(describe_unpublished(args, date, companies.symbols())),
        Err(error) => error,
    }
}

/// Why nothing is published of a day, or of any, for a list of these symbols, and what to do.
fn describe_unpublished(args: &ShowArgs, date: Option<TradeDate>, symbols: &[Symbol]) -> String {
    let ShowArgs { list, interval, target, .. } = args;
    if let Some(date) = date.filter(|date| TradingDay::of(*date, symbols) == TradingDay::Closed) {
        return format!(
            "{date} has no session: the exchanges of the list {list} do not trade on that day; \
             `cargo finstream show{}` shows the newest day that is published",
            options(args)
        );
    }
    let of = date.map_or_else(|| "no day".to_owned(), |date| format!("nothing of {date}"));
    let date = date.map(|date| format!(" {date}")).unwrap_or_default();
    let (options, place) = (options(args), target.options());
    format!(
        "{of} is published for the list {list} in {interval} bars: `cargo finstream run{date}{options}` publishes it, \
         and `cargo finstream list{place}` shows what has run"
    )
}

/// The command that says what is missing of a day, which the CSV does not know.
fn gaps_command(args: &ShowArgs, date: TradeDate) -> String {
    format!("cargo finstream gaps --from {date} --to {date}{}", options(args))
}

/// The options that other commands take, too, as they were given, each with a space before it.
fn options(ShowArgs { list, interval, target, .. }: &ShowArgs) -> String {
    let list = (*list != ListName::default()).then(|| format!(" --list {list}"));
    let interval = (*interval != Interval::default()).then(|| format!(" --interval {interval}"));
    list.into_iter().chain(interval).chain([target.options()]).collect()
}

/// What is shown of the companies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    Companies,
    Hours,
    Rankings,
}

impl View {
    /// Of more companies than a person reads a terminal shows rankings, unless so many are asked for; a pipe gets all.
    fn of(args: &ShowArgs, companies: usize, terminal: Terminal) -> Self {
        if args.hours {
            Self::Hours
        } else if args.top.is_none() && terminal.width.is_some() && companies > rankings::MAX_COMPANIES {
            Self::Rankings
        } else {
            Self::Companies
        }
    }
}

/// The day without the paths of its files, each line ended by a line feed.
fn text(
    day: &PublishedDay,
    rows: &[HourlyExtreme],
    days: &[CompanyDay<'_>],
    simulated: bool,
    view: View,
    terminal: Terminal,
) -> Styled {
    let bars = pluralize(rows.iter().map(|row| row.bars as usize).sum(), &format!("{} bar", day.interval));
    let all = CompanyDay::of(rows);
    let mut text = Styled::from(&headline(day.trade_date, &all, &bars, terminal));
    match view {
        View::Hours => text.push(&tables::hours(days, terminal.width.and_then(|width| u16::try_from(width).ok()))),
        View::Companies => text.push_styled(&companies::table(days, terminal)),
        View::Rankings => {
            text.push_styled(&rankings::rankings(days, terminal));
            let all = days.len();
            text.push(&wrapped(
                &format!("a line for each of all {}: --top {all}, or the CSV", thousands(all)),
                terminal,
            ));
        }
    }
    if days.len() < all.len() {
        text.push(&format!("… and {} more: leave out --top\n", thousands(all.len() - days.len())));
    }
    if view != View::Hours {
        text.push(&companies::note_on_changes(days, terminal));
    }
    text.push(&notes_on_prices(rows, simulated, terminal));
    text
}

#[cfg(test)]
mod tests;
