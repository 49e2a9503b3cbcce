//! `-rtc` and the timers that are options of their own.

use virtus_conf::domain::clock::{ClockBasis, ClockOffset, TickPolicy, TimerName, TimerTrack};

use super::build::Build;
use super::guest::Guest;

/// The guest's clock.
pub(super) fn add(b: &mut Build<'_>) {
    let guest = b.guest;
    let clock = &guest.domain.clock;
    let mut text = format!("base={}", base(&guest));
    for timer in clock.timers.iter().filter(|timer| timer.name == TimerName::Rtc) {
        match timer.track {
            Some(TimerTrack::Boot) | None => {}
            Some(TimerTrack::Guest) => text.push_str(",clock=vm"),
            Some(TimerTrack::Wall) => text.push_str(",clock=host"),
            Some(TimerTrack::Realtime) => text.push_str(",clock=rt"),
        }
        if timer.tickpolicy == Some(TickPolicy::Catchup) {
            text.push_str(",driftfix=slew");
        }
    }
    b.line.option("rtc", text);
    for timer in clock.timers.iter().filter(|timer| timer.name == TimerName::Pit) {
        match timer.tickpolicy {
            Some(TickPolicy::Delay) if guest.has("kvm-pit-lost-tick-policy") => {
                b.line.option("global", "kvm-pit.lost_tick_policy=delay");
            }
            Some(TickPolicy::Discard) if guest.has("kvm-pit-lost-tick-policy") => {
                b.line.option("global", "kvm-pit.lost_tick_policy=discard");
            }
            _ => {}
        }
    }
}

fn base(guest: &Guest<'_>) -> String {
    match &guest.domain.clock.offset {
        ClockOffset::Utc { .. } => "utc".to_owned(),
        ClockOffset::Localtime { .. } | ClockOffset::Timezone(_) => "localtime".to_owned(),
        ClockOffset::Variable { adjustment, basis } => {
            let zone = if *basis == ClockBasis::Localtime { guest.context.utc_offset } else { 0 };
            date(guest.context.now.saturating_add(zone).saturating_add(*adjustment))
        }
        ClockOffset::Absolute(start) => date(i64::try_from(*start).unwrap_or(i64::MAX)),
    }
}

/// The time zone of a guest whose clock shows another than the host's.
pub(super) fn environment(guest: &Guest<'_>) -> Option<(String, String)> {
    match &guest.domain.clock.offset {
        ClockOffset::Timezone(zone) => Some(("TZ".to_owned(), zone.clone())),
        _ => None,
    }
}

/// Seconds since 1970 as `2026-11-24T11:00:00`.
fn date(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// The date of a day since 1970, counted in eras of 400 years which begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates_are_civil() {
        assert_eq!(date(0), "1970-01-01T00:00:00");
        assert_eq!(date(951_782_400), "2000-02-29T00:00:00");
        assert_eq!(date(253_402_300_799), "9999-12-31T23:59:59");
        assert_eq!(date(-1), "1969-12-31T23:59:59");
    }
}
