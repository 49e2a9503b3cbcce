//! The declaration of a procedure: one method of a driver trait, from which everything else follows.

/// Declares a driver trait whose methods are procedures of the wire.
///
/// ```text
/// driver! {
///     program REMOTE; via hypervisor; errors DOMAIN;
///     /// What a domain's life consists of.
///     pub trait DomainLifecycle {
///         #[call(9, virDomainCreate, high, [domain.start])]
///         fn domain_create(dom: DomainRef);
///     }
/// }
/// ```
///
/// A method's arguments and result, in order, are the wire layout of the call and its reply. In the
/// brackets stand the permissions a caller needs, some only under a condition on the arguments; a call
/// that anyone may make says `session.none`. Marks that may follow: `stream` (the call opens a stream),
/// `ro` (a read-only caller may make it although its permission says otherwise), `rw` (it may not,
/// although its permissions only read): both are there because the reference has it so.
///
/// From this come the async trait (every method's default answer is "not supported"), a client's requests
/// ([`calls`](crate::calls): the same names, arguments and results), and the rows of the procedure table
/// with their handlers.
macro_rules! driver {
    (
        program $program:ident; via $via:ident; errors $domain:ident;
        $(#[$meta:meta])*
        pub trait $trait:ident {
            $(
                #[call($number:literal, $function:ident, $priority:ident,
                    [$($object:ident . $permission:ident $(if $condition:expr)?),+ $(,)?] $(, $mark:ident)*)]
                fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?;
            )*
        }
    ) => {
        $(#[$meta])*
        // a procedure has as many arguments as the wire gives it
        #[allow(clippy::too_many_arguments)]
        #[async_trait::async_trait]
        pub trait $trait: Send + Sync {
            $(
                #[doc = concat!("`", stringify!($function), "`, procedure ", stringify!($number), ".")]
                async fn $name(&self, call: &$crate::Call, $($arg: $type),*)
                    -> virtus_base::Result<driver!(@ret $($ret)?)>
                {
                    let _ = (call, $(&$arg),*);
                    Err($crate::procedure::unsupported(
                        virtus_base::ErrorDomain::$domain, stringify!($function)))
                }
            )*
        }

        #[allow(clippy::too_many_arguments)]
        impl driver!(@calls $program) {
            $(
                #[doc = concat!("`", stringify!($function), "`, procedure ", stringify!($number), ".")]
                pub fn $name($($arg: $type),*) -> $crate::calls::Request<driver!(@ret $($ret)?)> {
                    $crate::calls::Request::new(
                        ($crate::Program::$program, $number, virtus_base::ErrorDomain::$domain),
                        stringify!($function),
                        &[$(driver!(@mark $mark)),*],
                        &($($arg,)*),
                    )
                }
            )*
        }

        impl $crate::procedure::Declared for dyn $trait {
            const PROCEDURES: &'static [$crate::Procedure] = &[
                $(
                    $crate::Procedure {
                        program: $crate::Program::$program,
                        number: $number,
                        name: stringify!($name),
                        function: stringify!($function),
                        errors: virtus_base::ErrorDomain::$domain,
                        priority: driver!(@priority $priority),
                        checks: &[$(
                            $crate::Check {
                                permission: $crate::Permission {
                                    object: stringify!($object),
                                    name: stringify!($permission),
                                },
                                condition: driver!(@condition $($condition)?),
                            },
                        )+],
                        marks: &[$(driver!(@mark $mark)),*],
                        handler: |procedure, drivers, call, body| {
                            let driver = drivers.$via.clone();
                            let args = virtus_xdr::decode::<($($type,)*)>(body)
                                .map_err(|e| $crate::procedure::bad_payload(procedure, body, e));
                            Box::pin(async move {
                                let ($($arg,)*) = args?;
                                $(
                                    if driver!(@when $($condition)?) {
                                        call.permit(procedure, stringify!($object), stringify!($permission))?;
                                    }
                                )+
                                let Some(driver) = driver else {
                                    return Err($crate::procedure::unsupported(
                                        procedure.errors, procedure.function));
                                };
                                let reply = driver.$name(&call, $($arg),*).await?;
                                $crate::procedure::reply(&reply)
                            })
                        },
                    },
                )*
            ];
        }
    };
    (@calls REMOTE) => { $crate::calls::Remote };
    (@calls QEMU) => { $crate::calls::Qemu };
    (@calls LXC) => { $crate::calls::Lxc };
    (@calls ADMIN) => { $crate::calls::Administration };
    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
    (@priority high) => { $crate::Priority::High };
    (@priority low) => { $crate::Priority::Low };
    (@condition) => { None };
    (@condition $condition:expr) => { Some(stringify!($condition)) };
    (@when) => { true };
    (@when $condition:expr) => { $condition };
    (@mark stream) => { $crate::Mark::Stream };
    (@mark ro) => { $crate::Mark::ReadOnlyMay };
    (@mark rw) => { $crate::Mark::ReadOnlyMayNot };
}

/// Declares the events of one kind of object: event number, the procedure that tells it to clients that
/// registered the old way (`legacy`), the one that carries a callback's id, and what it says. What is in
/// `before` goes ahead of the object, and only with a callback's id.
macro_rules! events {
    ($(
        $(#[$meta:meta])*
        pub enum $enum:ident of $object:ident {
            $(
                $variant:ident = $id:literal, $(legacy $legacy:literal,)? callback $callback:literal
                $(before($before:ident: $before_type:ty))? { $($field:ident: $type:ty),* $(,)? }
            )*
        }
    )*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)]
        pub enum $enum {
            $($variant { $($before: $before_type,)? $($field: $type),* },)*
        }

        impl $enum {
            /// The number clients register for.
            pub fn id(&self) -> i32 {
                match self { $($enum::$variant { .. } => $id,)* }
            }

            /// The procedure that tells it to a client that registered without a callback id.
            pub fn legacy_procedure(&self) -> Option<i32> {
                match self { $($enum::$variant { .. } => events!(@legacy $($legacy)?),)* }
            }

            /// The procedure that tells it together with a callback id.
            pub fn callback_procedure(&self) -> i32 {
                match self { $($enum::$variant { .. } => $callback,)* }
            }

            /// The message without a callback id.
            pub fn encode_legacy(&self, object: &$object, out: &mut Vec<u8>) {
                virtus_xdr::Encode::encode(object, out);
                match self {
                    $($enum::$variant { $($field,)* .. } => { $(virtus_xdr::Encode::encode($field, out);)* })*
                }
            }

            /// The message for the callback of this id.
            pub fn encode_callback(&self, id: i32, object: &$object, out: &mut Vec<u8>) {
                virtus_xdr::Encode::encode(&id, out);
                match self {
                    $($enum::$variant { $($before,)? .. } => { $(virtus_xdr::Encode::encode($before, out);)? })*
                }
                self.encode_legacy(object, out);
            }

            /// What a message for a callback tells, with the callback's id; `None` when its procedure tells
            /// none of these events.
            pub fn decode_callback(
                procedure: i32,
                body: &[u8],
            ) -> Option<Result<(i32, $object, $enum), virtus_xdr::Error>> {
                match procedure {
                    $($callback => Some($crate::event::whole(body, |from| {
                        let id = virtus_xdr::Decode::decode(from)?;
                        $(let $before = virtus_xdr::Decode::decode(from)?;)?
                        let object = virtus_xdr::Decode::decode(from)?;
                        $(let $field = virtus_xdr::Decode::decode(from)?;)*
                        Ok((id, object, $enum::$variant { $($before,)? $($field),* }))
                    })),)*
                    _ => None,
                }
            }

            /// What a message without a callback's id tells; `None` when its procedure tells none of these events.
            pub fn decode_legacy(
                procedure: i32,
                body: &[u8],
            ) -> Option<Result<($object, $enum), virtus_xdr::Error>> {
                $(if events!(@legacy $($legacy)?) == Some(procedure) {
                    return Some($crate::event::whole(body, |from| {
                        let object = virtus_xdr::Decode::decode(from)?;
                        $(let $field = virtus_xdr::Decode::decode(from)?;)*
                        // what comes before the object comes only with a callback's id
                        $(let $before: $before_type = Default::default();)?
                        Ok((object, $enum::$variant { $($before,)? $($field),* }))
                    }));
                })*
                None
            }
        }
    )*};
    (@legacy) => { None };
    (@legacy $legacy:literal) => { Some($legacy) };
}

/// Declares libvirt's public constants, an enumeration a block; each is also a row of `ENUMS`, for the
/// faces that show them by name.
macro_rules! constants {
    ($($enum:ident: $type:ty { $($name:ident = $value:expr,)* })*) => {
        $($(
            #[allow(missing_docs)]
            pub const $name: $type = $value;
        )*)*

        /// The enumerations declared here.
        pub(super) const ENUMS: &[super::Enum] = &[
            $(super::Enum {
                name: stringify!($enum),
                values: &[$((stringify!($name), $name as i64)),*],
            },)*
        ];
    };
}

/// Declares libvirt's numbers that belong to no enumeration: lengths, limits, the version. Each is also a row of
/// `NUMBERS`.
macro_rules! numbers {
    ($($name:ident: $type:ty = $value:expr,)*) => {
        $(
            #[allow(missing_docs)]
            pub const $name: $type = $value;
        )*

        /// The numbers declared here.
        pub(super) const NUMBERS: &[(&str, i64)] = &[$((stringify!($name), $name as i64)),*];
    };
}

/// Declares libvirt's constants that are text: names of parameters and fields. Each is also a row of `TEXTS`.
macro_rules! texts {
    ($($name:ident = $value:literal,)*) => {
        $(
            #[allow(missing_docs)]
            pub const $name: &str = $value;
        )*

        /// The texts declared here.
        pub(super) const TEXTS: &[(&str, &str)] = &[$((stringify!($name), $name)),*];
    };
}

pub(crate) use {constants, driver, events, numbers, texts};
