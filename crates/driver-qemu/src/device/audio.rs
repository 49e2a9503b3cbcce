//! The host's side of sound: `-audiodev`.

use serde_json::Value;
use virtus_base::Result;
use virtus_conf::domain::device::Audio;
use virtus_conf::domain::device::audio::{
    AlsaOptions, AudioBackend, CoreAudioOptions, JackOptions, NoOptions, OssOptions, PipewireOptions,
    PulseOptions, SdlOptions, Stream, Streams,
};

use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// The id of the back end a device names, or of the first.
pub(super) fn of(guest: &Guest<'_>, id: Option<u32>) -> Option<String> {
    let audios = &guest.domain.devices.audios;
    let audio = match id {
        Some(id) => audios.iter().find(|audio| audio.id == id),
        None => audios.first(),
    };
    audio.map(|audio| format!("audio{}", audio.id))
}

/// All back ends.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    for audio in &build.guest.domain.devices.audios {
        build.line.json("audiodev", &props(audio));
    }
    Ok(())
}

/// What back ends need of the environment.
pub(crate) fn environment(guest: &Guest<'_>) -> Vec<(String, String)> {
    let mut env = Vec::new();
    for audio in &guest.domain.devices.audios {
        match &audio.backend {
            AudioBackend::Sdl { driver: Some(driver), .. } => {
                env.push(("SDL_AUDIODRIVER".to_owned(), driver.as_str().to_owned()));
            }
            AudioBackend::PipeWire { runtime_dir: Some(dir), .. } => {
                env.push(("PIPEWIRE_RUNTIME_DIR".to_owned(), dir.clone()));
            }
            _ => {}
        }
    }
    env
}

/// What one direction of a back end has of its own.
trait OwnOptions {
    fn props(&self) -> Props;
}

macro_rules! own_options {
    ($($type:ty: $self:ident => $props:expr;)*) => {$(
        impl OwnOptions for $type {
            fn props(&self) -> Props {
                let $self = self;
                $props
            }
        }
    )*};
}
own_options! {
    NoOptions: _o => Props::new();
    AlsaOptions: o => Props::new().maybe("dev", o.dev.clone());
    CoreAudioOptions: o => Props::new().maybe("buffer-count", o.buffer_count);
    JackOptions: o => Props::new()
        .maybe("server-name", o.server_name.clone())
        .maybe("client-name", o.client_name.clone())
        .maybe("connect-ports", o.connect_ports.clone())
        .switch("exact-name", o.exact_name);
    OssOptions: o => Props::new()
        .maybe("dev", o.dev.clone())
        .maybe("buffer-count", o.buffer_count)
        .switch("try-poll", o.try_poll);
    PulseOptions: o => Props::new()
        .maybe("name", o.name.clone())
        .maybe("stream-name", o.stream_name.clone())
        .maybe("latency", o.latency);
    SdlOptions: o => Props::new().maybe("buffer-count", o.buffer_count);
    PipewireOptions: o => Props::new()
        .maybe("name", o.name.clone())
        .maybe("stream-name", o.stream_name.clone())
        .maybe("latency", o.latency);
}

fn stream<T: OwnOptions + virtus_xml::Xml + Default + PartialEq>(stream: &Stream<T>) -> Props {
    let settings = stream.settings.clone().unwrap_or_default();
    Props::new()
        .switch("mixing-engine", stream.mixing_engine)
        .switch("fixed-settings", stream.fixed_settings)
        .maybe("voices", stream.voices)
        .maybe("buffer-length", stream.buffer_length)
        .maybe("frequency", settings.frequency)
        .maybe("channels", settings.channels)
        .maybe("format", settings.format.map(|format| format.as_str()))
        .join(stream.options.props())
}

fn both<T: OwnOptions + virtus_xml::Xml + Default + PartialEq>(streams: &Streams<T>) -> Props {
    let side = |props: Props| (!props.is_empty()).then(|| Value::from(props));
    Props::new().maybe("in", side(stream(&streams.input))).maybe("out", side(stream(&streams.output)))
}

/// A back end.
pub fn props(audio: &Audio) -> Props {
    let (driver, rest) = match &audio.backend {
        AudioBackend::None(streams) => ("none", both(streams)),
        AudioBackend::Alsa(streams) => ("alsa", both(streams)),
        AudioBackend::CoreAudio(streams) => ("coreaudio", both(streams)),
        AudioBackend::Jack(streams) => ("jack", both(streams)),
        AudioBackend::Oss { try_mmap, exclusive, dsp_policy, streams } => (
            "oss",
            both(streams)
                .switch("try-mmap", *try_mmap)
                .switch("exclusive", *exclusive)
                .maybe("dsp-policy", *dsp_policy),
        ),
        AudioBackend::PulseAudio { server_name, streams } => {
            ("pa", both(streams).maybe("server", server_name.clone()))
        }
        AudioBackend::Sdl { streams, .. } => ("sdl", both(streams)),
        AudioBackend::Spice(streams) => ("spice", both(streams)),
        AudioBackend::File { path, streams } => ("wav", both(streams).maybe("path", path.clone())),
        AudioBackend::Dbus(streams) => ("dbus", both(streams)),
        AudioBackend::PipeWire { streams, .. } => ("pipewire", both(streams)),
    };
    Props::new()
        .with("id", format!("audio{}", audio.id))
        .with("driver", driver)
        .maybe("timer-period", audio.timer_period)
        .join(rest)
}
