//! `libvirt-domain.h`, with snapshots and checkpoints.

mod agent;
mod basics;
mod block;
mod checkpoint;
mod console;
mod cpu;
mod device;
mod info;
mod lifecycle;
mod migrate;
mod save;
mod snapshot;
mod stats;
mod tuning;

use crate::declare::{Export, TypeDef};

pub use agent::*;
pub use basics::*;
pub use block::*;
pub use checkpoint::*;
pub use console::*;
pub use cpu::*;
pub use device::*;
pub use info::*;
pub use lifecycle::*;
pub use migrate::*;
pub use save::*;
pub use snapshot::*;
pub use stats::*;
pub use tuning::*;

pub(crate) const EXPORTS: &[&[Export]] = &[
    agent::EXPORTS,
    basics::EXPORTS,
    block::EXPORTS,
    checkpoint::EXPORTS,
    console::EXPORTS,
    cpu::EXPORTS,
    device::EXPORTS,
    info::EXPORTS,
    lifecycle::EXPORTS,
    migrate::EXPORTS,
    save::EXPORTS,
    snapshot::EXPORTS,
    stats::EXPORTS,
    tuning::EXPORTS,
];
pub(crate) const STRUCTS: &[&[TypeDef]] =
    &[agent::STRUCTS, block::STRUCTS, console::STRUCTS, cpu::STRUCTS, info::STRUCTS, stats::STRUCTS];
