//! Signs of life: after so long without any packet a ping goes out; after so many in vain the peer is dead.

use std::time::{Duration, Instant};

use crate::{Header, Kind, Status};

/// The program's number.
pub const PROGRAM: u32 = 0x6b65_6570;
/// "Are you there?"
pub const PING: i32 = 1;
/// "I am."
pub const PONG: i32 = 2;

/// The header of a keepalive packet, which has no body.
pub fn header(procedure: i32) -> Header {
    Header { program: PROGRAM, version: 1, procedure, kind: Kind::MESSAGE, serial: 0, status: Status::OK }
}

/// What to do when time has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing before this moment.
    Wait(Instant),
    /// Send a ping.
    Ping,
    /// The peer is dead.
    Dead,
}

/// Watches one peer.
#[derive(Clone, Debug)]
pub struct Keepalive {
    interval: Duration,
    count: u32,
    unanswered: u32,
    heard: Instant,
    sent: Option<Instant>,
}

impl Keepalive {
    /// Pings after `interval` of silence, and gives up when `count` pings remain unanswered.
    pub fn new(interval: Duration, count: u32, now: Instant) -> Self {
        Keepalive { interval, count, unanswered: 0, heard: now, sent: None }
    }

    /// Something came from the peer.
    pub fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.sent = None;
        self.unanswered = 0;
    }

    /// What to do at `now`.
    pub fn tick(&mut self, now: Instant) -> Action {
        let due = self.sent.unwrap_or(self.heard) + self.interval;
        if now < due {
            return Action::Wait(due);
        }
        if self.unanswered >= self.count {
            return Action::Dead;
        }
        self.unanswered += 1;
        self.sent = Some(now);
        Action::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_asked_about_and_then_ended() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut peer = Keepalive::new(Duration::from_secs(5), 2, start);
        assert_eq!(peer.tick(at(3)), Action::Wait(at(5)));
        assert_eq!(peer.tick(at(5)), Action::Ping);
        assert_eq!(peer.tick(at(6)), Action::Wait(at(10)));
        assert_eq!(peer.tick(at(10)), Action::Ping);
        peer.heard(at(11));
        assert_eq!(peer.tick(at(16)), Action::Ping);
        assert_eq!(peer.tick(at(21)), Action::Ping);
        assert_eq!(peer.tick(at(26)), Action::Dead);
    }
}
