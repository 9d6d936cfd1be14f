//! The board on a terminal: what the lines above and below the rows say, and where they are.

use jiff::Timestamp;
use ratatui::{
    Frame,
    layout::{Constraint, Layout},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
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
    let shown = all.get(visible.clone()).unwrap_or_default();
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let (names, lines) = columns::lines(&all, usize::from(body.width), scene.colors, scene.now);
    frame.render_widget(Line::from(scene.title(&all)).style(bold), title);
    frame.render_widget(Line::from(printable(scene.caption).into_owned()), caption);
    frame.render_widget(names.style(Style::new().add_modifier(Modifier::UNDERLINED)), header);
    let lines: Vec<_> = lines.into_iter().skip(visible.start).take(shown.len()).collect();
    let lines = if lines.is_empty() { vec![Line::from(scene.why_empty(view))] } else { lines };
    frame.render_widget(Paragraph::new(lines), body);
    frame.render_widget(Line::from(scene.totals()), totals);
    frame.render_widget(scene.state(), state);
    frame.render_widget(scene.help(view, visible, all.len()), help);
}

impl Scene<'_> {
    fn title(&self, rows: &[Row<'_>]) -> String {
        let simulated = self.simulated.then(|| "simulated prices".to_owned());
        let date = same(rows.iter().map(|row| row.trade_date)).map(|date| date.to_string());
        let interval = same(rows.iter().map(|row| row.interval)).map(|interval| format!("bars of {interval}"));
        let currency = same(rows.iter().map(|row| row.currency)).flatten().map(printable).map(Into::into);
        let place = Some(format!("finstream live on {}", printable(self.place)));
        [simulated, date, interval, currency, place].into_iter().flatten().collect::<Vec<_>>().join(" · ")
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

    fn totals(&self) -> String {
        let newest = self.feed.newest().map(|at| format!("newest record {} ago", short(self.now.duration_since(at))));
        let unreadable =
            (self.unreadable > 0).then(|| format!("{} that are no bars", pluralize(self.unreadable, "line")));
        let parts = [Some(self.board.totals().describe()), newest, unreadable];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn state(&self) -> Line<'static> {
        let color = match self.feed.health() {
            Health::Current => Color::Green,
            Health::Connecting | Health::CatchingUp => Color::Yellow,
            Health::Paused => Color::Red,
        };
        let style = if self.colors { Style::new().fg(color) } else { Style::new() };
        let text = printable(&self.feed.describe(self.now)).replace('\n', " ");
        Line::from(vec![Span::styled("● ", style), Span::raw(text)])
    }

    fn help(&self, view: &View, visible: std::ops::Range<usize>, rows: usize) -> Line<'static> {
        if view.typing {
            return Line::from(format!("filter: {}_  Enter keeps it, Esc clears it", view.filter));
        }
        let reverse = if view.reverse { ", reversed" } else { "" };
        let filter = if view.filter.is_empty() { String::new() } else { format!(": {}, Esc clears", view.filter) };
        let scroll = if visible.len() < rows {
            format!("  ↑↓ rows {} to {} of {rows}", visible.start + 1, visible.end)
        } else {
            String::new()
        };
        Line::from(format!("q quit  s sort: {}{reverse}  r reverse  / filter{filter}{scroll}", view.sort.label()))
    }
}

#[cfg(test)]
mod tests;
