//! The host a daemon runs on: processes, programs, CPUs and memory, cgroups, images, terminals and network devices.
//! Nothing here knows of libvirt's objects.

pub mod allocator;
pub mod cgroup;
pub mod clock;
pub mod footprint;
pub mod image;
pub mod net;
pub mod nft;
pub mod node;
pub mod pci;
pub mod process;
pub mod program;
pub mod pty;
pub mod uevent;
pub mod usb;
