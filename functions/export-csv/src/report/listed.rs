//! A list of which the page shows the first entries, however many there are.

/// The most entries that are shown.
pub const MAX_LISTED: usize = 100;

/// The first [`MAX_LISTED`] entries, and the number of the others.
#[derive(Debug)]
pub struct Listed<T> {
    pub shown: Vec<T>,
    pub more: usize,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { shown: vec![], more: 0 }
    }
}

impl<T> Listed<T> {
    pub fn push(&mut self, entry: T) {
        if self.shown.len() < MAX_LISTED { self.shown.push(entry) } else { self.more += 1 }
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

impl<T> FromIterator<T> for Listed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        let mut listed = Self::default();
        entries.into_iter().for_each(|entry| listed.push(entry));
        listed
    }
}
