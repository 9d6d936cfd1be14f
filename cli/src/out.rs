//! `--out`: the folder in which a day's CSV and report are saved, the same for every command that has the option.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use shared::TradeDate;

use crate::args::BadRequest;

/// What stands for the trade date.
const DATE: &str = "{date}";

/// How many bytes the folder must have room for: more than the CSV and the report of 500 symbols.
const ROOM: usize = 2 << 20;

/// The files that are saved there.
const FILES: [&str; 2] = ["hourly_extremes.csv", "report.html"];

/// The folder of a day's files; `{date}` in its path stands for the trade date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutFolder(PathBuf);

impl Default for OutFolder {
    fn default() -> Self {
        Self(Path::new("results").join(DATE))
    }
}

impl From<PathBuf> for OutFolder {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl OutFolder {
    /// For a command of several days, which cannot share one folder: each has its own, below it unless the path has `{date}`.
    pub fn for_days(self) -> Self {
        if self.has_date() { self } else { Self(self.0.join(DATE)) }
    }

    /// The folder of a day.
    pub fn of(&self, date: TradeDate) -> PathBuf {
        let date = date.to_string();
        let component = |part: &std::ffi::OsStr| match part.to_str() {
            Some(text) => PathBuf::from(text.replace(DATE, &date)),
            None => PathBuf::from(part),
        };
        self.0.iter().map(component).collect()
    }

    /// Checks that the files can be saved, before anything is started: on `date`, where it is known, otherwise below the part of
    /// the path that holds for every day. Nothing is left there.
    ///
    /// # Errors
    /// When a file is in the folder's place or a folder in a file's, when nothing can be written there, or the disk is full.
    pub fn check(&self, date: Option<TradeDate>) -> Result<(), BadRequest> {
        let (folder, files) = match date {
            Some(date) => (self.of(date), &FILES[..]),
            None if self.has_date() => (self.above_date(), &[][..]),
            None => (self.0.clone(), &FILES[..]),
        };
        if let Some(taken) = files.iter().map(|name| folder.join(name)).find(|path| path.is_dir()) {
            return Err(refused(&taken, "is a folder, and a file of that name has to be saved there"));
        }
        check_folder(&folder)
    }

    /// Where a file of the days from `first` to `last` is saved: that of one day in the day's folder, that of several above
    /// the folders of the days, with both dates in its name.
    #[cfg(feature = "export")]
    pub fn file(&self, (first, last): (TradeDate, TradeDate), name: &str, extension: &str) -> PathBuf {
        if first == last {
            self.of(first).join(format!("{name}.{extension}"))
        } else {
            self.above_date().join(format!("{name}_{first}_{last}.{extension}"))
        }
    }

    /// The same folder, independent of the current one.
    ///
    /// # Errors
    /// When the current folder is not known.
    pub fn absolute(&self) -> std::io::Result<Self> {
        std::path::absolute(&self.0).map(Self)
    }

    /// The page that lists the days, above the folders of the days.
    pub fn index(&self) -> PathBuf {
        self.above_date().join("index.html")
    }

    fn has_date(&self) -> bool {
        self.0.iter().any(has_date)
    }

    /// The folder above the first part with `{date}`.
    fn above_date(&self) -> PathBuf {
        self.0.iter().take_while(|part| !has_date(part)).collect()
    }
}

impl std::fmt::Display for OutFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.display().fmt(f)
    }
}

/// Checks that a file can be saved at `path`, before anything is started. Nothing is left there.
///
/// # Errors
/// As [`OutFolder::check`].
#[cfg(feature = "export")]
pub fn check_file(path: &Path) -> Result<(), BadRequest> {
    if path.is_dir() {
        return Err(refused(path, "is a folder, and a file of that name has to be saved there"));
    }
    check_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Checks that files can be saved in a folder, which would be created.
fn check_folder(folder: &Path) -> Result<(), BadRequest> {
    let existing = nearest_existing(folder)?;
    if !existing.is_dir() {
        return Err(refused(&existing, "is a file, and a folder is needed there"));
    }
    write_and_discard(&existing).map_err(|error| refused(&existing, &format!("cannot be written: {error}")))
}

fn has_date(part: &std::ffi::OsStr) -> bool {
    part.to_str().is_some_and(|text| text.contains(DATE))
}

fn refused(path: &Path, problem: &str) -> BadRequest {
    BadRequest(format!("{} {problem}: choose another folder with --out", path.display()))
}

/// The folder itself, or the nearest one above it that exists; it would be created there.
fn nearest_existing(folder: &Path) -> Result<PathBuf, BadRequest> {
    for path in folder.ancestors() {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        match fs::metadata(path) {
            Ok(_) => return Ok(path.to_owned()),
            // Below a file: the file itself is the next one above.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(refused(path, &format!("cannot be used: {error}"))),
        }
    }
    Ok(PathBuf::from("."))
}

/// Writes as much as a day's files may need to a file that has no name.
fn write_and_discard(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; ROOM])?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn the_date_stands_where_the_path_says() -> Outcome {
        for (path, of_one, of_many) in [
            ("results/{date}", "results/2026-11-20", "results/2026-11-20"),
            ("/data/my results", "/data/my results", "/data/my results/2026-11-20"),
            ("/data/{date}/us-{date}", "/data/2026-11-20/us-2026-11-20", "/data/2026-11-20/us-2026-11-20"),
            (".", ".", "./2026-11-20"),
        ] {
            let (out, date) = (OutFolder(path.into()), "2026-11-20".parse()?);
            assert_eq!(out.of(date), Path::new(of_one), "{path}");
            assert_eq!(out.for_days().of(date), Path::new(of_many), "{path}");
        }
        Ok(())
    }

    #[cfg(feature = "export")]
    #[test]
    fn a_file_of_several_days_lies_above_their_folders() -> Outcome {
        let (first, last) = ("2026-11-19".parse()?, "2026-11-20".parse()?);
        for (path, of_one, of_many) in [
            ("results/{date}", "results/2026-11-19/bars.csv", "results/bars_2026-11-19_2026-11-20.csv"),
            ("/my data", "/my data/bars.csv", "/my data/bars_2026-11-19_2026-11-20.csv"),
            ("{date}", "2026-11-19/bars.csv", "bars_2026-11-19_2026-11-20.csv"),
        ] {
            let out = OutFolder(path.into());
            assert_eq!(out.file((first, first), "bars", "csv"), Path::new(of_one), "{path}");
            assert_eq!(out.file((first, last), "bars", "csv"), Path::new(of_many), "{path}");
        }
        Ok(())
    }

    #[test]
    fn what_cannot_hold_the_files_is_refused_and_nothing_is_left() -> Outcome {
        let root = tempfile::tempdir()?;
        fs::write(root.path().join("file"), "")?;
        fs::create_dir_all(root.path().join("taken/2026-11-20/report.html"))?;
        let date = "2026-11-20".parse()?;
        for (path, date, says) in [
            ("new", None, ""),
            ("new/{date}/more", None, ""),
            ("new/a b/c", Some(date), ""),
            ("", None, ""),
            ("file", None, "file is a file, and a folder is needed there: choose another folder with --out"),
            ("file/below/{date}", None, "file is a file"),
            ("taken/{date}", None, ""), // the date is not known yet
            ("taken/{date}", Some(date), "taken/2026-11-20/report.html is a folder, and a file of that name"),
            ("taken/2026-11-20", None, "report.html is a folder"),
        ] {
            let out = OutFolder(root.path().join(path));
            let refused = out.check(date).err().map(|BadRequest(message)| message).unwrap_or_default();
            assert_eq!(refused.is_empty(), says.is_empty(), "{path}: {refused}");
            assert!(refused.contains(says), "{path}: {refused}");
        }
        let left: Vec<_> =
            fs::read_dir(root.path())?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
        assert_eq!(left.len(), 2, "{left:?}");
        Ok(())
    }
}
