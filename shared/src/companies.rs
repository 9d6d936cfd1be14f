//! A list of companies: the symbols that a run collects, and the names they go by. Lists are files in the data bucket
//! ([`crate::ListName`]), in TOML or in CSV; the built-in one is `companies.toml` beside this crate's manifest.

mod csv_file;
mod toml_file;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use crate::{ListFormat, Symbol, SymbolList, format::thousands, symbol_list::EmptySymbolList};

/// The file as it was when the program was built.
const FILE: &str = include_str!("../companies.toml");

/// A list, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companies {
    symbols: SymbolList,
    names: BTreeMap<Symbol, String>,
    successors: BTreeMap<Symbol, Symbol>,
    /// The former symbols of each that has some.
    former: BTreeMap<Symbol, Vec<Symbol>>,
}

/// How many problems of a list are described; the rest is counted.
const DESCRIBED: usize = 20;

/// Everything that is wrong with the file of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InvalidCompanies(Vec<Problem>);

/// Something that is wrong with the file of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    /// From 1 on; 0 where it is about the whole file.
    line: usize,
    what: String,
}

/// An entry of the file, with the line of each symbol.
#[derive(Debug)]
struct Company {
    symbol: (usize, Symbol),
    name: String,
    former: Vec<(usize, Symbol)>,
}

impl Companies {
    /// The list that the program was built with: that of the name `companies` where the data bucket has none.
    ///
    /// # Errors
    /// What is wrong with it, and in which lines.
    pub fn built_in() -> Result<Self, InvalidCompanies> {
        Self::parse(FILE, ListFormat::Toml)
    }

    /// The text of the built-in list.
    pub fn built_in_text() -> &'static str {
        FILE
    }

    /// Reads the file of a list as it is stored.
    ///
    /// # Errors
    /// As [`Companies::parse`], and when it is not text in UTF-8.
    pub fn read(file: &[u8], format: ListFormat) -> Result<Self, InvalidCompanies> {
        let text = str::from_utf8(file).map_err(|error| {
            let before = file.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            InvalidCompanies(vec![Problem { line, what: "it is not text in UTF-8: save the file as UTF-8".to_owned() }])
        })?;
        Self::parse(text, format)
    }

    /// Reads the text of a list.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line.
    pub fn parse(text: &str, format: ListFormat) -> Result<Self, InvalidCompanies> {
        let (mut symbols, mut names, mut successors) = (vec![], BTreeMap::new(), BTreeMap::new());
        let (companies, mut problems) = match format {
            ListFormat::Toml => toml_file::read(text),
            ListFormat::Csv => csv_file::read(text),
        };
        let mut known = BTreeSet::new();
        for Company { symbol, name, former } in companies {
            for (line, twice) in former.iter().chain([&symbol]).filter(|(_, symbol)| !known.insert(symbol.clone())) {
                let what = format!("{twice} is named twice: keep one entry for a symbol, whether current or former");
                problems.push(Problem { line: *line, what });
            }
            let (_, symbol) = symbol;
            successors.extend(former.into_iter().map(|(_, former)| (former, symbol.clone())));
            symbols.push(symbol.clone());
            names.insert(symbol, name);
        }
        let mut former: BTreeMap<Symbol, Vec<Symbol>> = BTreeMap::new();
        for (symbol, successor) in &successors {
            former.entry(successor.clone()).or_default().push(symbol.clone());
        }
        if !problems.is_empty() {
            problems.sort();
            return Err(InvalidCompanies(problems));
        }
        let symbols = symbols.try_into().map_err(|EmptySymbolList| {
            let what = "the list has no company: add one at least".to_owned();
            InvalidCompanies(vec![Problem { line: 0, what }])
        })?;
        Ok(Self { symbols, names, successors, former })
    }

    /// The symbols to collect, in the order of the file.
    pub fn symbols(&self) -> &SymbolList {
        &self.symbols
    }

    /// The symbol under which a company trades that used to trade under `symbol`.
    pub fn successor(&self, symbol: &Symbol) -> Option<&Symbol> {
        self.successors.get(symbol)
    }

    /// The symbols under which the company used to trade that trades under `symbol`.
    pub fn former(&self, symbol: &Symbol) -> &[Symbol] {
        self.former.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// The name of the company that trades under `symbol`. A former symbol has none: it can belong to somebody else by now.
    pub fn name(&self, symbol: &Symbol) -> Option<&str> {
        self.names.get(symbol).map(String::as_str)
    }
}

impl fmt::Display for InvalidCompanies {
    /// A line for each problem, such as `line 7: "a/b" is not a symbol`; of many the first, and how many there are besides.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { line, what }) in self.0.iter().take(DESCRIBED).enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{separator}{what}")?,
                line => write!(f, "{separator}line {line}: {what}")?,
            }
        }
        match self.0.len().saturating_sub(DESCRIBED) {
            0 => Ok(()),
            more => write!(f, "\nand {} more", thousands(more)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str, format: ListFormat) -> String {
        Companies::parse(text, format).map_or_else(|error| error.to_string(), |list| format!("{list:?}"))
    }

    #[test]
    fn a_list_is_the_same_in_toml_and_in_csv() -> Result<(), Box<dyn std::error::Error>> {
        let toml = "\
[[company]]
symbol = \"META\"
name = \"Meta Platforms, Inc.\"
former = [\"FB\", \"FBK\"]

[[company]]
symbol = \"BRK.B\"
name = \"Berkshire \\\"B\\\"\"
";
        let toml = Companies::parse(toml, ListFormat::Toml)?;
        assert_eq!(toml.former(&"META".parse()?), ["FB".parse()?, "FBK".parse()?]);
        assert!(toml.former(&"BRK.B".parse()?).is_empty());
        for csv in [
            "symbol,name,former\nMETA,\"Meta Platforms, Inc.\",FB FBK\nBRK.B,\"Berkshire \"\"B\"\"\",\n",
            // As spreadsheets write it, in any order of the columns.
            "\u{feff}former,name,symbol\r\nFB  FBK,\"Meta Platforms, Inc.\",META\r\n\r\n,\"Berkshire \"\"B\"\"\",BRK.B",
        ] {
            assert_eq!(Companies::parse(csv, ListFormat::Csv)?, toml, "{csv}");
        }
        let without = Companies::parse("symbol,name\nSNAP,Snap\n", ListFormat::Csv)?;
        assert_eq!(without.name(&"SNAP".parse()?), Some("Snap"));
        Ok(())
    }

    #[test]
    fn a_text_of_several_lines_may_look_like_an_entry() -> Result<(), Box<dyn std::error::Error>> {
        for quotes in ["\"\"\"", "'''"] {
            let entry = "\n[[company]]\nsymbol = \"A\"\n";
            let toml = format!("[[company]]\nsymbol = \"META\"\nname = {quotes}{entry}{quotes}\n");
            let list = Companies::parse(&toml, ListFormat::Toml)?;
            assert_eq!((list.symbols().len(), list.name(&"META".parse()?)), (1, entry.strip_prefix('\n')), "{toml}");
        }
        Ok(())
    }

    #[test]
    fn a_list_may_be_laid_out_otherwise() -> Result<(), Box<dyn std::error::Error>> {
        let usual = "[[company]]\nsymbol = \"A\"\nname = \"Agilent\"\n[[company]]\nsymbol = \"B\"\nname = \"Barnes\"\n";
        let list = Companies::parse(usual, ListFormat::Toml)?;
        for text in [
            usual.replace('\n', "\r\n"),
            format!("\u{feff}{usual}"),
            format!("# Two.\n\n{usual}"),
            usual.replace("[[", "  [["),
            "company = [{ symbol = \"A\", name = \"Agilent\" }, { symbol = \"B\", name = \"Barnes\" }]".to_owned(),
        ] {
            assert_eq!(Companies::parse(&text, ListFormat::Toml)?, list, "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_list_may_have_twenty_thousand_companies() -> Result<(), Box<dyn std::error::Error>> {
        let many = || 0..20_000;
        let toml: String = many()
            .map(|n| format!("[[company]]\nsymbol = \"S{n}\"\nname = \"Company {n}\"\nformer = [\"F{n}\"]\n"))
            .collect();
        let csv: String = many().map(|n| format!("S{n},Company {n},F{n}\n")).collect();
        let list = Companies::parse(&toml, ListFormat::Toml)?;
        assert_eq!(list.symbols().len(), 20_000);
        assert_eq!(list.former(&"S19999".parse()?), ["F19999".parse()?]);
        assert_eq!(Companies::parse(&format!("symbol,name,former\n{csv}"), ListFormat::Csv)?, list);
        Ok(())
    }

    #[test]
    fn a_bad_csv_is_rejected_with_every_bad_line() {
        let bad = "\
symbol,name,former
A,Agilent,

a/b,x,
B,,
C,Citigroup
D,Dominion,\"E F\"
E,Eni,e/e
A,Agilent again,
\"G\nH\",two lines,
I,Ingersoll,J,K
";
        let many: String = (0..20_000).map(|n| format!("S/{n},x\n")).collect();
        let errors = [
            bad,
            "",
            "symbol;name\nA;Agilent\n",
            "symbol,name,sector\nA,Agilent,Health\n",
            "symbol,symbol,name\n",
            "name\nAgilent\n",
            "symbol,name\n",
            &format!("symbol,name\n{many}"),
        ];
        insta::assert_snapshot!(errors.map(|text| problems(text, ListFormat::Csv)).join("\n--\n"));
    }

    #[test]
    fn the_built_in_list_names_the_ten_of_the_original() -> Result<(), Box<dyn std::error::Error>> {
        let companies = Companies::built_in()?;
        let names: Vec<_> = companies.symbols().iter().filter_map(|symbol| companies.name(symbol)).collect();
        assert_eq!(names.len(), 10);
        assert_eq!(companies.name(&"XYZ".parse()?), Some("Block"));
        assert_eq!(companies.name(&"SQ".parse()?), None);
        assert_eq!(companies.successor(&"FB".parse()?).map(Symbol::as_str), Some("META"));
        assert_eq!(companies.successor(&"META".parse()?), None);
        Ok(())
    }

    #[test]
    fn a_bad_list_is_rejected_with_every_bad_line() {
        let bad = "\
# Two of five are right.
[[company]]
symbol = \"A\"
name = \"Agilent\"

[[company]]
symbol = \"a/b\"
name = \"x\"

[[company]]
symbol = \"B\"

[[company]]
symbol = \"C\"
name = \"Citigroup\"
ticker = 1

[[company]]
symbol = \"D\"
name = \" \"

[[company]]
symbol = \"E\"
name = \"Eni\"
former = [\"A\", \"E\"]
";
        let not_toml = "[[company]]\nsymbol = \"A\"\nname = Agilent\n";
        let both = format!("{not_toml}\n[[company]]\nsymbol = \"b/c\"\nname = \"B\"\n");
        let none = "company = []";
        let twice = "company = [{ symbol = \"A\", name = \"A\" }]\n[[company]]\nsymbol = \"B\"\nname = \"B\"\n";
        let tables = "[[company]]\nsymbol = \"A\"\nname = \"A\"\n[[company.tags]]\n[[company.tags]]\n";
        let misspelt = "[[companies]]\n[[companies]]\n";
        let errors = [bad, not_toml, &both, none, twice, tables, misspelt].map(|text| problems(text, ListFormat::Toml));
        insta::assert_snapshot!(errors.join("\n--\n"));
        let latin = Companies::read(b"[[company]]\nsymbol = \"SNAP\"\nname = \"Caf\xe9\"\n", ListFormat::Toml)
            .err()
            .map(|error| error.to_string());
        assert_eq!(latin.as_deref(), Some("line 3: it is not text in UTF-8: save the file as UTF-8"));
    }
}
