//! Storage: the `<pool>` and `<volume>` documents.

mod adapter;
mod auth;
mod kind;
mod read;
mod source;
mod volume;
mod write;

pub use adapter::Adapter;
pub use auth::{Auth, AuthType, SecretLookup};
pub use kind::{Kind, Needs};
pub use source::{Device, Host, Source};
pub use volume::{Capacity, Features, Time, Timestamps, Volume, VolumeFormat, VolumeKind, VolumeTarget};

use virtus_base::{Error, ErrorCode, ErrorDomain, Uuid};

/// The namespace of `<fs:mount_opts>`.
pub const FS_NAMESPACE: &str = "http://libvirt.org/schemas/storagepool/fs/1.0";
/// The namespace of `<rbd:config_opts>`.
pub const RBD_NAMESPACE: &str = "http://libvirt.org/schemas/storagepool/rbd/1.0";

/// Who owns a pool's target, and who may do what with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The file mode.
    pub mode: Option<u32>,
    /// The user's number.
    pub owner: Option<u32>,
    /// The group's number.
    pub group: Option<u32>,
    /// The security label.
    pub label: Option<String>,
}

/// Where a pool's volumes are seen on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The directory.
    pub path: String,
    /// Its permissions.
    pub permissions: Permissions,
}

/// A pool's sizes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// All there is.
    pub capacity: u64,
    /// What is used.
    pub allocation: u64,
    /// What is free.
    pub available: u64,
}

/// A pool's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What kind of storage it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub uuid: Uuid,
    /// Whether the file system is told not to copy on write.
    pub cow: Option<virtus_xml::YesNo>,
    /// How much it holds; known while it is active.
    pub sizes: Sizes,
    /// Where the storage comes from.
    pub source: Source,
    /// Where its volumes are seen; `None` for storage QEMU reaches by itself.
    pub target: Option<Target>,
    /// Options for mounting it.
    pub mount_options: Vec<String>,
    /// Settings for librados: name and value.
    pub rbd_options: Vec<(String, String)>,
}

pub(crate) fn xml_error(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::STORAGE, ErrorCode::XML_ERROR, text)
}

pub(crate) fn unsupported(text: impl Into<String>) -> Error {
    Error::new(ErrorDomain::STORAGE, ErrorCode::CONFIG_UNSUPPORTED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NFS: &str = "<pool type='netfs' xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'>
  <name>images</name>
  <uuid>7641d5a8-af11-f730-a34e-0a7dfcede71f</uuid>
  <capacity unit='bytes'>0</capacity>
  <allocation unit='bytes'>0</allocation>
  <available unit='bytes'>0</available>
  <source>
    <host name='localhost'/>
    <dir path='/var/lib/libvirt/images'/>
    <format type='nfs'/>
    <protocol ver='4.1'/>
  </source>
  <target>
    <path>/mnt</path>
    <permissions>
      <mode>0700</mode>
      <owner>0</owner>
      <group>0</group>
    </permissions>
  </target>
  <fs:mount_opts>
    <fs:option name='sync'/>
  </fs:mount_opts>
</pool>
";

    #[test]
    fn a_pool_comes_back_as_it_went_in() {
        assert_eq!(Pool::parse(NFS, true).unwrap().format(), NFS);
        for body in [
            "<pool type='disk'><name>p</name><source><device path='/dev/sdx' part_separator='no'/></source><target><path>/dev</path></target></pool>",
            "<pool type='logical'><name>vg</name></pool>",
            "<pool type='scsi'><name>p</name><source><adapter type='fc_host' wwnn='2000000012341234' wwpn='1000000012341234'/></source><target><path>/dev</path></target></pool>",
            "<pool type='iscsi'><name>p</name><source><host name='h' port='3261'/><device path='iqn.2013-06.org.example:x'/><auth type='chap' username='u'><secret usage='s'/></auth></source><target><path>/d</path></target></pool>",
            "<pool type='rbd'><source><name>r</name><host name='h'/></source></pool>",
        ] {
            let source = if body.contains("logical") {
                body.replace("</name>", "</name><source><device path='/dev/sdx'/></source>")
            } else {
                body.to_owned()
            };
            let written = Pool::parse(&source, false).unwrap().format();
            assert_eq!(Pool::parse(&written, true).unwrap().format(), written);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, want) in [
            (
                "type='netfs'",
                "type='bogus'",
                "XML error: Invalid value for attribute 'type' in element 'pool': 'bogus'.",
            ),
            ("<host name='localhost'/>", "", "XML error: missing storage pool source host name"),
            ("<host name='localhost'/>", "<host/>", "XML error: missing storage pool host name"),
            ("type='nfs'", "type='no'", "unsupported configuration: unknown pool format type no"),
            ("<path>/mnt</path>", "", "XML error: missing storage pool target path"),
            ("0700", "9", "XML error: malformed octal mode"),
            ("<owner>0<", "<owner>bob<", "XML error: malformed owner element"),
            ("<name>images</name>", "", "XML error: missing pool source name element"),
            (
                "'nfs'",
                "'glusterfs'",
                "unsupported configuration: storage pool protocol ver unsupported for pool type 'glusterfs'",
            ),
        ] {
            assert_eq!(Pool::parse(&NFS.replace(from, to), false).unwrap_err().message(), want);
        }
    }
}
