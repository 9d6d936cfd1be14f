//! `finstream live`: the bars of the open session as they come, from the stack's data stream. On a terminal a board of the
//! symbols, elsewhere a line a bar. It reads the stream, and never the market.

mod board;
mod columns;
mod feed;
mod kinesis;
mod lines;
mod reader;
mod record;
mod screen;
mod short_duration;
mod terminal;
mod view;

use std::{io::IsTerminal, time::Duration};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use shared::{Bar, SymbolList};
use tokio::sync::{mpsc, watch};

use self::{
    board::{Board, Change},
    feed::{Feed, Health},
    kinesis::Kinesis,
    lines::Lines,
    reader::Event,
    short_duration::short,
};
use crate::{
    args::{LiveArgs, On},
    aws::target::Target,
    exit::Exit,
    interrupt::{interrupted, unless_interrupted},
    output::{
        console::{Console, Format, print_while_read},
        format::pluralize,
        json::Place,
        progress::ProgressDisplay,
        tables::price_source,
    },
};

/// How many reads may wait to be shown.
const BACKLOG: usize = 16;

/// How long the stream keeps a record, which the template leaves at AWS's default.
/// <https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html>
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Which bars to show.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Those of records that arrived from then on.
    pub start: Timestamp,
    /// Of these symbols; of all without.
    pub symbols: Option<SymbolList>,
    /// The number of bars after which to end, corrections included.
    pub limit: Option<u64>,
}

/// What ended the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Whoever shows it, or the number of bars.
    Done,
    /// The key `q`, or nobody reads the lines any more.
    Quit,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// What was shown.
#[derive(Debug)]
pub struct Shown {
    pub end: End,
    pub board: Board,
    /// The number of bars, corrections included.
    bars: u64,
}

pub async fn live(args: LiveArgs, console: &Console) -> anyhow::Result<Exit> {
    let progress = console.progress();
    let target = unless_interrupted(Target::find(&args.target, &progress)).await?;
    progress.clear(); // no spinner beside what is shown
    let now = Timestamp::now();
    let start = args.from.instant(now);
    if let Some(note) = kept_no_longer(start, now) {
        progress.report(note);
    }
    let (caption, captions) = watch::channel(String::new());
    let selection = Selection { start, symbols: args.symbols, limit: args.bars };
    let showing = show(&target, selection, captions, console);
    tokio::pin!(showing);
    let shown = tokio::select! {
        shown = &mut showing => shown?,
        () = time_limit(args.duration) => {
            drop(caption);
            showing.await?
        }
    };
    progress.report(&describe(&shown.board, start));
    Ok(match shown.end {
        End::Interrupted => Exit::Interrupted,
        End::Done if args.bars.is_some_and(|limit| shown.bars < limit) => Exit::Incomplete,
        End::Done | End::Quit => Exit::Done,
    })
}

/// What to say of a start of which the stream may keep nothing any more.
fn kept_no_longer(start: Timestamp, now: Timestamp) -> Option<&'static str> {
    (now.duration_since(start) > RETENTION).then_some(
        "the stream keeps a record for 24 hours: what arrived before is not shown; `cargo finstream query` has it from the lake",
    )
}

/// The board in one line: what has come, and how fast.
fn describe(board: &Board, start: Timestamp) -> String {
    let delays = board.delays(start);
    let median = delays.get(delays.len() / 2);
    let delay = median.map(|median| format!("; on the stream {} after their close (median)", short(*median)));
    board.totals().describe() + &delay.unwrap_or_default()
}

async fn time_limit(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// Whether [`show`] shows the board: on a terminal that has keys, unless JSON is wanted.
pub fn is_board(console: &Console) -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    console.format == Format::Text && is_terminal && !is_dumb
}

/// Shows the bars of the stream that are there, and each that comes, until the sender of `caption` is dropped, the user quits,
/// or a signal comes. The caption is a line above the board; without a board it is not shown.
///
/// # Errors
/// When the stack has no stream, or it cannot be read; a fault that passes is waited for.
pub async fn show(
    target: &Target,
    selection: Selection,
    caption: watch::Receiver<String>,
    console: &Console,
) -> anyhow::Result<Shown> {
    let stream = target.output("LiveStreamArn").ok().with_context(|| without_stream(target.place()))?;
    let stream = Kinesis::new(&target.kinesis, stream);
    let progress = console.progress();
    let start = selection.start;
    let source = target.source(None);
    let session = Session::new(selection, source.is_none());
    progress.report(&price_source(session.simulated, source.copied()));
    progress.clear();
    let (sender, events) = mpsc::channel(BACKLOG);
    let showing = async {
        if is_board(console) {
            terminal::show(session, events, caption, &target.name).await
        } else {
            print_lines(session, events, caption, console.format, &progress).await
        }
    };
    tokio::pin!(showing);
    let reading = reader::read(&stream, start, &sender);
    let error = tokio::select! {
        shown = &mut showing => return shown,
        result = reading => match result {
            Ok(never) => match never {},
            Err(error) => error,
        },
    };
    // What was read before the error is still shown.
    drop(sender);
    showing.await?;
    Err(error)
}

/// What is wrong with a stack that has no stream, and what to do.
fn without_stream(Place { on, place }: Place) -> String {
    match on {
        On::Local => format!(
            "{place} has no data stream: stop it with `cargo finstream local down`, then bring it up with `cargo finstream local \
             up --live`"
        ),
        On::Aws => format!(
            "{place} has no data stream: deploy it with the parameter Live=ENABLED, or see the open session on this machine with \
             `cargo finstream local up --live`"
        ),
    }
}

/// The bars so far.
struct Session {
    selection: Selection,
    simulated: bool,
    board: Board,
    feed: Feed,
    /// Lines of records that are no bars.
    unreadable: usize,
    bars: u64,
}

impl Session {
    fn new(selection: Selection, simulated: bool) -> Self {
        let (board, feed) = (Board::default(), Feed::default());
        Self { selection, simulated, board, feed, unreadable: 0, bars: 0 }
    }

    /// Adds what was read. `on_bar` gets each bar that is new or corrected, and says whether to continue.
    ///
    /// # Errors
    /// Those of `on_bar`.
    fn add(
        &mut self,
        event: Event,
        mut on_bar: impl FnMut(&Bar, Timestamp, Change) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Option<End>> {
        self.feed.add(&event, Timestamp::now());
        let Event::Read { records, .. } = event else { return Ok(None) };
        for record in records {
            let (bars, unreadable) = record::bars(&record.data);
            self.unreadable += unreadable;
            let symbols = self.selection.symbols.as_deref();
            for bar in bars.iter().filter(|bar| symbols.is_none_or(|symbols| symbols.contains(&bar.symbol))) {
                let change = self.board.add(bar, record.arrived);
                if change == Change::Copy {
                    continue;
                }
                self.bars += 1;
                if !on_bar(bar, record.arrived, change)? {
                    return Ok(Some(End::Quit));
                }
                if self.selection.limit.is_some_and(|limit| self.bars >= limit) {
                    return Ok(Some(End::Done));
                }
            }
        }
        Ok(None)
    }

    fn end(self, end: End) -> Shown {
        Shown { end, board: self.board, bars: self.bars }
    }
}

/// Prints a line for each bar, and what the reading waits for to standard error.
async fn print_lines(
    mut session: Session,
    mut events: mpsc::Receiver<Event>,
    mut caption: watch::Receiver<String>,
    format: Format,
    progress: &ProgressDisplay,
) -> anyhow::Result<Shown> {
    let lines = Lines { format, simulated: session.simulated };
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    if let Some(header) = lines.header()
        && !print_while_read(&header)?
    {
        return Ok(session.end(End::Quit));
    }
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            () = until_dropped(&mut caption) => None,
            () = &mut interrupted => return Ok(session.end(End::Interrupted)),
        };
        let Some(event) = event else { return Ok(session.end(End::Done)) };
        let (health, unreadable) = (session.feed.health(), session.unreadable);
        let end = session.add(event, |bar, arrived, change| {
            print_while_read(&lines.line(bar, arrived, change == Change::Corrected)?)
        })?;
        report(&session, health, unreadable, progress);
        if let Some(end) = end {
            return Ok(session.end(end));
        }
    }
}

/// Says when the reading begins to wait, when it is over, and when lines were no bars.
fn report(session: &Session, health: Health, unreadable: usize, progress: &ProgressDisplay) {
    match (health == Health::Paused, session.feed.health() == Health::Paused) {
        (false, true) => progress.report(&session.feed.describe(Timestamp::now())),
        (true, false) => progress.report("reading again"),
        _ => {}
    }
    let more = session.unreadable - unreadable;
    if more > 0 {
        progress
            .report(&format!("{} of a record left out: no bars in the form of docs/data.md", pluralize(more, "line")));
    }
}

/// Waits until the sender is dropped.
async fn until_dropped(caption: &mut watch::Receiver<String>) {
    while caption.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_before_what_the_stream_keeps_is_noted() -> Result<(), jiff::Error> {
        let now = "2026-11-20T15:00:00Z".parse()?;
        assert_eq!(kept_no_longer("2026-11-19T15:00:00Z".parse()?, now), None);
        let note = kept_no_longer("2026-11-19T14:59:59Z".parse()?, now);
        assert!(note.is_some_and(|note| note.starts_with("the stream keeps a record for 24 hours")), "{note:?}");
        Ok(())
    }

    #[test]
    fn a_stack_without_a_stream_is_given_one_in_a_way_that_its_place_takes() {
        for (on, advice) in [
            (
                On::Local,
                "stop it with `cargo finstream local down`, then bring it up with `cargo finstream local up --live`",
            ),
            (
                On::Aws,
                "deploy it with the parameter Live=ENABLED, or see the open session on this machine with `cargo finstream local \
                 up --live`",
            ),
        ] {
            let place = Place { on, place: "there".to_owned() };
            assert_eq!(without_stream(place), format!("there has no data stream: {advice}"));
        }
    }
}
