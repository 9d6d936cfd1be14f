//! The project's documents, as a reader of Markdown sees them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file.
#[derive(Debug)]
pub struct Document {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
}

/// Every document: those at the root, in `docs/`, of the functions, and of the tests.
///
/// # Errors
/// A folder or file that cannot be read.
pub fn documents(root: &Path) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    let folders = ["", "docs", "functions/collect", "functions/start-crawler", "functions/run-query"];
    for folder in folders.into_iter().chain(["functions/export-csv", "tests/trino"]) {
        for entry in fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "md") {
                documents.push(Document { text: fs::read_to_string(&path)?, path });
            }
        }
    }
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(documents)
}

impl Document {
    /// One document, by its path below the root.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(root: &Path, path: &str) -> Result<Self> {
        let path = root.join(path);
        Ok(Self { text: fs::read_to_string(&path).with_context(|| path.display().to_string())?, path })
    }

    /// The part below a heading of the second level, without the heading.
    ///
    /// # Errors
    /// There is no such heading.
    pub fn section(&self, heading: &str) -> Result<&str> {
        let start = format!("\n## {heading}\n");
        let (_, section) = self.text.split_once(&start).with_context(|| format!("{self}: no section {heading}"))?;
        Ok(section.split("\n## ").next().unwrap_or(section))
    }

    /// The rows of the tables of a section, without their heads.
    ///
    /// # Errors
    /// There is no such section.
    pub fn table(&self, heading: &str) -> Result<Vec<Vec<String>>> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut cell = None;
        for event in parser(self.section(heading)?) {
            match event {
                Event::Start(Tag::TableRow) => rows.push(Vec::new()),
                Event::Start(Tag::TableCell) => cell = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(cell) = &mut cell {
                        cell.push_str(&text);
                    }
                }
                Event::End(TagEnd::TableCell) => {
                    if let (Some(row), Some(cell)) = (rows.last_mut(), cell.take()) {
                        row.push(cell);
                    }
                }
                _ => {}
            }
        }
        Ok(rows)
    }

    /// The targets of its links and pictures.
    pub fn links(&self) -> Vec<String> {
        let targets = parser(&self.text).filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        });
        targets.collect()
    }

    /// The anchors of its headings, as GitHub makes them: of a repeated one the second ends with `-1`.
    pub fn anchors(&self) -> Vec<String> {
        let mut headings: Vec<String> = Vec::new();
        let mut heading = None;
        for event in parser(&self.text) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => headings.extend(heading.take().map(|heading| anchor(&heading))),
                _ => {}
            }
        }
        let repeated = |index: usize| headings[..index].iter().filter(|before| **before == headings[index]).count();
        let numbered = headings.iter().enumerate().map(|(index, anchor)| match repeated(index) {
            0 => anchor.clone(),
            count => format!("{anchor}-{count}"),
        });
        numbered.collect()
    }

    /// The lines of its blocks of shell commands.
    pub fn commands(&self) -> Vec<String> {
        let mut is_shell = false;
        let mut lines = Vec::new();
        for event in parser(&self.text) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    is_shell = matches!(&*language, "" | "sh")
                }
                Event::End(TagEnd::CodeBlock) => is_shell = false,
                Event::Text(code) if is_shell => lines.extend(code.lines().map(str::to_owned)),
                _ => {}
            }
        }
        lines
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES)
}

/// GitHub's anchor of a heading: in lower case, without punctuation, with hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
