//! `<clock>` and its timers.

use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_xml::{Element, Value, Writer, Xml, YesNo, keywords};

use super::parse::{internal, keyword_attr, unsupported};
use super::stable::{Or, Stable, switch, told};

/// `<clock>`.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = all_timers)]
pub struct Clock {
    #[xml(flatten)]
    pub offset: ClockOffset,
    #[xml(child = "timer")]
    pub timers: Vec<Timer>,
}

/// Timers count wherever they stand.
fn all_timers(clock: &mut Clock, e: Element<'_>) -> Result<()> {
    clock.timers = e.twins().flat_map(|e| e.children("timer")).map(Timer::read).collect::<Result<_>>()?;
    Ok(())
}

/// What the guest's clock follows; chosen by `@offset`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClockOffset {
    /// UTC, forgetting what the guest set when `reset`.
    Utc { reset: bool },
    /// The host's local time.
    Localtime { reset: bool },
    /// A number of seconds beside the basis, kept over restarts.
    Variable { adjustment: i64, basis: ClockBasis },
    /// A time zone's.
    Timezone(String),
    /// A fixed start, in seconds since 1970.
    Absolute(u64),
}

keywords! {
    /// What an adjustment is beside of.
    pub enum ClockBasis { Utc = "utc", Localtime = "localtime" }
}

impl Default for ClockOffset {
    fn default() -> Self {
        ClockOffset::Utc { reset: false }
    }
}

impl Xml for ClockOffset {
    fn read(e: Element<'_>) -> Result<Self> {
        let adjustment = || -> Result<Option<i64>> {
            match e.attr("adjustment") {
                None | Some("reset") => Ok(None),
                Some(text) => i64::parse(text, 10).map(Some).ok_or_else(|| {
                    Error::new(
                        ErrorDomain::DOMAIN,
                        ErrorCode::XML_ERROR,
                        format!("unknown clock adjustment '{text}'"),
                    )
                }),
            }
        };
        let reset = e.attr("adjustment") == Some("reset");
        let simple = |basis| -> Result<ClockOffset> {
            Ok(match (adjustment()?, basis) {
                (Some(adjustment), basis) => ClockOffset::Variable { adjustment, basis },
                (None, ClockBasis::Utc) => ClockOffset::Utc { reset },
                (None, ClockBasis::Localtime) => ClockOffset::Localtime { reset },
            })
        };
        match e.attr("offset").filter(|o| !o.is_empty()).unwrap_or("utc") {
            "utc" => simple(ClockBasis::Utc),
            "localtime" => simple(ClockBasis::Localtime),
            "variable" => Ok(ClockOffset::Variable {
                // one that is no number is none
                adjustment: e.attr("adjustment").and_then(|text| i64::parse(text, 10)).unwrap_or(0),
                basis: keyword_attr(e, "basis")?.unwrap_or(ClockBasis::Utc),
            }),
            "timezone" => match e.attr("timezone") {
                Some(zone) => Ok(ClockOffset::Timezone(zone.to_owned())),
                None => Err(internal("missing 'timezone' attribute for clock with offset='timezone'")),
            },
            "absolute" => match keyword_attr(e, "start")? {
                Some(start) => Ok(ClockOffset::Absolute(start)),
                None => Err(internal("missing 'start' attribute for clock with offset='absolute'")),
            },
            other => Err(unsupported(format!("unknown clock offset '{other}'"))),
        }
    }
    fn write_attrs(&self, w: &mut Writer) {
        match self {
            ClockOffset::Utc { reset } | ClockOffset::Localtime { reset } => {
                w.attr("offset", if matches!(self, ClockOffset::Utc { .. }) { "utc" } else { "localtime" });
                if *reset {
                    w.attr("adjustment", "reset");
                }
            }
            ClockOffset::Variable { adjustment, basis } => {
                w.attr("offset", "variable");
                w.attr_value("adjustment", adjustment);
                w.attr_value("basis", basis);
            }
            ClockOffset::Timezone(zone) => {
                w.attr("offset", "timezone");
                w.attr("timezone", zone);
            }
            ClockOffset::Absolute(start) => {
                w.attr("offset", "absolute");
                w.attr_value("start", start);
            }
        }
    }
    fn write_body(&self, _: &mut Writer) {}
}

keywords! {
    /// A timer of the guest.
    pub enum TimerName {
        Platform = "platform", Pit = "pit", Rtc = "rtc", Hpet = "hpet", Tsc = "tsc", KvmClock = "kvmclock",
        HypervClock = "hypervclock", ArmVTimer = "armvtimer",
    }
}
keywords! {
    /// What happens to ticks the guest missed.
    pub enum TickPolicy { Delay = "delay", Catchup = "catchup", Merge = "merge", Discard = "discard" }
}
keywords! {
    /// What the timer follows.
    pub enum TimerTrack { Boot = "boot", Guest = "guest", Wall = "wall", Realtime = "realtime" }
}
keywords! {
    /// How the TSC is given to the guest.
    pub enum TimerMode {
        Auto = "auto", Native = "native", Emulate = "emulate", Paravirt = "paravirt", Smpsafe = "smpsafe",
    }
}

/// One timer.
#[derive(Clone, Debug, PartialEq, Xml)]
pub struct Timer {
    #[xml(attr)]
    pub name: TimerName,
    #[xml(attr)]
    pub present: Option<YesNo>,
    #[xml(attr)]
    pub tickpolicy: Option<TickPolicy>,
    #[xml(attr)]
    pub track: Option<TimerTrack>,
    /// In hertz.
    #[xml(attr)]
    pub frequency: Option<u64>,
    #[xml(attr)]
    pub mode: Option<TimerMode>,
    pub catchup: Option<Catchup>,
}

/// How missed ticks are caught up with.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Catchup {
    #[xml(attr)]
    pub threshold: Option<u64>,
    #[xml(attr)]
    pub slew: Option<u64>,
    #[xml(attr)]
    pub limit: Option<u64>,
}

impl Stable for Clock {
    fn check_stable(&self, to: &Self) -> Result<()> {
        if self.timers.len() != to.timers.len() {
            return Err(unsupported("Target domain timers do not match source"));
        }
        self.timers.iter().zip(&to.timers).try_for_each(|(from, to)| from.check_stable(to))
    }
}

impl Stable for Timer {
    fn check_stable(&self, to: &Self) -> Result<()> {
        told!(self, to, |t| t.name, "Target timer {to} does not match source {from}");
        told!(self, to, |t| switch(t.present), "Target timer presence '{to}' does not match source '{from}'");
        if self.name == TimerName::Tsc {
            told!(
                self,
                to,
                |t| t.frequency.unwrap_or(0),
                "Target TSC frequency {to} does not match source {from}"
            );
            told!(self, to, |t| Or(t.mode, "none"), "Target TSC mode {to} does not match source {from}");
        }
        Ok(())
    }
}
