//! Sound cards and their codecs.

use virtus_base::Result;
use virtus_conf::domain::device::Sound;
use virtus_conf::domain::device::sound::{CodecType, SoundModel};

use super::{Virtio, audio};
use crate::command::build::Build;
use crate::command::guest::Guest;
use crate::command::props::Props;

/// All cards with their codecs.
pub(crate) fn add(build: &mut Build<'_>) -> Result<()> {
    let guest = build.guest;
    for sound in guest.domain.devices.sounds.iter().filter(|sound| sound.model != SoundModel::Pcspk) {
        build.device(props(&guest, sound)?);
        if matches!(sound.model, SoundModel::Ich6 | SoundModel::Ich9) {
            let codecs: Vec<CodecType> = match sound.codecs.is_empty() {
                true => vec![CodecType::Duplex],
                false => sound.codecs.iter().map(|codec| codec.kind).collect(),
            };
            for (kind, i) in codecs.into_iter().zip(0..) {
                build.device(codec(&guest, sound, kind, i));
            }
        }
    }
    Ok(())
}

/// The back end of the PC speaker, which is part of the board.
pub(crate) fn pc_speaker(guest: &Guest<'_>) -> Option<String> {
    let speaker = guest.domain.devices.sounds.iter().find(|sound| sound.model == SoundModel::Pcspk)?;
    audio::of(guest, speaker.audio)
}

/// The card.
///
/// # Errors
/// `INTERNAL_ERROR` for an address that does not fit.
pub fn props(guest: &Guest<'_>, sound: &Sound) -> Result<Props> {
    let driver = match sound.model {
        SoundModel::Virtio => {
            return Ok(guest
                .virtio("virtio-sound", Virtio::Plain, &sound.driver, &sound.info)?
                .with("id", guest.alias(&sound.info))
                .maybe("audiodev", audio::of(guest, sound.audio))
                .maybe("streams", sound.streams)
                .join(guest.address(&sound.info)?));
        }
        SoundModel::Es1370 => "ES1370",
        SoundModel::Ac97 => "AC97",
        SoundModel::Ich6 => "intel-hda",
        SoundModel::Ich9 => "ich9-intel-hda",
        SoundModel::Usb => "usb-audio",
        SoundModel::Sb16 => "sb16",
        SoundModel::Ich7 => "ich7",
        SoundModel::Pcspk => "pcspk",
    };
    let with_codecs = matches!(sound.model, SoundModel::Ich6 | SoundModel::Ich9);
    Ok(Props::device(driver)
        .with("id", guest.alias(&sound.info))
        .maybe("audiodev", audio::of(guest, sound.audio).filter(|_| !with_codecs))
        .switch("multi", sound.multichannel)
        .join(guest.address(&sound.info)?))
}

fn codec(guest: &Guest<'_>, sound: &Sound, kind: CodecType, i: u32) -> Props {
    let alias = guest.alias(&sound.info);
    let driver = match kind {
        CodecType::Duplex => "hda-duplex",
        CodecType::Micro => "hda-micro",
        CodecType::Output => "hda-output",
    };
    Props::device(driver)
        .with("id", format!("{alias}-codec{i}"))
        .with("bus", format!("{alias}.0"))
        .with("cad", i)
        .maybe("audiodev", audio::of(guest, sound.audio))
}
