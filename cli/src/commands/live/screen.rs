//! The board on a terminal: what the lines above and below the rows say, and where they are.

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

use super::{
    board::{Board, Row},
    columns::{self, same},
    feed::{Feed, Health},
    short_duration::short,
    view::View,
};
use crate::output::{console::printable, format::pluralize};

/// What is shown.
pub struct Scene<'a> {
    pub board: &'a Board,
    pub feed: &'a Feed,
    /// How the place is named, such as `the local cloud at http://127.0.0.1:4566`.
    pub place: &'a str,
    /// Whether the prices are simulated.
    pub simulated: bool,
    /// A line of whoever shows the board; none where it is empty.
    pub caption: &'a str,
    /// Lines of records that are no bars.
    pub unreadable: usize,
    pub colors: bool,
    pub now: Timestamp,
}

/// Draws the board as the view has it.
pub fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, view: &mut View) {
    let caption = u16::from(!scene.caption.is_empty());
    // Where it is low, the title and the caption go first, then the help; a row stays to the last.
    let rows = Layout::vertical([
        Constraint::Max(1),
        Constraint::Max(caption),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Max(1),
        Constraint::Max(1),
        Constraint::Max(1),
    ]);
    let [title, caption, header, body, totals, state, help] = rows.areas(frame.area());
    let all = view.rows(scene.board);
    let visible = view.visible(all.len(), usize::from(body.height));
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let width = usize::from(frame.area().width);
    frame.render_widget(Line::from(scene.title(&all, width)).style(bold), title);
    frame.render_widget(Line::from(cut(&printable(scene.caption), width)), caption);
    if all.is_empty() {
        // It is the only text in a sentence, so that it may take several lines.
        frame.render_widget(Paragraph::new(scene.why_empty(view)).wrap(Wrap { trim: true }), body);
    } else {
        let (names, lines) = columns::lines(&all, width, scene.colors, scene.now);
        frame.render_widget(names.style(Style::new().add_modifier(Modifier::UNDERLINED)), header);
        let lines: Vec<_> = lines.into_iter().skip(visible.start).take(visible.len()).collect();
        frame.render_widget(Paragraph::new(lines), body);
    }
    frame.render_widget(Line::from(scene.totals(width)), totals);
    frame.render_widget(scene.state(width), state);
    frame.render_widget(Line::from(scene.help(view, visible, all.len(), width)), help);
}

/// A text that is no wider than `width` columns: with an ellipsis at its end where it was.
fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

/// The parts that fit into `width` columns, whole, from the first on. The first is there in any case, cut where it is too wide.
fn fit(parts: impl IntoIterator<Item = String>, separator: &str, width: usize) -> String {
    let mut parts = parts.into_iter();
    let mut line = cut(&parts.next().unwrap_or_default(), width);
    for part in parts {
        if measure_text_width(&line) + measure_text_width(separator) + measure_text_width(&part) > width {
            break;
        }
        line = line + separator + &part;
    }
    line
}

impl Scene<'_> {
    fn title(&self, rows: &[Row<'_>], width: usize) -> String {
        let simulated = self.simulated.then(|| "simulated prices".to_owned());
        let date = same(rows.iter().map(|row| row.trade_date)).map(|date| date.to_string());
        let interval = same(rows.iter().map(|row| row.interval)).map(|interval| format!("bars of {interval}"));
        let currency = same(rows.iter().map(|row| row.currency)).flatten().map(printable).map(Into::into);
        let place = Some(format!("finstream live on {}", printable(self.place)));
        fit([simulated, date, interval, currency, place].into_iter().flatten(), " · ", width)
    }

    fn why_empty(&self, view: &View) -> String {
        if self.board.totals().bars > 0 {
            format!("no symbol or company has {:?} in its name", view.filter)
        } else if matches!(self.feed.health(), Health::Current) {
            "no bars yet: the next come a minute after a bar closes in the session; --from open shows the day so far"
                .to_owned()
        } else {
            "no bars yet".to_owned()
        }
    }

    fn totals(&self, width: usize) -> String {
        let newest = self.feed.newest().map(|at| format!("newest record {} ago", short(self.now.duration_since(at))));
        let unreadable =
            (self.unreadable > 0).then(|| format!("{} that are no bars", pluralize(self.unreadable, "line")));
        let [bars, copies] = self.board.totals().parts();
        fit([Some(bars), unreadable, Some(copies), newest].into_iter().flatten(), "; ", width)
    }

    fn state(&self, width: usize) -> Line<'static> {
        let color = match self.feed.health() {
            Health::Current => Color::Green,
            Health::Connecting | Health::CatchingUp => Color::Yellow,
            Health::Paused => Color::Red,
        };
        let style = if self.colors { Style::new().fg(color) } else { Style::new() };
        let text = printable(&self.feed.describe(self.now)).replace('\n', " ");
        Line::from(vec![Span::styled("● ", style), Span::raw(cut(&text, width.saturating_sub(2)))])
    }

    /// The keys. What they have chosen comes before them, so that it is there on a narrow terminal, too.
    fn help(&self, view: &View, visible: std::ops::Range<usize>, rows: usize, width: usize) -> String {
        if view.typing {
            let filter = format!("filter: {}_", view.filter);
            return fit([filter, "Enter keeps it, Esc clears it".to_owned()], "  ", width);
        }
        let scroll = format!("↑↓ rows {} to {} of {rows}", visible.start + 1, visible.end);
        let filter = format!("/ filter: {}, Esc clears", view.filter);
        let reverse = if view.reverse { ", reversed" } else { "" };
        let sort = format!("s sort: {}{reverse}", view.sort.label());
        let parts = [
            (visible.len() < rows).then_some(scroll),
            (!view.filter.is_empty()).then_some(filter),
            Some("q quit".to_owned()),
            Some(sort),
            Some("r reverse".to_owned()),
            view.filter.is_empty().then(|| "/ filter".to_owned()),
        ];
        fit(parts.into_iter().flatten(), "  ", width)
    }
}

#[cfg(test)]
mod tests;
