//! Opening and closing (`libvirt-host.h`).

use virtus::{OpenOptions, Result};

use super::Connect;
use crate::arg::Text;
use crate::declare::exports;
use crate::handle::{Held, Of};

exports! {
    header HOST, errors NONE;

    "0.0.3" fn virConnectOpen(name: Option<Text>) -> Held<Connect> = open(name, OpenOptions::new());
    "0.0.3" fn virConnectOpenReadOnly(name: Option<Text>) -> Held<Connect>
        = open(name, OpenOptions::new().read_only(true));
    "0.0.3" fn virConnectClose(conn: Of<Connect>) -> bool = Ok(conn.release());
}

fn open(name: Option<Text>, options: OpenOptions) -> Result<Held<Connect>> {
    Ok(Held::new(Connect::new(options.open(name.as_deref())?)))
}
