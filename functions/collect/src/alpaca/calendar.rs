//! The exchange's hours, by Alpaca's calendar: bars say nothing of sessions.

use std::{collections::BTreeMap, ops::RangeInclusive};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use shared::{Session, TradeDate};
use tokio::sync::Mutex;

use super::{client::Alpaca, refusal::Refusal, wire::CalendarDay};
use crate::{circuit_breaker::CircuitBreaker, failure::Failure};

/// What this process knows of the calendar.
#[derive(Debug, Default)]
pub struct Calendar {
    /// The session of each date that was requested; none where nothing trades. It is locked while a date is requested, so that
    /// batches at the same time share one request.
    known: Mutex<BTreeMap<TradeDate, Option<Session>>>,
}

impl Alpaca {
    /// The session of a date; none where nothing trades. It is requested once.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn session(&self, breaker: &CircuitBreaker, date: TradeDate) -> Result<Option<Session>, Failure> {
        let mut known = self.calendar.known.lock().await;
        if let Some(session) = known.get(&date) {
            return Ok(session.clone());
        }
        let sessions = self.sessions(breaker, date.date()..=date.date()).await?.0;
        let session = sessions.into_iter().next();
        known.insert(date, session.clone());
        Ok(session)
    }

    /// The sessions of dates, oldest first, and whether the reply said that the market is simulated.
    ///
    /// # Errors
    /// The request failed.
    pub(super) async fn sessions(
        &self,
        breaker: &CircuitBreaker,
        dates: RangeInclusive<Date>,
    ) -> Result<(Vec<Session>, bool), Failure> {
        // Whether the end is inclusive is told both ways: a day more, which is left out again.
        let last = dates.end().checked_add(1.day()).unwrap_or(*dates.end());
        let mut url = self.trading_url("/v2/calendar");
        url.query_pairs_mut().append_pair("start", &dates.start().to_string()).append_pair("end", &last.to_string());
        let reply = self.get(breaker, url).await.map_err(Refusal::into_failure)?;
        let days: Vec<CalendarDay> = reply.json("a calendar")?;
        let zone = &self.settings.zone;
        let days = days.into_iter().filter(|day| dates.contains(&day.date));
        let mut sessions: Vec<_> = days.filter_map(|day| session(&day, zone)).collect();
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
