//! What every driver keeps: atomic files, a registry of objects with published views, the gate that lets one
//! job at a time change an object, the undo stack, definitions with their files, and the event hub. No hypervisor is known here.

pub mod definitions;
pub mod file;
pub mod gate;
pub mod hub;
mod lock;
pub mod registry;
mod undo;

pub use definitions::{Definition, Definitions, Files};
pub use gate::Gate;
pub use hub::Hub;
pub use lock::lock;
pub use registry::{Object, Registry};
pub use undo::Undo;
