//! The schedules, and when they start next.

use croner::parser::{CronParser, Year};
use jiff::{Zoned, tz::TimeZone};

use super::{
    deployment::Deployment,
    outcome::{Outcome, failed, unless_any},
};

/// Whether a schedule is as the parameters of the stack say, and its next start.
pub async fn schedule(deployment: &Deployment, suffix: &str, expression: &str) -> Outcome {
    let name = format!("{}-{suffix}", deployment.stack);
    let call = deployment.clients.scheduler.get_schedule().name(&name).send().await;
    let found = call.map_err(|error| failed("scheduler:GetSchedule", &format!("the schedule {name}"), &error))?;
    let state = found.state().map(|state| state.as_str()).unwrap_or("ENABLED");
    let when = found.schedule_expression().unwrap_or_default();
    let zone = found.schedule_expression_timezone().unwrap_or("UTC");
    let mut problems = Vec::new();
    for (what, found, parameter) in
        [("state", state, "ScheduleState"), ("expression", when, expression), ("time zone", zone, "ScheduleTimezone")]
    {
        let expected = deployment.parameter(parameter)?;
        if found != expected {
            problems.push(format!("its {what} is {found} and {parameter} is {expected}"));
        }
    }
    let fix = format!("set {name} back in EventBridge Scheduler, or deploy with other parameters");
    let detail = match state {
        "ENABLED" => format!("ENABLED, {when} in {zone}{}", next_start(when, zone, &Zoned::now())),
        _ => format!("{state}, as the parameter ScheduleState says; it starts nothing ({when} in {zone})"),
    };
    unless_any(problems, fix, detail)
}

/// The next start after `now`, where it can be computed: not for `rate` and `at`.
fn next_start(expression: &str, zone: &str, now: &Zoned) -> String {
    let next = cron_fields(expression).and_then(|fields| {
        // croner counts the days of the week as AWS does (1 is Sunday) on request. It has a field of seconds before
        // AWS's six, and reads its `0/5` only where that is chosen.
        let parser = CronParser::builder().year(Year::Required).alternative_weekdays(true).sloppy_ranges(true).build();
        let cron = parser.parse(&format!("0 {fields}")).ok()?;
        let now = now.with_time_zone(TimeZone::get(zone).ok()?);
        cron.find_next_occurrence(&now, false).ok()
    });
    next.map(|next| next.strftime("; next start on %A, %Y-%m-%d at %H:%M %Z").to_string()).unwrap_or_default()
}

/// The fields of `cron(…)`.
fn cron_fields(expression: &str) -> Option<&str> {
    expression.strip_prefix("cron(")?.strip_suffix(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_start_is_on_the_clock_of_the_schedules_zone() -> Result<(), jiff::Error> {
        // A Friday, after the close and before the start.
        let now: Zoned = "2026-11-20T22:00:00+00:00[UTC]".parse()?;
        for (expression, zone, expected) in [
            ("cron(30 17 ? * MON-FRI *)", "America/New_York", "; next start on Friday, 2026-11-20 at 17:30 EST"),
            ("cron(0 7 ? * TUE-SAT *)", "America/New_York", "; next start on Saturday, 2026-11-21 at 07:00 EST"),
            // The days of the week are numbered from Sunday: 2 is Monday.
            ("cron(30 17 ? * 2-6 *)", "America/New_York", "; next start on Friday, 2026-11-20 at 17:30 EST"),
            ("cron(30 17 ? * 2 *)", "America/New_York", "; next start on Monday, 2026-11-23 at 17:30 EST"),
            ("cron(0/15 8 1 * ? *)", "Asia/Tokyo", "; next start on Tuesday, 2026-12-01 at 08:00 JST"),
            ("cron(0 12 L * ? 2027)", "UTC", "; next start on Sunday, 2027-01-31 at 12:00 UTC"),
            ("cron(0 12 ? * 6#1 *)", "UTC", "; next start on Friday, 2026-12-04 at 12:00 UTC"),
            ("cron(0 12 1 1 ? 2020)", "UTC", ""),
            ("rate(1 day)", "UTC", ""),
            ("at(2026-11-21T10:00:00)", "UTC", ""),
            ("cron(30 17 ? * MON-FRI *)", "Nowhere/City", ""),
            ("cron(nonsense)", "UTC", ""),
        ] {
            assert_eq!(next_start(expression, zone, &now), expected, "{expression}");
        }
        Ok(())
    }

    #[test]
    fn a_start_follows_the_change_to_summer_time() -> Result<(), jiff::Error> {
        let now: Zoned = "2026-03-06T23:00:00+00:00[UTC]".parse()?;
        let next = next_start("cron(30 17 ? * MON-FRI *)", "America/New_York", &now);
        assert_eq!(next, "; next start on Monday, 2026-03-09 at 17:30 EDT");
        Ok(())
    }
}
