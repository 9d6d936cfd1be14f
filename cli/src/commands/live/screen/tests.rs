use std::time::Duration;

use jiff::SignedDuration;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use shared::{Bar, Interval, Price};

use super::{
    super::{
        board::tests::{Outcome, bar, bar_of},
        reader::{Event, Record},
    },
    *,
};

/// Ten bars of four symbols, two of them with a correction.
fn board() -> Outcome<Board> {
    let mut board = Board::default();
    for (symbol, minutes, collection) in
        [("META", 0..50, 0), ("SHOP", 0..50, 0), ("SNAP", 25..50, 0), ("XYZ", 0..50, 1)]
    {
        for minute in minutes.step_by(5) {
            let bar = bar(symbol, &format!("10:{minute:02}"), collection)?;
            let wave = 3.0 * (f64::from(minute) / 7.0).sin() * if symbol == "SHOP" { -1.0 } else { 1.0 };
            let scaled = |price: Price| {
                let base = match symbol {
                    "SNAP" => price.get() - 295.5,
                    "SHOP" => price.get() - 1.2 * f64::from(minute),
                    _ => price.get() - 0.9 * f64::from(minute),
                };
                Price::from_wire(((base + wave) * 100.0).round() / 100.0).ok_or("no price")
            };
            let (open, high, low, close) = (scaled(bar.open)?, scaled(bar.high)?, scaled(bar.low)?, scaled(bar.close)?);
            let company_name = if symbol == "XYZ" { "Block, Inc. (formerly Square, Inc.)" } else { symbol }.to_owned();
            let bar = Bar { open, high, low, close, company_name, volume: 19_572, ..bar };
            let arrived = bar.ts.timestamp().checked_add(SignedDuration::from_secs(362))?;
            for _ in 0..2 {
                board.add(&bar, arrived);
            }
        }
    }
    Ok(board)
}

fn feed(event: Option<Event>) -> Outcome<Feed> {
    let mut feed = Feed::default();
    let record = Record { sequence_number: "1".into(), arrived: "2026-11-20T15:51:02Z".parse()?, data: vec![] };
    let read = Event::Read { shard: "a".into(), records: vec![record], behind: Duration::ZERO };
    for event in std::iter::once(read).chain(event) {
        feed.add(&event, now()?);
    }
    Ok(feed)
}

fn now() -> Outcome<Timestamp> {
    Ok("2026-11-20T15:51:30Z".parse()?)
}

struct Setting {
    board: Board,
    feed: Feed,
    caption: &'static str,
    colors: bool,
    unreadable: usize,
}

fn setting() -> Outcome<Setting> {
    Ok(Setting { board: board()?, feed: feed(None)?, caption: "", colors: false, unreadable: 0 })
}

fn buffer(setting: &Setting, view: &mut View, width: u16, height: u16) -> Outcome<Buffer> {
    let mut terminal = Terminal::new(TestBackend::new(width, height))?;
    let scene = Scene {
        board: &setting.board,
        feed: &setting.feed,
        place: "the local cloud at http://127.0.0.1:4566",
        simulated: true,
        caption: setting.caption,
        unreadable: setting.unreadable,
        colors: setting.colors,
        now: now()?,
    };
    terminal.draw(|frame| draw(frame, &scene, view))?;
    Ok(terminal.backend().buffer().clone())
}

/// What the terminal shows, a line each, without the spaces at their ends.
fn shown(setting: &Setting, view: &mut View, width: u16, height: u16) -> Outcome<String> {
    let buffer = buffer(setting, view, width, height)?;
    let lines = buffer.content().chunks(usize::from(width));
    let line = |cells: &[ratatui::buffer::Cell]| cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>();
    Ok(lines.map(|cells| format!("{}\n", line(cells).trim_end())).collect())
}

#[test]
fn a_narrow_terminal_leaves_out_columns() -> Outcome {
    let setting = setting()?;
    for width in [160, 120, 80, 60, 40, 20] {
        insta::assert_snapshot!(format!("columns_{width}"), shown(&setting, &mut View::default(), width, 10)?);
    }
    Ok(())
}

#[test]
fn a_low_terminal_leaves_out_lines_and_scrolls() -> Outcome {
    let setting = Setting { caption: "next tick in 23 s", ..setting()? };
    let mut view = View::default();
    for height in [8, 5, 3, 1] {
        insta::assert_snapshot!(format!("lines_{height}"), shown(&setting, &mut view, 80, height)?);
    }
    view.filter = "s".into();
    insta::assert_snapshot!("narrow_and_low", shown(&setting, &mut view, 40, 7)?);
    Ok(())
}

#[test]
fn what_differs_between_rows_is_a_column() -> Outcome {
    let mut setting = setting()?;
    let coin = Bar {
        currency: Some("EUR".into()),
        interval: Interval::OneMinute,
        ..bar_of("2026-11-19", "BTC-EUR", "19:03", 0)?
    };
    setting.board.add(&coin, now()?);
    insta::assert_snapshot!(shown(&setting, &mut View::default(), 130, 10)?);
    Ok(())
}

#[test]
fn the_lines_below_say_how_the_reading_is_going() -> Outcome {
    let paused = Event::Paused { shard: Some("a".into()), why: "throttled".into(), pause: Duration::from_secs(4) };
    let setting = Setting { feed: feed(Some(paused))?, caption: "tick 2 of 3", unreadable: 2, ..setting()? };
    let mut view = View::default();
    (view.filter, view.reverse) = ("inc".into(), true);
    insta::assert_snapshot!("paused_and_filtered", shown(&setting, &mut view, 100, 8)?);
    (view.filter, view.reverse, view.typing) = ("zz".into(), false, true);
    insta::assert_snapshot!("typing_a_filter", shown(&setting, &mut view, 80, 8)?);
    let empty = Setting { board: Board::default(), feed: feed(None)?, ..setting };
    insta::assert_snapshot!("without_bars", shown(&empty, &mut View::default(), 120, 8)?);
    let why = "Kinesis is not reached: Connection refused".into();
    let unreachable = Event::Paused { shard: None, why, pause: Duration::from_secs(30) };
    let narrow =
        Setting { feed: feed(Some(unreachable))?, caption: "tick 1 of 3: 30 bars; tick 2 of 3 in 42 s", ..empty };
    insta::assert_snapshot!("narrow_and_paused", shown(&narrow, &mut View::default(), 40, 8)?);
    let current = Setting { feed: feed(None)?, ..narrow };
    insta::assert_snapshot!("narrow_without_bars", shown(&current, &mut View::default(), 60, 9)?);
    Ok(())
}

#[test]
fn colours_are_shown_only_where_they_are_wanted() -> Outcome {
    for (colors, expected) in [(true, vec![Color::Green, Color::Red, Color::Reset]), (false, vec![Color::Reset])] {
        let buffer = buffer(&Setting { colors, ..setting()? }, &mut View::default(), 80, 10)?;
        let mut found: Vec<_> = Vec::new();
        for cell in buffer.content() {
            if !found.contains(&cell.fg) {
                found.push(cell.fg);
            }
        }
        found.sort_by_key(ToString::to_string);
        assert_eq!(found, expected);
    }
    Ok(())
}

#[test]
fn control_characters_are_not_shown() -> Outcome {
    let mut setting = setting()?;
    setting.board.add(&Bar { company_name: "a\u{1b}[31mb".into(), ..bar("EVIL", "10:00", 0)? }, now()?);
    let text = shown(&Setting { caption: "c\u{7}d", ..setting }, &mut View::default(), 160, 12)?;
    assert!(text.contains("a\u{fffd}[31mb") && text.contains("c\u{fffd}d"), "{text}");
    Ok(())
}
