//! Typed commands: one struct each, whose members are the command's arguments.
//!
//! Only what a driver uses is typed; anything else goes through [`crate::Monitor::execute_raw`]. To add one, write
//! its entry in the [`commands!`] list of its file.

mod block;
mod control;
mod cpu;
mod device;
mod display;
mod job;
mod memory;
mod migration;
mod object;

pub use block::*;
pub use control::*;
pub use cpu::*;
pub use device::*;
pub use display::*;
pub use job::*;
pub use memory::*;
pub use migration::*;
pub use object::*;

/// A command of QEMU's monitor; its JSON form is the command's `arguments`.
pub trait Command: serde::Serialize {
    /// The command's name in the protocol.
    const NAME: &'static str;
    /// What its `return` holds.
    type Reply: serde::de::DeserializeOwned;
}

/// The reply of commands that return nothing of interest.
pub type Done = serde::de::IgnoredAny;

/// Declares commands: `Name = "qmp-name" { required: Type } optional { other: Type } -> Reply;`, or
/// `Name = "qmp-name" (Value) -> Reply;` where the arguments are one free-form object.
macro_rules! commands {
    () => {};
    ($(#[$doc:meta])* $name:ident = $qmp:literal ($type:ty) -> $reply:ty; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $type);

        impl $crate::command::Command for $name {
            const NAME: &'static str = $qmp;
            type Reply = $reply;
        }

        commands!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident = $qmp:literal { $($(#[$meta:meta])* $field:ident: $type:ty),* $(,)? }
     $(optional { $($(#[$ometa:meta])* $ofield:ident: $otype:ty),* $(,)? })? -> $reply:ty; $($rest:tt)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        #[allow(missing_docs)]
        pub struct $name {
            $($(#[$meta])* pub $field: $type,)*
            $($(
                #[serde(skip_serializing_if = "Option::is_none")]
                $(#[$ometa])*
                pub $ofield: Option<$otype>,
            )*)?
        }

        impl $crate::command::Command for $name {
            const NAME: &'static str = $qmp;
            type Reply = $reply;
        }

        commands!($($rest)*);
    };
}
pub(crate) use commands;

/// Declares reply structs; members named as QEMU names them, with `-` for `_`. Members QEMU may leave out are
/// `Option`s. Members not listed are ignored.
macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[allow(missing_docs)]
        pub struct $name { $($(#[$meta])* pub $field: $type,)* }
    )*};
}
pub(crate) use replies;
