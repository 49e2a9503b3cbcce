//! A domain's screen and keyboard.

use async_trait::async_trait;
use virtus_api::{Call, DomainConsole, DomainRef, Piece, StreamPair, StreamReader};
use virtus_base::{ErrorCode, Result, TypedParam};
use virtus_xdr::List;

use crate::error::generic;
use crate::{Driver, bad_argument, flags, internal};

mod keys;

/// What is on every domain's screen.
const SCREEN: &[u8] = include_bytes!("screen.png");
/// How many kinds of signals there are (`VIR_DOMAIN_PROCESS_SIGNAL_LAST`).
const SIGNALS: u32 = 65;
/// How much of the picture goes in one piece.
const PIECE: usize = 64 * 1024;

/// The picture on its way.
struct Screen(&'static [u8]);

#[async_trait]
impl StreamReader for Screen {
    async fn read(&mut self) -> Result<Piece> {
        let (now, rest) = self.0.split_at(self.0.len().min(PIECE));
        self.0 = rest;
        Ok(if now.is_empty() { Piece::End } else { Piece::Data(now.to_vec()) })
    }
}

#[async_trait]
impl DomainConsole for Driver {
    async fn domain_screenshot(
        &self,
        call: &Call,
        _: DomainRef,
        _: u32,
        given: u32,
    ) -> Result<Option<String>> {
        flags(given, 0, "testDomainScreenshot")?;
        call.open_stream(StreamPair { reader: Some(Box::new(Screen(SCREEN))), writer: None });
        Ok(Some("image/png".to_owned()))
    }

    async fn domain_inject_nmi(&self, _: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "testDomainInjectNMI")?;
        self.state().domain(&dom)?.check_active()
    }

    async fn domain_send_key(
        &self,
        _: &Call,
        dom: DomainRef,
        codeset: u32,
        _: u32,
        keycodes: List<u32, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "testDomainSendKey")?;
        self.state().domain(&dom)?.check_active()?;
        let set = keys::set(codeset)
            .ok_or_else(|| generic(ErrorCode::INVALID_ARG, format!("Unsupported codeset '{codeset}'")))?;
        match keycodes.iter().find(|code| !set.has(**code)) {
            Some(code) => Err(internal(format!("invalid keycode {code} of {} codeset", set.name))),
            None => Ok(()),
        }
    }

    async fn domain_send_process_signal(
        &self,
        _: &Call,
        dom: DomainRef,
        pid_value: i64,
        signum: u32,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "testDomainSendProcessSignal")?;
        if pid_value != 1 {
            return Err(bad_argument("only sending a signal to pid 1 is supported"));
        }
        if signum >= SIGNALS {
            return Err(bad_argument(format!("signum value {signum} is out of range")));
        }
        self.state().domain(&dom).map(drop)
    }

    async fn domain_get_launch_security_info(
        &self,
        _: &Call,
        _: DomainRef,
        given: u32,
    ) -> Result<List<TypedParam, 64>> {
        flags(given, 0, "testDomainGetLaunchSecurityInfo")?;
        Ok(List::default())
    }
}
