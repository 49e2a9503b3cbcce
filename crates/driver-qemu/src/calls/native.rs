//! A definition as the command line it would be started with.

use std::sync::Arc;

use virtus_base::Result;
use virtus_conf::domain::ParseOptions;

use crate::Driver;
use crate::command::{Secret, native};
use crate::device::storage::NeededSecret;
use crate::emulator::Environment as _;
use crate::error::{bad_argument, internal};
use crate::launch::context;
use crate::process::{listen, secrets, volumes};

/// The only foreign format there is.
const FORMAT: &str = "qemu-argv";

/// A domain that does not run has no number; its files are named with this one.
const NO_ID: i32 = -1;

pub(super) async fn to_native(driver: &Driver, format: &str, xml: String) -> Result<String> {
    if format != FORMAT {
        return Err(bad_argument(format!("unsupported config type {format}")));
    }
    let shared = Arc::clone(&driver.0);
    let mut domain = driver
        .blocking(move || {
            let options = ParseOptions { inactive: true, ..ParseOptions::default() };
            crate::define::parse(&xml, &options, &*shared.setup.emulators)
        })
        .await?;
    listen::look_up(&driver.0, &mut domain).await?;
    let shared = Arc::clone(&driver.0);
    driver
        .blocking(move || {
            let environment = &*shared.setup.emulators;
            let emulator = environment.emulator(domain.devices.emulator.as_deref().unwrap_or_default())?;
            let mut context = context(&shared, NO_ID, &domain.name);
            context.volumes = volumes::places(&domain.devices.disks, &*shared.setup.volumes)?;
            let look_up = |needed: &NeededSecret| {
                secrets::value(&*shared.setup.secrets, needed)?;
                stand_in()
            };
            native::to_native(&mut domain, &*emulator, &context, &look_up)
        })
        .await
}

/// Something of a secret's looks.
fn stand_in() -> Result<Secret> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut random = [0u8; 32];
    getrandom::fill(&mut random).map_err(|e| internal(format!("failed to generate byte stream: {e}")))?;
    let (data, iv) = random.split_at(16);
    Ok(Secret { data: STANDARD.encode(data), iv: STANDARD.encode(iv) })
}
