//! Where the bytes of disks are, as far as QEMU can get at them.

use virtus_base::Result;
use virtus_conf::domain::device::disk::Disk;
use virtus_conf::domain::device::storage::{
    BackingStore, EncryptionEngine, EncryptionFormat, Location, NetProtocol, NetTransport, NetworkSource,
    StorageSource,
};

use super::{Checks, unsupported};

impl Checks<'_> {
    pub(super) fn disk_storage(&self, disk: &Disk) -> Result<()> {
        self.image(disk.driver.format.as_deref(), disk.driver.metadata_cache_max, &disk.source)?;
        if disk.driver.options.discard_no_unref.is_some() && disk.driver.format.as_deref() != Some("qcow2") {
            return Err(unsupported("'discard_no_unref' only works with qcow2 disk format"));
        }
        let mut next = disk.backing.as_ref();
        while let Some(BackingStore::Image(image)) = next {
            self.image(image.format.as_deref(), image.metadata_cache_max, &image.source)?;
            next = image.backing.as_ref();
        }
        Ok(())
    }

    /// One image of a chain.
    pub(super) fn image(
        &self,
        format: Option<&str>,
        cache: Option<u64>,
        source: &StorageSource,
    ) -> Result<()> {
        match format {
            Some("cow") => return Err(unsupported("'cow' storage format is not supported")),
            Some("iso") => {
                return Err(unsupported(
                    "storage format 'iso' is not directly supported by QEMU, use 'raw' instead",
                ));
            }
            Some("dir") => {
                return Err(unsupported(
                    "'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead",
                ));
            }
            _ => {}
        }
        if let (Location::Dir(_), Some(format)) =
            (&source.location, format.filter(|f| *f != "fat" && *f != "raw"))
        {
            return Err(unsupported(format!(
                "storage type 'dir' requires use of storage format 'fat' not '{format}'"
            )));
        }
        if cache.is_some() && format != Some("qcow2") {
            return Err(unsupported("metadata cache max size control is supported only with qcow2 images"));
        }
        if let Some(encryption) = &source.common.encryption {
            let luks = matches!(
                encryption.format,
                EncryptionFormat::Luks | EncryptionFormat::Luks2 | EncryptionFormat::LuksAny
            );
            if !luks {
                return Err(unsupported("old qcow/qcow2 encryption is not supported"));
            }
            if !matches!(format, None | Some("raw" | "qcow2")) {
                return Err(unsupported("encryption is supported only with 'raw' and 'qcow2' image format"));
            }
            let network = matches!(source.location, Location::Network(_));
            if encryption.engine == Some(EncryptionEngine::Librbd) && !network {
                return Err(unsupported("librbd encryption is supported only with RBD backed disks"));
            }
        }
        match &source.location {
            Location::Network(network) => self.network_image(network),
            Location::VhostVdpa(_) => {
                self.need("virtio-blk-vhost-vdpa", "vhostvdpa disk is not supported with this QEMU binary")
            }
            Location::Nvme(_) => {
                self.need("drive-nvme", "NVMe disks are not supported with this QEMU binary")
            }
            _ => Ok(()),
        }
    }

    fn network_image(&self, network: &NetworkSource) -> Result<()> {
        let protocol = network.protocol;
        let web = matches!(
            protocol,
            Some(NetProtocol::Http | NetProtocol::Https | NetProtocol::Ftp | NetProtocol::Ftps)
        );
        if protocol == Some(NetProtocol::Vxhs) {
            return Err(unsupported("VxHS protocol is not supported with this QEMU binary"));
        }
        if protocol == Some(NetProtocol::Tftp) {
            return Err(unsupported("'tftp' protocol is not supported with this QEMU binary"));
        }
        if network.query.is_some() && !matches!(protocol, Some(NetProtocol::Http | NetProtocol::Https)) {
            return Err(unsupported("query is supported only with HTTP(S) protocols"));
        }
        if network.readahead.is_some() && !web {
            return Err(unsupported("readahead is supported only with HTTP(S)/FTP(s) protocols"));
        }
        if network.timeout.is_some() && !web {
            return Err(unsupported("timeout is supported only with HTTP(S)/FTP(s) protocols"));
        }
        if network.tls_hostname.is_some() && protocol != Some(NetProtocol::Nbd) {
            return Err(unsupported("'tlsHostname' field is supported only with NBD disks"));
        }
        if network.reconnect_delay.is_some() && protocol != Some(NetProtocol::Nbd) {
            return Err(unsupported("reconnect delay is supported only with NBD protocol"));
        }
        if protocol == Some(NetProtocol::Nfs) {
            let [host] = network.hosts.as_slice() else {
                return Err(unsupported("'nfs' protocol requires the usage of exactly one host"));
            };
            if !matches!(host.transport, None | Some(NetTransport::Tcp)) {
                return Err(unsupported("'nfs' host must use TCP protocol"));
            }
            if host.port.is_some() {
                return Err(unsupported("port cannot be specified in 'nfs' protocol host"));
            }
        }
        Ok(())
    }
}
