//! `<audio>`: the host's side of the guest's sound cards.

use virtus_base::Result;
use virtus_xml::{Element, Writer, Xml, YesNo, field, keywords};

use crate::RULES;
use crate::domain::parse::unsupported;

/// `<audio>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Audio {
    /// The number sound cards name it by, from 1.
    pub id: u32,
    pub backend: AudioBackend,
    /// How often it is looked after, in microseconds.
    pub timer_period: Option<u32>,
}

impl Xml for Audio {
    fn read(e: Element<'_>) -> Result<Self> {
        let rules = field::Rules { number: field::NumberRule::NonZero, ..RULES };
        if e.attr("type").is_none() {
            return Err(field::missing(e.name(), "type", &RULES));
        }
        Ok(Audio {
            id: field::required_attr(Some(e), e, "id", &rules)?,
            backend: AudioBackend::read(e)?,
            timer_period: field::attr(Some(e), "timerPeriod", &rules)?,
        })
    }
    fn write_attrs(&self, w: &mut Writer) {
        w.attr_value("id", &self.id);
        w.attr("type", self.backend.tag());
        if let Some(period) = &self.timer_period {
            w.attr_value("timerPeriod", period);
        }
        self.backend.write_attrs(w);
    }
    fn write_body(&self, w: &mut Writer) {
        self.backend.write_body(w);
    }
}

/// What plays and records, by `@type`.
#[derive(Clone, Debug, PartialEq, Xml)]
#[xml(tag = "type", bare)]
pub enum AudioBackend {
    None(Streams<NoOptions>),
    Alsa(Streams<AlsaOptions>),
    CoreAudio(Streams<CoreAudioOptions>),
    Jack(Streams<JackOptions>),
    Oss {
        #[xml(attr = "tryMMap")]
        try_mmap: Option<YesNo>,
        #[xml(attr)]
        exclusive: Option<YesNo>,
        #[xml(attr = "dspPolicy")]
        dsp_policy: Option<i32>,
        #[xml(flatten)]
        streams: Streams<OssOptions>,
    },
    PulseAudio {
        #[xml(attr = "serverName")]
        server_name: Option<String>,
        #[xml(flatten)]
        streams: Streams<PulseOptions>,
    },
    Sdl {
        #[xml(attr)]
        driver: Option<SdlDriver>,
        #[xml(flatten)]
        streams: Streams<SdlOptions>,
    },
    Spice(Streams<NoOptions>),
    File {
        #[xml(attr)]
        path: Option<String>,
        #[xml(flatten)]
        streams: Streams<NoOptions>,
    },
    Dbus(Streams<NoOptions>),
    PipeWire {
        #[xml(attr = "runtimeDir")]
        runtime_dir: Option<String>,
        #[xml(flatten)]
        streams: Streams<PipewireOptions>,
    },
}

keywords! {
    /// What SDL uses.
    pub enum SdlDriver {
        Esd = "esd", Alsa = "alsa", Arts = "arts", PulseAudio = "pulseaudio",
    }
}

/// Recording and playing.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Streams<T: Xml + Default + PartialEq> {
    #[xml(omit_default)]
    pub input: Stream<T>,
    #[xml(omit_default)]
    pub output: Stream<T>,
}

/// One direction.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
#[xml(check = whole)]
pub struct Stream<T: Xml + Default + PartialEq> {
    #[xml(attr = "mixingEngine")]
    pub mixing_engine: Option<YesNo>,
    #[xml(attr = "fixedSettings")]
    pub fixed_settings: Option<YesNo>,
    #[xml(attr, rule = "nonzero")]
    pub voices: Option<u32>,
    /// In microseconds.
    #[xml(attr = "bufferLength", rule = "nonzero")]
    pub buffer_length: Option<u32>,
    #[xml(flatten)]
    pub options: T,
    pub settings: Option<Settings>,
}

/// Settings are fixed or they are not, and fixed ones are the mixing engine's.
fn whole<T: Xml + Default + PartialEq>(stream: &mut Stream<T>, _: Element<'_>) -> Result<()> {
    let yes = |said: Option<YesNo>| said.is_some_and(|said| said.is_true());
    let fixed = yes(stream.fixed_settings);
    if fixed && !yes(stream.mixing_engine) {
        return Err(unsupported("fixed audio settings requires mixing engine"));
    }
    if !fixed && stream.settings.is_some() {
        return Err(unsupported("audio settings specified without fixed settings flag"));
    }
    if fixed {
        stream.settings.get_or_insert_default();
    }
    Ok(())
}

keywords! {
    /// What a sample is.
    pub enum SampleFormat { S8 = "s8", U8 = "u8", S16 = "s16", U16 = "u16", S32 = "s32", U32 = "u32", F32 = "f32" }
}

/// The samples' form.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct Settings {
    #[xml(attr, rule = "nonzero")]
    pub frequency: Option<u32>,
    #[xml(attr, rule = "nonzero")]
    pub channels: Option<u32>,
    #[xml(attr)]
    pub format: Option<SampleFormat>,
}

/// Nothing of its own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct NoOptions {}

/// ALSA's own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct AlsaOptions {
    #[xml(attr)]
    pub dev: Option<String>,
}

/// Core Audio's own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct CoreAudioOptions {
    #[xml(attr = "bufferCount")]
    pub buffer_count: Option<u32>,
}

/// JACK's own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct JackOptions {
    #[xml(attr = "serverName")]
    pub server_name: Option<String>,
    #[xml(attr = "clientName")]
    pub client_name: Option<String>,
    #[xml(attr = "connectPorts")]
    pub connect_ports: Option<String>,
    #[xml(attr = "exactName")]
    pub exact_name: Option<YesNo>,
}

/// OSS' own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct OssOptions {
    #[xml(attr)]
    pub dev: Option<String>,
    #[xml(attr = "bufferCount")]
    pub buffer_count: Option<u32>,
    #[xml(attr = "tryPoll")]
    pub try_poll: Option<YesNo>,
}

/// PulseAudio's own; the latency in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PulseOptions {
    #[xml(attr)]
    pub name: Option<String>,
    #[xml(attr = "streamName")]
    pub stream_name: Option<String>,
    #[xml(attr)]
    pub latency: Option<u32>,
}

/// SDL's own.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct SdlOptions {
    #[xml(attr = "bufferCount")]
    pub buffer_count: Option<u32>,
}

/// PipeWire's own; the latency in microseconds.
#[derive(Clone, Debug, Default, PartialEq, Xml)]
pub struct PipewireOptions {
    #[xml(attr)]
    pub name: Option<String>,
    #[xml(attr = "streamName")]
    pub stream_name: Option<String>,
    #[xml(attr)]
    pub latency: Option<u32>,
}
