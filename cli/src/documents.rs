//! The commands that the documents show: each is parsed as it is typed.

use std::{collections::BTreeSet, fs, io, path::Path};

use clap::{CommandFactory, Parser, error::ErrorKind};
use pulldown_cmark::{CodeBlockKind, Event, Parser as Markdown, Tag, TagEnd};

use crate::{args::Cli, output::hints::hint};

/// Placeholders of the documents, and a value that each may have.
const PLACEHOLDERS: [(&str, &str); 2] = [("D", "2026-11-20"), ("NAME", "tech")];

/// A command of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Example {
    /// What is typed behind `finstream`.
    arguments: Vec<String>,
    /// Whether it stands in a sentence, where it may be cut short: `finstream lists push`.
    is_inline: bool,
}

impl Example {
    /// The command of a line of a shell, and none if it is another program's.
    fn of(line: &str, is_inline: bool) -> Option<Self> {
        let line = line.split(['|', '>', '…']).next()?;
        let words = shlex::split(line)?;
        let words = words.into_iter().skip_while(|word| word.contains('=')).collect::<Vec<_>>();
        let arguments = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["cargo", "demo", ..] => &words[1..],
            ["cargo", "finstream", ..] => &words[2..],
            ["finstream", ..] => &words[1..],
            _ => return None,
        };
        let value = |word: &String| {
            PLACEHOLDERS
                .iter()
                .find(|(name, _)| name == word)
                .map_or_else(|| word.clone(), |(_, value)| (*value).to_owned())
        };
        Some(Self { arguments: arguments.iter().map(value).collect(), is_inline })
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<String> {
        let typed = ["finstream"].into_iter().chain(self.arguments.iter().map(String::as_str));
        let error = Cli::try_parse_from(typed).err()?;
        let is_fine = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
            ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => self.is_inline,
            _ => false,
        };
        (!is_fine).then(|| format!("finstream {}: {error}", self.arguments.join(" ")))
    }
}

/// The commands in the code of a Markdown text.
fn examples(text: &str) -> BTreeSet<Example> {
    let mut is_shell = false;
    let mut found = BTreeSet::new();
    for event in Markdown::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => is_shell = matches!(&*language, "" | "sh"),
            Event::End(TagEnd::CodeBlock) => is_shell = false,
            Event::Text(code) if is_shell => found.extend(code.lines().filter_map(|line| Example::of(line, false))),
            Event::Code(code) => found.extend(Example::of(&code, true)),
            _ => {}
        }
    }
    found
}

/// The text of every document.
fn documents() -> io::Result<Vec<String>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md"), root.join("CHANGELOG.md")];
    for entry in fs::read_dir(root.join("docs"))?.chain(fs::read_dir(root.join("functions"))?) {
        let path = entry?.path();
        files.push(if path.is_dir() { path.join("README.md") } else { path });
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.into_iter().map(fs::read_to_string).collect()
}

#[test]
fn every_command_of_the_documents_is_one() -> io::Result<()> {
    let examples: BTreeSet<_> = documents()?.iter().flat_map(|text| examples(text)).collect();
    let problems: Vec<_> = examples.iter().filter_map(Example::problem).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    // The same commands with a mistake are found to be wrong.
    let of_a_subcommand = |example: &Example| example.arguments.first().is_some_and(|word| !word.starts_with('-'));
    for example in examples.into_iter().filter(of_a_subcommand) {
        let of = |arguments: Vec<String>| Example { arguments, ..example.clone() };
        let option = of([&example.arguments[..1], &["--no-such-option".to_owned()]].concat());
        let subcommand = of([&[format!("{}x", example.arguments[0])], &example.arguments[1..]].concat());
        for wrong in [option, subcommand] {
            assert!(wrong.problem().is_some(), "{wrong:?}");
        }
    }
    Ok(())
}

#[test]
fn a_command_is_read_as_a_shell_reads_it() {
    let text = "\
```
cargo finstream run 2026-11-20      # a day
AWS_PROFILE=prod cargo finstream gaps --from D --to D
finstream run --trade-date 2026-11-20 || [ $? -eq 3 ]
cargo test --release
```

`cargo finstream lists push` and `finstream run …`, not `finstream.d`";
    let found: Vec<_> = examples(text).into_iter().map(|example| example.arguments.join(" ")).collect();
    assert_eq!(
        found,
        [
            "gaps --from 2026-11-20 --to 2026-11-20",
            "lists push",
            "run",
            "run --trade-date 2026-11-20",
            "run 2026-11-20"
        ]
    );
}

#[test]
fn every_subcommand_is_in_the_readme() -> io::Result<()> {
    let readme = &documents()?[0];
    let (_, table) = readme.split_once("\n## Commands\n").unwrap_or_default();
    let (table, _) = table.split_once("\n## ").unwrap_or_default();
    let command = Cli::command();
    for subcommand in command.get_subcommands().filter(|subcommand| !subcommand.is_hide_set()) {
        let name = subcommand.get_name();
        assert!(table.contains(&format!("`{name}`")) || table.contains(&format!("`{name} ")), "{name}");
    }
    Ok(())
}

#[test]
fn every_error_of_the_runbook_has_a_hint() {
    let runbook = include_str!("../../docs/runbook.md");
    let (_, errors) = runbook.split_once("\n## Errors\n").unwrap_or_default();
    let names: Vec<_> = errors.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert_ne!(hint(name), hint("none of them"), "{name}");
    }
}
