//! Times of the place where the program runs.

use std::time::{SystemTime, UNIX_EPOCH};

use tz::{DateTime, TimeZone};

/// `2020-09-13 12:26:40 +0000`
pub(crate) fn stamp(seconds: i64) -> String {
    match local(seconds) {
        None => String::new(),
        Some(t) => {
            let offset = t.local_time_type().ut_offset() / 60;
            let sign = if offset < 0 { '-' } else { '+' };
            let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
            format!("{} {sign}{hours:02}{minutes:02}", date_and_time(&t, '-'))
        }
    }
}

/// `2020-09-13 12:26:40+0000`
pub(crate) fn joined(seconds: i64) -> String {
    let text = stamp(seconds);
    text.rsplit_once(' ').map_or_else(|| text.clone(), |(time, zone)| format!("{time}{zone}"))
}

/// `2020-09-13 12:26:40`
pub(crate) fn plain(seconds: i64) -> String {
    local(seconds).map(|t| date_and_time(&t, '-')).unwrap_or_default()
}

/// `2020-09-13 12:26:40` in UTC.
pub(crate) fn utc(seconds: i64) -> String {
    match DateTime::from_timespec(seconds, 0, TimeZone::utc().as_ref()) {
        Ok(t) => date_and_time(&t, '-'),
        Err(_) => String::new(),
    }
}

/// `2020.09.13 12:26:40`, now.
pub(crate) fn log_stamp() -> String {
    let (seconds, _) = now();
    local(seconds).map(|t| date_and_time(&t, '.')).unwrap_or_default()
}

/// Seconds since 1970, and the milliseconds of the present one.
pub(crate) fn now() -> (i64, u32) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (i64::try_from(since.as_secs()).unwrap_or(i64::MAX), since.subsec_millis())
}

/// `2020-09-13 12:26:40.123+0000` in UTC, now.
pub(crate) fn event_stamp() -> String {
    let (seconds, millis) = now();
    format!("{}.{millis:03}+0000", utc(seconds))
}

fn date_and_time(t: &DateTime, dash: char) -> String {
    format!(
        "{:04}{dash}{:02}{dash}{:02} {:02}:{:02}:{:02}",
        t.year(),
        t.month(),
        t.month_day(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

fn local(seconds: i64) -> Option<DateTime> {
    let zone = match std::env::var("TZ") {
        Ok(name) if !name.is_empty() => TimeZone::from_posix_tz(&name),
        _ => TimeZone::local(),
    };
    let zone = zone.unwrap_or_else(|_| TimeZone::utc());
    DateTime::from_timespec(seconds, 0, zone.as_ref()).ok()
}
