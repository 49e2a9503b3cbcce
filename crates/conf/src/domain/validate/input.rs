//! Input devices.

use virtus_base::Result;

use super::{Known, refuse};
use crate::domain::VirtType;
use crate::domain::device::Input;
use crate::domain::device::input::{InputBus, InputType};
use crate::domain::os::OsType;
use crate::domain::parse::{internal, unsupported};

pub(super) fn input(input: &Input, known: &Known<'_>) -> Result<()> {
    let domain = known.domain;
    let pointing = matches!(input.kind, InputType::Mouse | InputType::Keyboard);
    let (kind, bus) = (input.kind, input.bus);
    let word = bus.map_or("default", InputBus::as_str);
    let wrong = |text: String| Err(internal(text));
    match domain.os.kind.name {
        OsType::Hvm => match bus {
            Some(InputBus::Ps2) if !pointing => {
                return wrong(format!("ps2 bus does not support {kind} input device"));
            }
            Some(InputBus::Xen) => return wrong(format!("unsupported input bus {word}")),
            _ => {}
        },
        OsType::Xen | OsType::Xenpvh => {
            if bus != Some(InputBus::Xen) {
                return wrong(format!("unsupported input bus {word}"));
            }
            if !pointing {
                return wrong(format!("xen bus does not support {kind} input device"));
            }
        }
        _ if matches!(domain.virt_type, VirtType::Vz | VirtType::Parallels) => {
            if bus != Some(InputBus::Parallels) {
                return wrong(format!("parallels containers don't support input bus {word}"));
            }
            if !pointing {
                return wrong(format!("parallels bus does not support {kind} input device"));
            }
        }
        _ => {
            return wrong("Input devices are not supported by this virtualization driver.".to_owned());
        }
    }
    let no_bus = bus.is_none_or(|b| b == InputBus::None);
    let virtio = bus == Some(InputBus::Virtio);
    match kind {
        InputType::Passthrough => {
            refuse(&[(!virtio, "only bus 'virtio' is supported for 'passthrough' input devices")])?;
        }
        InputType::Evdev => refuse(&[(!no_bus, "input evdev doesn't support bus element")])?,
        _ => {}
    }
    match input.model {
        Some(model) if !virtio => {
            Err(unsupported(format!("only bus 'virtio' is supported for input model '{model}'")))
        }
        _ => Ok(()),
    }
}
