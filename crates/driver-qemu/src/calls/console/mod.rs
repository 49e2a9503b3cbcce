//! Consoles, channels, screens and keys.

mod relay;
mod screenshot;

use serde_json::json;
use virtus_api::constants::*;
use virtus_api::{Call, DomainConsole, DomainRef};
use virtus_base::{ErrorCode, Result, TypedParam};
use virtus_conf::domain::device::console::ChannelTarget;
use virtus_conf::domain::device::{Chardev, ChardevSource, DeviceInfo};
use virtus_state::gate::{Job, Wanted};
use virtus_xdr::List;

use super::flags;
use crate::Driver;
use crate::domain::Live;
use crate::error::{bad_argument, error, internal, invalid};

#[async_trait::async_trait]
impl DomainConsole for Driver {
    async fn domain_open_console(
        &self,
        call: &Call,
        dom: DomainRef,
        name: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_CONSOLE_SAFE | VIR_DOMAIN_CONSOLE_FORCE, "qemuDomainOpenConsole")?;
        let domain = self.find(&dom)?;
        let view = domain.view();
        let live = view.live()?;
        let chardev = match &name {
            Some(name) => by_alias(live, name),
            None => first(live),
        };
        let chardev = chardev.ok_or_else(|| match &name {
            Some(name) => internal(format!("cannot find console device '{name}'")),
            None => internal("cannot find console device '(null)'"),
        })?;
        let force = given & VIR_DOMAIN_CONSOLE_FORCE != 0;
        relay::open(self, call, &domain, &chardev.source, force).await
    }

    async fn domain_open_channel(
        &self,
        call: &Call,
        dom: DomainRef,
        name: Option<String>,
        given: u32,
    ) -> Result<()> {
        flags(given, VIR_DOMAIN_CHANNEL_FORCE, "qemuDomainOpenChannel")?;
        let domain = self.find(&dom)?;
        let view = domain.view();
        let channels = &view.live()?.model.devices.channels;
        let named = |target: &ChannelTarget, alias: Option<&str>| match &name {
            Some(name) => {
                let of_target = matches!(target, ChannelTarget::Virtio { name: Some(n), .. } if n == name);
                of_target || alias == Some(name)
            }
            None => true,
        };
        let channel = channels.iter().find(|c| named(&c.target, c.info.alias.as_deref()));
        let missing = || internal(format!("cannot find channel {}", name.as_deref().unwrap_or("(null)")));
        let channel = channel.ok_or_else(missing)?;
        let force = given & VIR_DOMAIN_CHANNEL_FORCE != 0;
        relay::open(self, call, &domain, &channel.chardev.source, force).await
    }

    async fn domain_screenshot(
        &self,
        call: &Call,
        dom: DomainRef,
        screen: u32,
        given: u32,
    ) -> Result<Option<String>> {
        flags(given, 0, "qemuDomainScreenshot")?;
        screenshot::take(self, call, &dom, screen).await.map(Some)
    }

    async fn domain_send_key(
        &self,
        call: &Call,
        dom: DomainRef,
        codeset: u32,
        holdtime: u32,
        keycodes: List<u32, 16>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainSendKey")?;
        let domain = self.find(&dom)?;
        let codes = keycodes
            .iter()
            .map(|code| crate::keys::qemu_number(codeset, *code))
            .collect::<Result<Vec<_>>>()?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let keys: Vec<_> = codes.iter().map(|code| json!({ "type": "number", "data": code })).collect();
        let arguments = match holdtime {
            0 => json!({ "keys": keys }),
            ms => json!({ "keys": keys, "hold-time": ms }),
        };
        let monitor = job.monitor()?;
        job.run(async { Ok(monitor.execute_raw("send-key", &arguments).await?) }).await.map(|_| ())
    }

    async fn domain_inject_nmi(&self, call: &Call, dom: DomainRef, given: u32) -> Result<()> {
        flags(given, 0, "qemuDomainInjectNMI")?;
        let domain = self.find(&dom)?;
        domain.view().require_active()?;
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let monitor = job.monitor()?;
        job.run(async { Ok(monitor.execute_raw("inject-nmi", &serde_json::Value::Null).await?) })
            .await
            .map(|_| ())
    }

    async fn domain_open_graphics(&self, call: &Call, dom: DomainRef, idx: u32, given: u32) -> Result<()> {
        flags(given, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, "qemuDomainOpenGraphics")?;
        let fd = call.take_fds().into_iter().next();
        let fd = fd.ok_or_else(|| bad_argument("no descriptor came with the call"))?;
        self.add_client(call, &dom, idx, given, fd).await
    }

    async fn domain_open_graphics_fd(&self, call: &Call, dom: DomainRef, idx: u32, given: u32) -> Result<()> {
        flags(given, VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH, "qemuDomainOpenGraphicsFD")?;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()
            .map_err(|e| crate::error::system("unable to create socket pair", &e))?;
        self.add_client(call, &dom, idx, given, theirs.into()).await?;
        call.send_fd(ours.into());
        Ok(())
    }

    async fn domain_get_launch_security_info(
        &self,
        _: &Call,
        dom: DomainRef,
        given: u32,
    ) -> Result<List<TypedParam, 64>> {
        flags(given, VIR_TYPED_PARAM_STRING_OKAY, "qemuDomainGetLaunchSecurityInfo")?;
        self.look(&dom)?;
        Ok(List::default())
    }

    async fn domain_set_launch_security_state(
        &self,
        _: &Call,
        dom: DomainRef,
        _: List<TypedParam, 64>,
        given: u32,
    ) -> Result<()> {
        flags(given, 0, "qemuDomainSetLaunchSecurityState")?;
        self.look(&dom)?;
        let text = "setting a launch secret is only supported in SEV-enabled domains";
        Err(error(ErrorCode::OPERATION_UNSUPPORTED, text))
    }
}

impl Driver {
    /// Hands a connected socket to a display.
    async fn add_client(
        &self,
        call: &Call,
        dom: &DomainRef,
        idx: u32,
        given: u32,
        fd: std::os::fd::OwnedFd,
    ) -> Result<()> {
        use virtus_conf::domain::device::Graphics;
        use virtus_qmp::command::{AddClient, Getfd};
        let domain = self.find(dom)?;
        let view = domain.view();
        let graphics = &view.live()?.model.devices.graphics;
        let display = usize::try_from(idx).ok().and_then(|i| graphics.get(i));
        let protocol = match display {
            None => return Err(internal(format!("No graphics backend with index {idx}"))),
            Some(Graphics::Vnc(_)) => "vnc",
            Some(Graphics::Spice(_)) => "spice",
            Some(Graphics::Dbus(_)) => "@dbus-display",
            Some(_) => {
                return Err(error(
                    ErrorCode::ARGUMENT_UNSUPPORTED,
                    "Can only open VNC, SPICE or D-Bus p2p graphics backends",
                ));
            }
        };
        let job = self.job(call, &domain, Wanted::Job(Job::Modify)).await?;
        let monitor = job.monitor()?;
        let fdname = "graphicsfd".to_owned();
        let take = Getfd { fdname: fdname.clone() };
        let skipauth = (given & VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH != 0).then_some(true);
        let add = AddClient { protocol: protocol.to_owned(), fdname, skipauth, tls: None };
        job.run(async {
            monitor.execute_with_fds(&take, vec![fd]).await?;
            monitor.execute(&add).await?;
            Ok(())
        })
        .await
    }
}

/// The character devices somebody may look into, with their names.
fn chardevs(live: &Live) -> impl Iterator<Item = (&DeviceInfo, &Chardev)> {
    let devices = &live.model.devices;
    (devices.consoles.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.serials.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.parallels.iter().map(|d| (&d.info, &d.chardev)))
        .chain(devices.channels.iter().map(|d| (&d.info, &d.chardev)))
}

fn by_alias<'a>(live: &'a Live, name: &str) -> Option<&'a Chardev> {
    chardevs(live).find(|(info, _)| info.alias.as_deref() == Some(name)).map(|(_, chardev)| chardev)
}

/// The first console; where that only repeats the first serial port, that port.
fn first(live: &Live) -> Option<&Chardev> {
    let devices = &live.model.devices;
    let console = devices.consoles.first();
    let serial = devices.serials.first().map(|s| &s.chardev);
    match console {
        Some(c) if crate::process::is_serial(c) => serial.or(Some(&c.chardev)),
        Some(c) => Some(&c.chardev),
        None => serial,
    }
}

/// The path of a character device that can be opened.
fn path_of(source: &ChardevSource) -> Result<(&str, bool)> {
    let found = match source {
        ChardevSource::Pty { source } => source.as_ref().and_then(|s| s.path.as_deref()).map(|p| (p, false)),
        ChardevSource::Unix { source } => source.path.as_deref().map(|p| (p, true)),
        _ => return Err(invalid("character device is not using a PTY")),
    };
    found.ok_or_else(|| internal("the character device has no path"))
}
