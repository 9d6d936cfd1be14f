//! The board's terminal: its keys, when it is drawn, and that it is left as it was found, also after an error, a signal or a
//! panic.

use std::time::Duration;

use anyhow::Context;
use crossterm::event::{Event as Input, EventStream};
use futures::StreamExt;
use jiff::Timestamp;
use ratatui::DefaultTerminal;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior},
};

use super::{
    End, Session, Shown,
    reader::Event,
    screen::{Scene, draw},
    view::{Request, View},
};
use crate::{interrupt::interrupted, output::terminal::Terminal};

/// The board is drawn at most this often for what comes, so that catching up is not slowed down, and every second for the ages.
const FRAME: Duration = Duration::from_millis(100);
const CLOCK: Duration = Duration::from_secs(1);

/// The terminal in raw mode, on its alternate screen.
struct Screen(DefaultTerminal);

impl Screen {
    /// From here on a panic restores the terminal, too, before it prints its message.
    fn open() -> anyhow::Result<Self> {
        ratatui::try_init().map(Self).context("could not prepare the terminal for the board")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows the board until it ends.
pub async fn show(
    mut session: Session,
    mut events: mpsc::Receiver<Event>,
    mut caption: watch::Receiver<String>,
    place: &str,
) -> anyhow::Result<Shown> {
    let mut screen = Screen::open()?;
    let (mut keys, mut view) = (EventStream::new(), View::default());
    let colors = Terminal::stdout().colors;
    let interrupted = interrupted();
    tokio::pin!(interrupted);
    let mut clock = tokio::time::interval(CLOCK);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    // When to draw next; `None` while nothing has changed.
    let mut due = Some(Instant::now());
    loop {
        let soon = Instant::now() + FRAME;
        let end = tokio::select! {
            event = events.recv() => match event {
                Some(event) => {
                    let end = session.add(event, |_, _, _| Ok(true))?;
                    due = due.or(Some(soon));
                    end
                }
                None => Some(End::Done),
            },
            key = keys.next() => match key {
                Some(Ok(input)) => {
                    due = Some(Instant::now());
                    press(&mut view, &input)
                }
                // The terminal is gone.
                Some(Err(_)) | None => Some(End::Interrupted),
            },
            changed = caption.changed() => {
                due = due.or(Some(soon));
                changed.is_err().then_some(End::Done)
            }
            _ = clock.tick() => {
                due = due.or(Some(soon));
                None
            }
            () = until(due) => {
                let caption = caption.borrow().clone();
                let scene = Scene {
                    board: &session.board,
                    feed: &session.feed,
                    place,
                    simulated: session.simulated,
                    caption: &caption,
                    unreadable: session.unreadable,
                    colors,
                    now: Timestamp::now(),
                };
                screen.0.draw(|frame| draw(frame, &scene, &mut view)).context("could not draw the board")?;
                due = None;
                None
            }
            () = &mut interrupted => Some(End::Interrupted),
        };
        if let Some(end) = end {
            return Ok(session.end(end));
        }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn press(view: &mut View, input: &Input) -> Option<End> {
    let Input::Key(key) = input else { return None };
    view.press(*key).map(|request| match request {
        Request::Quit => End::Quit,
        Request::Interrupt => End::Interrupted,
    })
}
