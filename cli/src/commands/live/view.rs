//! What of the board is shown, as the keys have chosen it: the order, a filter, and the part that fits the terminal.

use std::cmp::Ordering;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::board::{Board, Row};

/// The order of the rows: names from A on, numbers from the largest on. Equal ones are in the order of the symbols.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Symbol,
    Change,
    Last,
    Volume,
    Age,
}

impl Sort {
    fn next(self) -> Self {
        match self {
            Self::Symbol => Self::Change,
            Self::Change => Self::Last,
            Self::Last => Self::Volume,
            Self::Volume => Self::Age,
            Self::Age => Self::Symbol,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::Change => "change",
            Self::Last => "last",
            Self::Volume => "volume",
            Self::Age => "age",
        }
    }

    fn compare(self, a: &Row<'_>, b: &Row<'_>) -> Ordering {
        match self {
            Self::Symbol => Ordering::Equal,
            Self::Change => b.change().total_cmp(&a.change()),
            Self::Last => b.last.get().total_cmp(&a.last.get()),
            Self::Volume => b.volume.cmp(&a.volume),
            Self::Age => a.closed.cmp(&b.closed),
        }
    }
}

/// What a key requests beside another view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    Quit,
    Interrupt,
}

#[derive(Debug, Default)]
pub struct View {
    pub sort: Sort,
    pub reverse: bool,
    /// A part of a symbol or of a company's name; all rows where it is empty.
    pub filter: String,
    /// Whether keys are typed into the filter.
    pub typing: bool,
    /// How many rows are above the first that is shown.
    top: usize,
    /// How many rows the terminal showed when it was drawn last.
    page: usize,
}

impl View {
    /// Does what a key stands for.
    pub fn press(&mut self, key: KeyEvent) -> Option<Request> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return (key.code == KeyCode::Char('c')).then_some(Request::Interrupt);
        }
        if self.typing {
            self.type_key(key.code);
            return None;
        }
        match key.code {
            KeyCode::Char('q') => return Some(Request::Quit),
            KeyCode::Esc if self.filter.is_empty() => return Some(Request::Quit),
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('s') => (self.sort, self.reverse, self.top) = (self.sort.next(), false, 0),
            KeyCode::Char('r') => (self.reverse, self.top) = (!self.reverse, 0),
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Down | KeyCode::Char('j') => self.top += 1,
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.top += self.page,
            KeyCode::PageUp => self.top = self.top.saturating_sub(self.page),
            KeyCode::Home => self.top = 0,
            KeyCode::End => self.top = usize::MAX,
            _ => {}
        }
        None
    }

    fn type_key(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => (self.typing, self.filter) = (false, String::new()),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(c) if !c.is_control() => self.filter.push(c),
            _ => {}
        }
        self.top = 0;
    }

    /// The rows that the filter leaves, in order.
    pub fn rows<'a>(&self, board: &'a Board) -> Vec<Row<'a>> {
        let mut rows: Vec<_> = board.rows().filter(|row| self.shows(row)).collect();
        rows.sort_by(|a, b| self.sort.compare(a, b));
        if self.reverse {
            rows.reverse();
        }
        rows
    }

    fn shows(&self, row: &Row<'_>) -> bool {
        let filter = self.filter.to_lowercase();
        [row.symbol.as_str(), row.company_name].iter().any(|text| text.to_lowercase().contains(&filter))
    }

    /// Which of `rows` rows a terminal with room for `page` shows. At the end it shows a whole page, too.
    pub fn visible(&mut self, rows: usize, page: usize) -> std::ops::Range<usize> {
        self.page = page;
        self.top = self.top.min(rows.saturating_sub(page));
        self.top..rows.min(self.top + page)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::board::tests::{Outcome, bar},
        *,
    };

    fn board() -> Outcome<Board> {
        let mut board = Board::default();
        for (symbol, time) in [("META", "09:35"), ("SHOP", "09:45"), ("BYND", "09:30"), ("METC", "09:40")] {
            let bar = bar(symbol, time, 0)?;
            board.add(&bar, bar.collected_at);
        }
        Ok(board)
    }

    fn symbols(view: &View, board: &Board) -> String {
        view.rows(board).iter().map(|row| row.symbol.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Presses the keys of a text; `^` is Control for the next, `!` Escape, and `\n` Enter.
    fn press(view: &mut View, keys: &str) -> Option<Request> {
        let (mut request, mut modifiers) = (None, KeyModifiers::NONE);
        for key in keys.chars() {
            let code = match key {
                '^' => {
                    modifiers = KeyModifiers::CONTROL;
                    continue;
                }
                '!' => KeyCode::Esc,
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                c => KeyCode::Char(c),
            };
            request = view.press(KeyEvent::new(code, modifiers));
            modifiers = KeyModifiers::NONE;
        }
        request
    }

    #[test]
    fn keys_choose_order_and_filter() -> Outcome {
        let board = board()?;
        for (keys, expected, filter) in [
            ("", "BYND META METC SHOP", ""),
            ("r", "SHOP METC META BYND", ""),
            ("ss", "SHOP METC META BYND", ""),
            ("ssss", "BYND META METC SHOP", ""),
            ("ssssr", "SHOP METC META BYND", ""),
            ("sssss", "BYND META METC SHOP", ""),
            ("/met", "META METC", "met"),
            ("/mets\u{8}\n", "META METC", "met"),
            ("/q\n", "", "q"),
            ("/shop inc\n", "SHOP", "shop inc"),
            ("/met!", "BYND META METC SHOP", ""),
            ("/met\n!", "BYND META METC SHOP", ""),
        ] {
            let mut view = View::default();
            assert_eq!(press(&mut view, keys), None, "{keys:?}");
            assert_eq!((symbols(&view, &board).as_str(), view.filter.as_str()), (expected, filter), "{keys:?}");
        }
        Ok(())
    }

    #[test]
    fn the_oldest_is_first_by_age() -> Outcome {
        let board = board()?;
        let view = View { sort: Sort::Age, ..View::default() };
        let now = "2026-11-20T14:55:00Z".parse()?;
        let ages: Vec<_> = view.rows(&board).iter().map(|row| row.age(now).as_mins()).collect();
        assert_eq!(ages, [20, 15, 10, 5]);
        Ok(())
    }

    #[test]
    fn keys_end_the_board() {
        for (keys, request) in [
            ("q", Some(Request::Quit)),
            ("!", Some(Request::Quit)),
            ("^c", Some(Request::Interrupt)),
            ("/^c", Some(Request::Interrupt)),
            ("/q", None),
            ("^q", None),
            ("x", None),
        ] {
            assert_eq!(press(&mut View::default(), keys), request, "{keys:?}");
        }
        let released = KeyEvent::new_with_kind(KeyCode::Char('q'), KeyModifiers::NONE, KeyEventKind::Release);
        assert_eq!(View::default().press(released), None);
    }

    #[test]
    fn the_part_that_is_shown_stays_within_the_rows() {
        use KeyCode::{Down, End, Home, PageDown, PageUp, Up};
        let mut view = View::default();
        assert_eq!(view.visible(10, 4), 0..4);
        for (code, shown) in [
            (Up, 0..4),
            (Down, 1..5),
            (PageDown, 5..9),
            (PageDown, 6..10),
            (Down, 6..10),
            (PageUp, 2..6),
            (End, 6..10),
            (Home, 0..4),
        ] {
            view.press(KeyEvent::new(code, KeyModifiers::NONE));
            assert_eq!(view.visible(10, 4), shown, "{code:?}");
        }
        assert_eq!(view.visible(3, 4), 0..3);
        assert_eq!(view.visible(0, 0), 0..0);
    }
}
