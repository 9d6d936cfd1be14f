//! The outcomes of all checks: as lines for people, and as JSON for scripts.

use std::fmt::Write;

use serde::Serialize;

use super::outcome::{NotOk, Outcome};
use crate::output::json::Place;

pub struct Report {
    /// Where the stack is looked for.
    pub place: Place,
    pub checks: Vec<(&'static str, Outcome)>,
}

impl Report {
    pub fn count_wrong(&self) -> usize {
        self.checks.iter().filter(|(_, outcome)| matches!(outcome, Err(NotOk::Wrong { .. }))).count()
    }

    fn counts(&self) -> (usize, usize, usize) {
        let ok = self.checks.iter().filter(|(_, outcome)| outcome.is_ok()).count();
        let wrong = self.count_wrong();
        (ok, wrong, self.checks.len() - ok - wrong)
    }

    /// A line for each check, and a last one with their counts.
    pub fn text(&self) -> String {
        let width = self.checks.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let mut text = format!("finstream on {}\n", self.place.place);
        for (name, outcome) in &self.checks {
            let (mark, detail) = match outcome {
                Ok(detail) => ("ok", detail.clone()),
                Err(NotOk::Wrong { problem, fix }) => ("wrong", format!("{problem} → {fix}")),
                Err(NotOk::Skipped(reason)) => ("-", format!("not checked: {reason}")),
            };
            // A service's message may have several lines; a check has one.
            let detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{mark:<5}  {name:<width$}  {detail}");
        }
        let (ok, wrong, skipped) = self.counts();
        text + &format!("{ok} ok, {wrong} wrong, {skipped} not checked")
    }

    pub fn json(&self) -> DoctorJson<'_> {
        let (ok, wrong, skipped) = self.counts();
        let checks = self.checks.iter().map(|(name, outcome)| CheckJson::of(name, outcome)).collect();
        DoctorJson { place: self.place.clone(), ok, wrong, skipped, checks }
    }
}

/// The JSON form of `doctor`.
#[derive(Debug, Serialize)]
pub struct DoctorJson<'a> {
    #[serde(flatten)]
    pub place: Place,
    /// The number of checks by status; the exit code is 1 where any is wrong.
    pub ok: usize,
    pub wrong: usize,
    pub skipped: usize,
    pub checks: Vec<CheckJson<'a>>,
}

#[derive(Debug, Serialize)]
pub struct CheckJson<'a> {
    /// Its name, the same in every run.
    pub check: &'static str,
    /// `ok`, `wrong`, or `skipped` where it could not be checked.
    pub status: &'static str,
    /// What was found, what is wrong, or why it could not be checked.
    pub detail: &'a str,
    /// What to do about it, where it is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'a str>,
}

impl<'a> CheckJson<'a> {
    fn of(check: &'static str, outcome: &'a Outcome) -> Self {
        let (status, detail, fix) = match outcome {
            Ok(detail) => ("ok", detail, None),
            Err(NotOk::Wrong { problem, fix }) => ("wrong", problem, Some(fix.as_str())),
            Err(NotOk::Skipped(reason)) => ("skipped", reason, None),
        };
        Self { check, status, detail, fix }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::outcome::wrong, *};
    use crate::{args::On, output::json::tests::documented};

    fn report() -> Report {
        let checks = vec![
            ("region", Ok("eu-west-1".to_owned())),
            ("crawler", Err(wrong("its last crawl failed:\n  no access", "read its log"))),
            ("alarm", Err(NotOk::Skipped("your user or role may not cloudwatch:DescribeAlarms".to_owned()))),
        ];
        let place = "AWS, region eu-west-1, stack finstream".to_owned();
        Report { place: Place { on: On::Aws, place }, checks }
    }

    #[test]
    fn each_check_is_a_line() {
        insta::assert_snapshot!(report().text());
    }

    #[test]
    fn scripts_get_the_same() -> serde_json::Result<()> {
        insta::assert_snapshot!(documented(&report().json())?);
        Ok(())
    }
}
