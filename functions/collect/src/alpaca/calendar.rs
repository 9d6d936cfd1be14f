//! The exchange's hours, by Alpaca's calendar: bars say nothing of sessions.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use shared::{Session, TradeDate};
use tokio::sync::Mutex;

use super::{
    client::{Alpaca, Host},
    wire::CalendarDay,
};
use crate::{
    circuit_breaker::CircuitBreaker,
    failure::{Failure, FailureScope},
};

/// What this process knows of the calendar.
#[derive(Debug, Default)]
pub struct Calendar {
    /// The dates that were requested. It is locked while one is, so that batches at the same time share one request.
    known: Mutex<BTreeMap<TradeDate, CalendarDate>>,
}

/// What the calendar says of a date.
#[derive(Debug, Clone)]
pub struct CalendarDate {
    /// Its session; none where nothing trades.
    pub session: Option<Session>,
    /// Whether the reply said that the market is simulated.
    pub simulated: bool,
}

impl Alpaca {
    /// What the calendar says of a date. It is requested once.
    ///
    /// # Errors
    /// The request failed: the hours are never guessed.
    pub(super) async fn calendar_date(
        &self,
        breaker: &CircuitBreaker,
        date: TradeDate,
    ) -> Result<CalendarDate, Failure> {
        let mut known = self.calendar.known.lock().await;
        if let Some(date) = known.get(&date) {
            return Ok(date.clone());
        }
        let (sessions, simulated) = self.sessions(breaker, date.date()..=date.date()).await?;
        let found = CalendarDate { session: sessions.into_iter().next(), simulated };
        known.insert(date, found.clone());
        Ok(found)
    }

    /// The sessions of dates, oldest first, and whether the reply said that the market is simulated.
    ///
    /// # Errors
    /// The request failed, for every symbol.
    pub(super) async fn sessions(
        &self,
        breaker: &CircuitBreaker,
        dates: RangeInclusive<Date>,
    ) -> Result<(Vec<Session>, bool), Failure> {
        // Whether the end is inclusive is told both ways: a day more, which is left out again.
        let last = dates.end().checked_add(1.day()).unwrap_or(*dates.end());
        let mut url = self.url(Host::Trading, "/v2/calendar");
        url.query_pairs_mut().append_pair("start", &dates.start().to_string()).append_pair("end", &last.to_string());
        let of_all = |failure: Failure| match failure.scope {
            FailureScope::Key => failure,
            _ => failure.about(FailureScope::Source),
        };
        let reply = self.get(breaker, Host::Trading, url).await.map_err(|refusal| of_all(refusal.into_failure()))?;
        let days: Vec<CalendarDay> = reply.json("a calendar").map_err(of_all)?;
        let days = days.into_iter().filter(|day| dates.contains(&day.date));
        let sessions: Option<Vec<_>> = days.map(|day| session(&day, &self.settings.zone)).collect();
        // Only a day that is not listed is a holiday.
        let unusable = || Failure::malformed("the calendar has a day that does not open before it closes");
        let mut sessions = sessions.ok_or_else(|| Failure { simulated: reply.simulated, ..of_all(unusable()) })?;
        sessions.sort_by_key(|session| session.open);
        Ok((sessions, reply.simulated))
    }
}

fn session(day: &CalendarDay, zone: &TimeZone) -> Option<Session> {
    let at = |time| day.date.to_datetime(time).to_zoned(zone.clone()).ok().map(|at| at.timestamp());
    let (open, close): (Timestamp, Timestamp) = (at(day.open)?, at(day.close)?);
    let trade_date = day.date.into();
    (open < close).then(|| Session { trade_date, open, close, pauses: vec![], zone: zone.clone() })
}
