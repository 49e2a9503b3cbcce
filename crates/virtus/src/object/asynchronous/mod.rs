//! The same objects for programs whose tasks must not wait: each method of the blocking ones, to be awaited.
//! A call occupies one of tokio's blocking threads until its reply is there; waiting for events and the time between
//! calls occupy none. The runtime needs its I/O and time drivers (`enable_all`).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> virtus::Result<()> {
//! use virtus::asynchronous::Connection;
//!
//! let connection = Connection::open("test:///default").await?;
//! let domain = connection.lookup_domain_by_name("test").await?;
//! assert!(domain.is_active().await?);
//! # Ok(()) }
//! ```

mod connection;
mod stream;

use super::*;

pub use stream::Stream;

/// Has `call` made by a thread that may wait.
pub(crate) async fn run<R: Send + 'static>(
    connection: &crate::Connection,
    call: impl FnOnce(&crate::Connection) -> Result<R> + Send + 'static,
) -> Result<R> {
    let connection = connection.clone();
    blocking(move || call(&connection)).await
}

async fn blocking<R: Send + 'static>(call: impl FnOnce() -> Result<R> + Send + 'static) -> Result<R> {
    tokio::task::spawn_blocking(call).await.unwrap_or_else(|e| {
        Err(Error::new(ErrorDomain::NONE, ErrorCode::INTERNAL_ERROR, format!("the call was given up: {e}")))
    })
}

macro_rules! asynchronous {
    ($($object:ident($($reference:ident)?);)*) => {$(
        #[doc = concat!("[`", stringify!($object), "`](crate::", stringify!($object), ") with methods to be awaited.")]
        #[derive(Clone, Debug)]
        pub struct $object(crate::$object);

        impl $object {
            /// The object whose methods wait.
            pub fn blocking(&self) -> &crate::$object {
                &self.0
            }
        }

        impl From<crate::$object> for $object {
            fn from(object: crate::$object) -> Self {
                $object(object)
            }
        }

        $(
            impl $object {
                fn new(connection: crate::Connection, reference: $reference) -> Self {
                    $object(crate::$object::new(connection, reference))
                }

                /// How calls name it.
                pub fn reference(&self) -> &$reference {
                    self.0.reference()
                }
            }

            named!($object $reference);
        )?
    )*};
}

asynchronous! {
    Connection();
    Admin();
    Domain(DomainRef);
    Network(NetworkRef);
    NetworkPort(NetworkPortRef);
    Interface(InterfaceRef);
    StoragePool(StoragePoolRef);
    StorageVolume(StorageVolRef);
    NodeDevice(NodeDeviceRef);
    NwFilter(NwfilterRef);
    NwFilterBinding(NwfilterBindingRef);
    Secret(SecretRef);
    DomainSnapshot(DomainSnapshotRef);
    DomainCheckpoint(DomainCheckpointRef);
    AdminServer(ServerRef);
    AdminClient(ClientRef);
}

impl ToWire<String> for &NodeDevice {
    fn to_wire(self) -> String {
        self.0.name().to_owned()
    }
}

impl Admin {
    /// Connects to the administration of a daemon.
    ///
    /// # Errors
    /// See [`Connection::open_admin`](crate::Connection::open_admin).
    pub async fn open(uri: Option<&str>) -> Result<Self> {
        let uri = uri.map(str::to_owned);
        blocking(move || crate::Admin::open(uri.as_deref())).await.map(Admin)
    }
}
