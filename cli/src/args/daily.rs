//! The options of `daily`.

use clap::{ArgGroup, Args, value_parser};
use jiff::civil::Time;
use shared::ListName;
use url::Url;

use super::{OutArgs, ParseError, YAHOO_URL, market_url};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("action").args(["install", "uninstall", "status"])))]
pub struct DailyArgs {
    /// A list of companies in the data bucket of the local cloud
    #[arg(long, value_name = "NAME", default_value_t)]
    pub list: ListName,
    /// How many sessions to look back, 1 to 20; those that are there already are not run again
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = value_parser!(u8).range(1..=20))]
    pub sessions: u8,
    #[command(flatten)]
    pub out: OutArgs,
    /// The market to query; all waits last as long as on AWS where it is Yahoo
    #[arg(long, value_name = "URL", default_value = YAHOO_URL, value_parser = market_url)]
    pub market_url: Url,
    /// A shell command to run when something failed; FINSTREAM_MESSAGE says what, FINSTREAM_DAYS on which trade dates
    #[arg(long, value_name = "COMMAND")]
    pub on_failure: Option<String>,
    /// Run it from now on after each close, with these options, by a timer of systemd or an agent of launchd
    #[arg(long, help_heading = "Schedule")]
    pub install: bool,
    /// The time of day in New York at which it is run; before the close it is for the session of the day before [default: 17:30]
    #[arg(long, value_name = "HH:MM", help_heading = "Schedule", requires = "install", value_parser = time_of_day)]
    pub at: Option<Time>,
    /// Undo --install; what was collected stays
    #[arg(long, help_heading = "Schedule", conflicts_with_all = NOT_OF_THE_SCHEDULE)]
    pub uninstall: bool,
    /// Show the last run, whether it is installed, and the next run
    #[arg(long, help_heading = "Schedule", conflicts_with_all = NOT_OF_THE_SCHEDULE)]
    pub status: bool,
    /// Run only if none has begun since this time of day in New York was last due: for launchd, which has no time zones
    #[arg(long, value_name = "HH:MM", hide = true, value_parser = time_of_day)]
    pub when_due: Option<Time>,
}

const NOT_OF_THE_SCHEDULE: [&str; 5] = ["list", "sessions", "folder", "market_url", "on_failure"];

fn time_of_day(text: &str) -> Result<Time, ParseError> {
    let is_time = text.len() == "HH:MM".len();
    let time = is_time.then(|| Time::strptime("%H:%M", text).ok()).flatten();
    time.ok_or_else(|| format!("{text:?} is not a time of day: use HH:MM, such as 17:30").into())
}
