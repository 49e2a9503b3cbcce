//! Commands that watch domains.

mod devices;
mod domblkinfo;
mod domblkstat;
mod domcontrol;
mod domifaddr;
mod domifstat;
mod dominfo;
mod dommemstat;
mod domstate;
mod domstats;
mod domtime;
mod event;
mod list;

pub(crate) use devices::normal_mac;
pub(crate) use event::BLOCK_JOBS;

use super::Group;

pub(crate) static GROUP: Group = Group {
    name: "Domain Monitoring",
    keyword: "monitor",
    commands: &[
        &devices::DOMBLKERROR,
        &domblkinfo::COMMAND,
        &devices::DOMBLKLIST,
        &domblkstat::COMMAND,
        &domcontrol::COMMAND,
        &devices::DOMIF_GETLINK,
        &domifaddr::COMMAND,
        &devices::DOMIFLIST,
        &domifstat::COMMAND,
        &dominfo::COMMAND,
        &dommemstat::COMMAND,
        &domstate::COMMAND,
        &domstats::COMMAND,
        &domtime::COMMAND,
        &list::COMMAND,
    ],
};

pub(crate) static EVENTS: Group =
    Group { name: "Domain Events", keyword: "events", commands: &[&event::COMMAND] };
