//! PCI: buses, what plugs into them, and the addresses of a whole definition.

mod assign;
mod buses;
mod chipset;
mod connect;
mod controllers;
mod kinds;
mod place;
mod zpci;

pub(crate) use assign::assign;
