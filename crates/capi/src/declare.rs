//! How the API is declared: each function once, with the version that brought it, and so its symbol node.

/// One of the four libraries that the functions are spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Library {
    /// `libvirt.so.0`.
    Libvirt,
    /// `libvirt-qemu.so.0`.
    Qemu,
    /// `libvirt-lxc.so.0`.
    Lxc,
    /// `libvirt-admin.so.0`.
    Admin,
}

impl Library {
    /// What its symbol versions begin with.
    pub fn node(self) -> &'static str {
        match self {
            Library::Libvirt => "LIBVIRT_",
            Library::Qemu => "LIBVIRT_QEMU_",
            Library::Lxc => "LIBVIRT_LXC_",
            Library::Admin => "LIBVIRT_ADMIN_",
        }
    }
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its file name without directory.
    pub file: &'static str,
    /// Where its functions are.
    pub library: Library,
}

macro_rules! headers {
    ($($name:ident = $file:literal in $library:ident;)*) => {
        /// The headers with functions.
        #[allow(missing_docs)]
        impl Header {
            $(pub const $name: Header = Header { file: $file, library: Library::$library };)*
        }
    };
}

headers! {
    ERROR = "virterror.h" in Libvirt;
    COMMON = "libvirt-common.h" in Libvirt;
    HOST = "libvirt-host.h" in Libvirt;
    EVENT = "libvirt-event.h" in Libvirt;
    STREAM = "libvirt-stream.h" in Libvirt;
    DOMAIN = "libvirt-domain.h" in Libvirt;
    DOMAIN_SNAPSHOT = "libvirt-domain-snapshot.h" in Libvirt;
    DOMAIN_CHECKPOINT = "libvirt-domain-checkpoint.h" in Libvirt;
    NETWORK = "libvirt-network.h" in Libvirt;
    INTERFACE = "libvirt-interface.h" in Libvirt;
    STORAGE = "libvirt-storage.h" in Libvirt;
    NODEDEV = "libvirt-nodedev.h" in Libvirt;
    NWFILTER = "libvirt-nwfilter.h" in Libvirt;
    SECRET = "libvirt-secret.h" in Libvirt;
    QEMU = "libvirt-qemu.h" in Qemu;
    LXC = "libvirt-lxc.h" in Lxc;
    ADMIN = "libvirt-admin.h" in Admin;
}

/// A function of the API, or its one variable.
#[derive(Clone, Copy, Debug)]
pub struct Export {
    /// The symbol.
    pub name: &'static str,
    /// The version that brought it.
    pub since: &'static str,
    /// The header that declares it.
    pub header: Header,
    /// The arguments' names and types; `None` for a variable.
    pub arguments: Option<&'static [Member]>,
    /// The type of the result or the variable.
    pub result: fn() -> String,
}

impl Export {
    /// Its declaration in C.
    pub fn prototype(&self) -> String {
        let between = |name: String| if name.ends_with('*') { name } else { name + " " };
        let result = between((self.result)());
        let Some(arguments) = self.arguments else { return format!("{result}{}", self.name) };
        let arguments: Vec<String> =
            arguments.iter().map(|(name, of)| format!("{}{name}", between(of()))).collect();
        match arguments.is_empty() {
            true => format!("{result}{}(void)", self.name),
            false => format!("{result}{}({})", self.name, arguments.join(", ")),
        }
    }

    /// The node that the symbol has.
    pub fn node(&self) -> String {
        format!("{}{}", self.header.library.node(), self.since)
    }
}

/// A field, parameter or the like: its name and its C type.
pub type Member = (&'static str, fn() -> String);

/// A struct whose fields C may see, or the type of a function that C gives.
#[derive(Clone, Copy, Debug)]
pub struct TypeDef {
    /// Its name in C.
    pub name: &'static str,
    /// What a function returns; `None` for a struct.
    pub result: Option<fn() -> String>,
    /// Fields or parameters.
    pub members: &'static [Member],
    /// A struct's size, and where its fields begin, in bytes.
    pub layout: Option<(usize, &'static [usize])>,
}

/// Declares functions of one header. Each has an entry of its own:
///
/// ```text
/// exports! {
///     header DOMAIN, errors DOMAIN;
///
///     "0.0.3" fn virDomainGetOSType(domain: Of<Domain>) -> String = domain.os_type();
///     "0.1.0" fn virDomainReboot(domain: Rw<Domain>, flags: c_uint) -> () = domain.reboot(flags);
/// }
/// ```
///
/// The version in front is that of the symbol. An argument's type says what C gives and what is refused before the
/// body runs ([`Arg`](crate::arg::Arg)), the result's what C gets and what tells a failure
/// ([`Ret`](crate::ret::Ret)). The body is an expression of type `Result`, in which the arguments are named. With
/// `fn name[call](…)` it can also look at the [`Call`](crate::call::Call). Everything else is done for it: the
/// thread's last error is reset before and set after, and a panic ends here as an internal error.
///
/// `plain` functions do not touch the last error: their arguments are C's, their body is the result itself.
macro_rules! exports {
    (
        header $header:ident, errors $errors:ident;
        $(
            $since:literal fn $name:ident $([$call:ident])? ($($arg:ident: $type:ty),* $(,)?) -> $ret:ty
                = $body:expr;
        )*
        $(plain {
            $(
                $plain_since:literal fn $plain_name:ident($($plain_arg:ident: $plain_type:ty),* $(,)?)
                    $(-> $plain_ret:ty)? = $plain_body:expr;
            )*
        })?
    ) => {
        $(
            #[doc = concat!("The C API's `", stringify!($name), "`.")]
            ///
            /// # Safety
            /// Pointers that are not handles are null or point to what the C API says.
            #[allow(clippy::too_many_arguments)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $name(
                $($arg: <$type as $crate::arg::Arg>::C),*
            ) -> <$ret as $crate::ret::Ret>::C {
                let place = (stringify!($name), virtus::ErrorDomain::$errors);
                $crate::call::run::<$ret>(place, |_call| {
                    $(
                        // SAFETY: as the caller promises
                        #[allow(unused_variables)]
                        let $arg = unsafe {
                            <$type as $crate::arg::Arg>::take($arg, _call, stringify!($arg))?
                        };
                    )*
                    _call.settle()?;
                    $(let $call = &*_call;)?
                    $body
                })
            }
        )*

        $($(
            #[doc = concat!("The C API's `", stringify!($plain_name), "`.")]
            ///
            /// # Safety
            /// Pointers that are not handles are null or point to what the C API says.
            #[allow(clippy::too_many_arguments)]
            #[unsafe(no_mangle)]
            pub unsafe extern "C" fn $plain_name($($plain_arg: $plain_type),*) $(-> $plain_ret)? {
                $crate::call::run_plain(|| $plain_body)
            }
        )*)?

        /// The functions declared here.
        pub(crate) const EXPORTS: &[$crate::declare::Export] = &[
            $($crate::declare::Export {
                name: stringify!($name),
                since: $since,
                header: $crate::declare::Header::$header,
                arguments: Some(&[$((
                    stringify!($arg),
                    <<$type as $crate::arg::Arg>::C as $crate::ctype::CType>::name,
                )),*]),
                result: <<$ret as $crate::ret::Ret>::C as $crate::ctype::CType>::name,
            },)*
            $($($crate::declare::Export {
                name: stringify!($plain_name),
                since: $plain_since,
                header: $crate::declare::Header::$header,
                arguments: Some(&[$((
                    stringify!($plain_arg),
                    <$plain_type as $crate::ctype::CType>::name,
                )),*]),
                result: <exports!(@result $($plain_ret)?) as $crate::ctype::CType>::name,
            },)*)?
        ];
    };
    (@result) => { () };
    (@result $ret:ty) => { $ret };
}

/// Declares structs whose fields C may see, with C's names and order.
macro_rules! structs {
    ($(
        $(#[$meta:meta])*
        $name:ident { $($field:ident: $type:ty),* $(,)? }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug)]
            #[repr(C)]
            #[allow(missing_docs)]
            pub struct $name {
                $(pub $field: $type,)*
            }

            impl $crate::ctype::CType for $name {
                fn name() -> String {
                    stringify!($name).to_owned()
                }
                fn pointer() -> String {
                    concat!(stringify!($name), "Ptr").to_owned()
                }
            }
        )*

        /// The structs declared here.
        pub(crate) const STRUCTS: &[$crate::declare::TypeDef] = &[
            $($crate::declare::TypeDef {
                name: stringify!($name),
                result: None,
                members: &[$((stringify!($field), <$type as $crate::ctype::CType>::name)),*],
                layout: Some((size_of::<$name>(), &[$(std::mem::offset_of!($name, $field)),*])),
            },)*
        ];
    };
}

/// Declares types of functions that C gives: a null pointer of such a type is `None`.
macro_rules! callbacks {
    ($(
        $(#[$meta:meta])*
        $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?;
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[repr(transparent)]
            // callbacks are told apart by where they are
            #[allow(unpredictable_function_pointer_comparisons)]
            pub struct $name(pub Option<unsafe extern "C" fn($($type),*) $(-> $ret)?>);

            impl $crate::ctype::CType for $name {
                fn name() -> String {
                    stringify!($name).to_owned()
                }
            }

            impl $name {
                /// Where it is.
                #[allow(dead_code)]
                pub(crate) fn address(self) -> usize {
                    self.0.map_or(0, |function| function as usize)
                }
            }
        )*

        /// The types of functions declared here.
        pub(crate) const CALLBACKS: &[$crate::declare::TypeDef] = &[
            $($crate::declare::TypeDef {
                name: stringify!($name),
                result: Some(<callbacks!(@result $($ret)?) as $crate::ctype::CType>::name),
                members: &[$((stringify!($arg), <$type as $crate::ctype::CType>::name)),*],
                layout: None,
            },)*
        ];
    };
    (@result) => { () };
    (@result $ret:ty) => { $ret };
}

/// Declares what handles seem to point to.
macro_rules! opaque {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("What a `", stringify!($name), "Ptr` seems to point to.")]
            #[derive(Debug)]
            #[repr(C)]
            pub struct $name {
                _private: [u8; 0],
            }

            impl $crate::ctype::CType for $name {
                fn name() -> String {
                    stringify!($name).to_owned()
                }
                fn pointer() -> String {
                    concat!(stringify!($name), "Ptr").to_owned()
                }
            }
        )*

        /// The types whose inside C does not see.
        pub(crate) const OPAQUE: &[&str] = &[$(stringify!($name)),*];
    };
}

pub(crate) use {callbacks, exports, opaque, structs};
