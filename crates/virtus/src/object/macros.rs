//! How objects and their methods are declared.

/// Declares the objects: a connection, and how the object is named in calls, whose fields are methods.
macro_rules! objects {
    ($(
        $(#[$docs:meta])*
        $object:ident($reference:ident) text[$($text:ident),*] plain[$($plain:ident: $type:ty),*];
    )*) => {$(
        $(#[$docs])*
        #[derive(Clone)]
        pub struct $object {
            pub(crate) connection: Connection,
            pub(crate) reference: $reference,
        }

        impl std::fmt::Debug for $object {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.reference, f)
            }
        }

        impl $object {
            /// The object that calls of this connection name so.
            pub fn new(connection: Connection, reference: $reference) -> Self {
                $object { connection, reference }
            }

            /// The connection it is reached through.
            pub fn connection(&self) -> &Connection {
                &self.connection
            }

            /// How calls name it.
            pub fn reference(&self) -> &$reference {
                &self.reference
            }

            $(
                #[doc = concat!("Its ", stringify!($text), ".")]
                pub fn $text(&self) -> &str {
                    &self.reference.$text
                }
            )*

            $(
                #[doc = concat!("Its ", stringify!($plain), ".")]
                pub fn $plain(&self) -> $type {
                    self.reference.$plain
                }
            )*
        }

        named!($object $reference);
    )*};
}

/// How an object goes into calls and comes out of replies.
macro_rules! named {
    ($object:ident $reference:ident) => {
        impl FromReply<$reference> for $object {
            fn from_reply(connection: &crate::Connection, reply: $reference) -> Self {
                $object::new(connection.clone(), reply)
            }
        }

        impl ToWire<$reference> for &$object {
            fn to_wire(self) -> $reference {
                self.reference().clone()
            }
        }

        impl<const MAX: usize> ToWire<virtus_xdr::List<$reference, MAX>> for &[$object] {
            fn to_wire(self) -> virtus_xdr::List<$reference, MAX> {
                self.iter().map(|object| object.reference().clone()).collect()
            }
        }
    };
}

/// Names a list of methods, so that it can be given to a macro: to [`methods`] here, and to those of faces in other
/// languages, whose functions follow from the same lines.
macro_rules! listed {
    ($name:ident $($list:tt)*) => {
        listed!(@exported ($) $name $($list)*);
    };
    (@exported ($dollar:tt) $name:ident $($list:tt)*) => {
        #[doc(hidden)]
        #[macro_export]
        macro_rules! $name {
            ($dollar declare:ident) => {
                $dollar declare! { $($list)* }
            };
        }
    };
}

/// Declares methods, one a line: what a caller gives and gets, and the call that is made of it. In front may
/// stand that the call opens a stream (`#stream`), takes descriptors (`#sends`), returns one (`#receives`), or
/// does both with any number of them (`#files`).
///
/// From this come the methods that wait and those of [`asynchronous`](crate::asynchronous), and the list of
/// calls that are reached.
macro_rules! methods {
    ($(
        $object:ident {
            $(
                $(#$mark:ident)?
                fn $name:ident($self:ident $(, $arg:ident: $type:ty)*) $(-> $reply:ty)?
                    = $calls:ident :: $call:ident ($($given:expr),*);
            )*
        }
    )*) => {
        $(
            // a procedure has as many arguments as the wire gives it
            #[allow(clippy::too_many_arguments)]
            impl $object {
                $(method! { @waits [$($mark)?] $name $self [$($arg: $type),*] [$($reply)?] $calls $call [$($given),*] })*
            }
        )*

        #[cfg(feature = "tokio")]
        mod waiting {
            #[allow(unused_imports)]
            use super::*;
            #[allow(unused_imports)]
            use crate::object::asynchronous::{
                Admin, AdminClient, AdminServer, Connection, Domain, DomainCheckpoint, DomainSnapshot, Interface,
                Network, NetworkPort, NodeDevice, NwFilter, NwFilterBinding, Secret, StoragePool, StorageVolume,
                Stream, run,
            };

            $(
                #[allow(clippy::too_many_arguments)]
                impl $object {
                    $(method! { @awaits [$($mark)?] $name $self [$($arg: $type),*] [$($reply)?] $calls $call [$($given),*] })*
                }
            )*
        }

        /// The calls that these methods make.
        #[cfg(test)]
        pub(super) const REACHED: &[(&str, &str)] = &[
            $($((stringify!($calls), stringify!($call)),)*)*
        ];
    };
}

/// One method.
macro_rules! method {
    (@waits [] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub fn $name(&$self, $($arg: $type),*) -> Result<method!(@type $($reply)?)> {
            let reply = $self.connection().call($calls::$call($(ToWire::to_wire($given)),*))?;
            Ok(FromReply::from_reply($self.connection(), reply))
        }
    };
    (@waits [stream] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// What goes over the stream comes and goes after it has been opened.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub fn $name(&$self, $($arg: $type),*) -> Result<method!(@opened $($reply)?)> {
            let (reply, stream) = $self.connection().open_stream($calls::$call($(ToWire::to_wire($given)),*))?;
            Ok(method!(@opens [$($reply)?] $self.connection(), reply, stream))
        }
    };
    (@waits [sends] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// Descriptors can only be sent to a daemon of this host.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub fn $name(&$self, $($arg: $type,)* files: Vec<OwnedFd>) -> Result<method!(@type $($reply)?)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let (reply, _) = $self.connection().call_with_fds(request, files)?;
            Ok(FromReply::from_reply($self.connection(), reply))
        }
    };
    (@waits [receives] $name:ident $self:ident [$($arg:ident: $type:ty),*] []
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub fn $name(&$self, $($arg: $type),*) -> Result<OwnedFd> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let ((), files) = $self.connection().call_with_fds(request, Vec::new())?;
            wire::only(files)
        }
    };
    (@waits [files] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$reply:ty]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// Descriptors can only be sent to a daemon of this host.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub fn $name(&$self, $($arg: $type,)* files: Vec<OwnedFd>) -> Result<($reply, Vec<OwnedFd>)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let (reply, files) = $self.connection().call_with_fds(request, files)?;
            Ok((FromReply::from_reply($self.connection(), reply), files))
        }
    };

    (@awaits [] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub async fn $name(&$self, $($arg: $type),*) -> Result<method!(@type $($reply)?)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let connection = $self.blocking().connection();
            let reply = run(connection, move |connection| connection.call(request)).await?;
            Ok(FromReply::from_reply(connection, reply))
        }
    };
    (@awaits [stream] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// What goes over the stream comes and goes after it has been opened.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub async fn $name(&$self, $($arg: $type),*) -> Result<method!(@opened $($reply)?)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let connection = $self.blocking().connection();
            let (reply, stream) = run(connection, move |connection| connection.open_stream(request)).await?;
            let stream = Stream::from(stream);
            Ok(method!(@opens [$($reply)?] connection, reply, stream))
        }
    };
    (@awaits [sends] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$($reply:ty)?]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// Descriptors can only be sent to a daemon of this host.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub async fn $name(&$self, $($arg: $type,)* files: Vec<OwnedFd>) -> Result<method!(@type $($reply)?)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let connection = $self.blocking().connection();
            let (reply, _) = run(connection, move |connection| connection.call_with_fds(request, files)).await?;
            Ok(FromReply::from_reply(connection, reply))
        }
    };
    (@awaits [receives] $name:ident $self:ident [$($arg:ident: $type:ty),*] []
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub async fn $name(&$self, $($arg: $type),*) -> Result<OwnedFd> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let connection = $self.blocking().connection();
            let ((), files) =
                run(connection, move |connection| connection.call_with_fds(request, Vec::new())).await?;
            wire::only(files)
        }
    };
    (@awaits [files] $name:ident $self:ident [$($arg:ident: $type:ty),*] [$reply:ty]
        $calls:ident $call:ident [$($given:expr),*]) => {
        #[doc = method!(@says $calls $call)]
        /// Descriptors can only be sent to a daemon of this host.
        ///
        /// # Errors
        /// The daemon's, or why it could not be asked.
        pub async fn $name(&$self, $($arg: $type,)* files: Vec<OwnedFd>) -> Result<($reply, Vec<OwnedFd>)> {
            let request = $calls::$call($(ToWire::to_wire($given)),*);
            let connection = $self.blocking().connection();
            let (reply, files) =
                run(connection, move |connection| connection.call_with_fds(request, files)).await?;
            Ok((FromReply::from_reply(connection, reply), files))
        }
    };

    (@says $calls:ident $call:ident) => {
        concat!(
            "Makes the call [`", stringify!($call), "`](crate::calls::", stringify!($calls), "::",
            stringify!($call), ")."
        )
    };
    (@type) => { () };
    (@type $reply:ty) => { $reply };
    (@opened) => { Stream };
    (@opened $reply:ty) => { ($reply, Stream) };
    (@opens [] $connection:expr, $reply:ident, $stream:ident) => {{
        let () = $reply;
        $stream
    }};
    (@opens [$type:ty] $connection:expr, $reply:ident, $stream:ident) => {
        (FromReply::from_reply($connection, $reply), $stream)
    };
}
