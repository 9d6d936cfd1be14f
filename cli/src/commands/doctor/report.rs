//! The outcomes of all checks: as lines for people, and as JSON for scripts.

use std::fmt::Write;

use serde_json::{Value, json};

use super::outcome::{NotOk, Outcome};

pub struct Report {
    /// Where the stack is looked for.
    pub place: String,
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
        let mut text = format!("finstream on {}\n", self.place);
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

    pub fn json(&self) -> Value {
        let check = |(name, outcome): &(&str, Outcome)| match outcome {
            Ok(detail) => json!({"check": name, "status": "ok", "detail": detail}),
            Err(NotOk::Wrong { problem, fix }) => {
                json!({"check": name, "status": "wrong", "detail": problem, "fix": fix})
            }
            Err(NotOk::Skipped(reason)) => json!({"check": name, "status": "skipped", "detail": reason}),
        };
        let (ok, wrong, skipped) = self.counts();
        let checks: Vec<_> = self.checks.iter().map(check).collect();
        json!({"place": self.place, "ok": ok, "wrong": wrong, "skipped": skipped, "checks": checks})
    }
}

#[cfg(test)]
mod tests {
    use super::{super::outcome::wrong, *};

    fn report() -> Report {
        let checks = vec![
            ("region", Ok("eu-west-1".to_owned())),
            ("crawler", Err(wrong("its last crawl failed:\n  no access", "read its log"))),
            ("alarm", Err(NotOk::Skipped("your user or role may not cloudwatch:DescribeAlarms".to_owned()))),
        ];
        Report { place: "AWS, region eu-west-1, stack finstream".to_owned(), checks }
    }

    #[test]
    fn each_check_is_a_line() {
        insta::assert_snapshot!(report().text());
    }

    #[test]
    fn scripts_get_the_same() {
        insta::assert_snapshot!(format!("{:#}", report().json()));
    }
}
