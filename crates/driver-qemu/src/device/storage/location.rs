//! Where an image is, as its storage node's properties.

use serde_json::{Value, json};
use virtus_base::{Error, ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::device::storage::{
    BlockSource, EncryptionEngine, EncryptionFormat, FileSource, Location, NetHost, NetProtocol,
    NetTransport, NetworkSource, StorageSource,
};

use super::{Names, Opening};
use crate::command::guest::{Guest, internal, unsupported};
use crate::command::props::Props;

pub(super) fn props(
    guest: &Guest<'_>,
    source: &StorageSource,
    names: &Names,
    opening: &Opening<'_>,
    aio: Option<&str>,
) -> Result<Props> {
    let local = |driver: &str, path: &Option<String>| {
        Props::device(driver)
            .with("filename", path.clone().unwrap_or_default())
            .maybe("aio", aio)
            .maybe("pr-manager", reservations(source, names, opening))
    };
    Ok(match &source.location {
        Location::File(FileSource { fdgroup: Some(group), .. })
        | Location::Block(BlockSource { fdgroup: Some(group), .. }) => {
            return Err(Error::new(
                ErrorDomain::QEMU,
                ErrorCode::INVALID_ARG,
                format!("file descriptor group '{group}' was not associated with the domain"),
            ));
        }
        Location::File(file) => local("file", &file.file),
        Location::Block(block) => local("host_device", &block.dev),
        Location::Dir(dir) => Props::device("vvfat")
            .with("dir", dir.dir.clone().unwrap_or_default())
            .with("floppy", opening.floppy)
            .with("rw", !opening.readonly),
        Location::Nvme(nvme) => {
            let address = nvme.address.ok_or_else(|| internal("NVMe disk without an address"))?;
            Props::device("nvme")
                .with("device", address.to_string())
                .with("namespace", nvme.namespace.unwrap_or(1))
        }
        Location::VhostVdpa(vdpa) => {
            Props::device("virtio-blk-vhost-vdpa").with("path", vdpa.dev.clone().unwrap_or_default())
        }
        Location::VhostUser(_) => {
            return Err(internal("unable to create blockdev props for vhostuser disk type"));
        }
        // a pool's volume is replaced by what it is before
        Location::Volume(volume) => {
            let pool = volume.pool.as_deref().unwrap_or_default();
            let name = volume.volume.clone().unwrap_or_default();
            if let Some(place) = guest.context.volumes.get(&(pool.to_owned(), name)) {
                let driver = if place.block { "host_device" } else { "file" };
                return Ok(local(driver, &Some(place.path.clone())));
            }
            return Err(Error::new(
                ErrorDomain::STORAGE,
                ErrorCode::NO_STORAGE_POOL,
                format!("no storage pool with matching name '{pool}'"),
            ));
        }
        Location::Network(network) => remote(guest, source, network, names)?,
    })
}

/// The helper through which SCSI reservations go: one of the daemon's for all disks, or the user's own.
fn reservations(source: &StorageSource, _: &Names, opening: &Opening<'_>) -> Option<String> {
    let reservations = source.common.reservations.as_ref().filter(|_| opening.top)?;
    Some(match reservations.managed.is_true() {
        true => "pr-helper0".to_owned(),
        false => format!("pr-helper-libvirt-{}", source.common.index.unwrap_or(0)),
    })
}

/// The port a protocol has when none is named.
fn default_port(protocol: NetProtocol) -> &'static str {
    match protocol {
        NetProtocol::Http => "80",
        NetProtocol::Https => "443",
        NetProtocol::Ftp => "21",
        NetProtocol::Ftps => "990",
        NetProtocol::Tftp => "69",
        NetProtocol::Sheepdog => "7000",
        NetProtocol::Nbd => "10809",
        NetProtocol::Ssh => "22",
        NetProtocol::Iscsi => "3260",
        NetProtocol::Gluster => "24007",
        NetProtocol::Nfs => "2049",
        NetProtocol::Vxhs => "9999",
        NetProtocol::Rbd => "0",
    }
}

fn host_name(host: &NetHost) -> String {
    host.name.clone().unwrap_or_default()
}

fn host_port(host: &NetHost, protocol: NetProtocol) -> String {
    host.port.clone().unwrap_or_else(|| default_port(protocol).to_owned())
}

/// A server as QEMU's `SocketAddress`; `legacy` for those drivers that leave out the type of TCP.
fn server(host: &NetHost, protocol: NetProtocol, legacy: bool) -> Value {
    match host.transport {
        Some(NetTransport::Unix) => {
            json!({"type": "unix", "path": host.socket.clone().unwrap_or_default()})
        }
        _ if legacy => json!({"host": host_name(host), "port": host_port(host, protocol)}),
        _ => json!({"type": "inet", "host": host_name(host), "port": host_port(host, protocol)}),
    }
}

fn only_host<'a>(network: &'a NetworkSource, what: &str) -> Result<&'a NetHost> {
    match network.hosts.as_slice() {
        [host] => Ok(host),
        _ => Err(internal(format!("{what} protocol accepts only one host"))),
    }
}

fn remote(
    guest: &Guest<'_>,
    source: &StorageSource,
    network: &NetworkSource,
    names: &Names,
) -> Result<Props> {
    let protocol = network.protocol.ok_or_else(|| internal("network disk without a protocol"))?;
    let name = network.name.clone().unwrap_or_default();
    let auth = source.common.auth.as_ref();
    let user = auth.map(|auth| auth.username.clone());
    let secret = auth.map(|_| format!("{}-auth-secret0", names.storage()));
    Ok(match protocol {
        NetProtocol::Nbd => {
            let host = only_host(network, "nbd")?;
            let tls = network.tls.is_some_and(|tls| tls.is_true());
            Props::device("nbd")
                .with("server", server(host, protocol, false))
                .maybe("export", network.name.clone())
                .maybe("tls-creds", tls.then(|| format!("obj{}_tls0", names.storage())))
                .maybe(
                    "tls-hostname",
                    network.tls_hostname.clone().filter(|_| guest.has("blockdev.nbd.tls-hostname")),
                )
                .maybe("reconnect-delay", network.reconnect_delay.filter(|delay| *delay > 0))
        }
        NetProtocol::Rbd => rbd(source, network, names, user, secret),
        NetProtocol::Gluster => {
            let (volume, path) = name.split_once('/').ok_or_else(|| {
                internal(format!("missing volume name or file name in gluster source path '{name}'"))
            })?;
            let servers: Vec<Value> =
                network.hosts.iter().map(|host| server(host, protocol, false)).collect();
            Props::device("gluster")
                .with("volume", volume)
                .with("path", path)
                .with("server", servers)
                .with("debug", 4)
        }
        NetProtocol::Iscsi => {
            let host = only_host(network, "iSCSI")?;
            let (target, lun) =
                name.rsplit_once('/').map_or((name.as_str(), "0"), |(target, lun)| (target, lun));
            let lun: u32 = lun
                .parse()
                .map_err(|_| internal(format!("Failed to parse target for iSCSI source '{name}'")))?;
            let portal_host = host_name(host);
            let portal_host =
                if portal_host.contains(':') { format!("[{portal_host}]") } else { portal_host };
            Props::device("iscsi")
                .with("portal", format!("{portal_host}:{}", host_port(host, protocol)))
                .with("target", target)
                .with("lun", lun)
                .with("transport", "tcp")
                .maybe("user", user)
                .maybe("password-secret", secret)
                .maybe("initiator-name", source.common.initiator.clone())
        }
        NetProtocol::Http | NetProtocol::Https | NetProtocol::Ftp | NetProtocol::Ftps | NetProtocol::Tftp => {
            let host = only_host(network, "HTTP")?;
            let query = network.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            let address = host_name(host);
            let address = if address.contains(':') { format!("[{address}]") } else { address };
            let url = format!(
                "{}://{address}:{}/{}{query}",
                protocol.as_str(),
                host_port(host, protocol),
                name.trim_start_matches('/')
            );
            Props::device(protocol.as_str())
                .with("url", url)
                .maybe("username", user)
                .maybe("password-secret", secret)
                .switch("sslverify", network.ssl_verify)
                .maybe(
                    "cookie-secret",
                    (!network.cookies.is_empty()).then(|| format!("{}-httpcookie-secret0", names.storage())),
                )
                .maybe("timeout", network.timeout.filter(|timeout| *timeout > 0))
                .maybe("readahead", network.readahead.filter(|size| *size > 0))
        }
        NetProtocol::Ssh => {
            let host = only_host(network, "ssh")?;
            let identity = network.identity.as_ref();
            Props::device("ssh")
                .with("path", name)
                .with("server", server(host, protocol, true))
                .maybe("user", identity.and_then(|identity| identity.username.clone()).or(user))
        }
        NetProtocol::Nfs => {
            let host = only_host(network, "nfs")?;
            let number = |text: &Option<String>| {
                text.as_ref().and_then(|text| text.trim_start_matches('+').parse::<i64>().ok())
            };
            let identity = network.identity.as_ref();
            Props::device("nfs")
                .with("server", json!({"host": host_name(host), "type": "inet"}))
                .with("path", name)
                .maybe("user", identity.and_then(|identity| number(&identity.user)))
                .maybe("group", identity.and_then(|identity| number(&identity.group)))
        }
        NetProtocol::Vxhs | NetProtocol::Sheepdog => {
            return Err(unsupported(format!(
                "'{}' protocol is not supported with this QEMU binary",
                protocol.as_str()
            )));
        }
    })
}

fn rbd(
    source: &StorageSource,
    network: &NetworkSource,
    names: &Names,
    user: Option<String>,
    secret: Option<String>,
) -> Props {
    let name = network.name.clone().unwrap_or_default();
    let (pool, image) = name.split_once('/').unwrap_or((name.as_str(), ""));
    let servers: Vec<Value> = network.hosts.iter().map(|host| server(host, NetProtocol::Rbd, true)).collect();
    let encrypt = source
        .common
        .encryption
        .as_ref()
        .filter(|encryption| encryption.engine == Some(EncryptionEngine::Librbd))
        .and_then(|encryption| {
            let format = match encryption.format {
                EncryptionFormat::Luks => "luks",
                EncryptionFormat::Luks2 => "luks2",
                _ => "luks-any",
            };
            // each secret opens one layer of clones, the image itself first
            (0..encryption.secrets.len()).rev().fold(None, |parent: Option<Value>, layer| {
                let props = Props::new()
                    .with("format", format)
                    .with("key-secret", format!("{}-encryption-secret{layer}", names.storage()))
                    .maybe("parent", parent);
                Some(props.into())
            })
        });
    Props::device("rbd")
        .with("pool", pool)
        .with("image", image)
        .maybe("snapshot", network.snapshot.clone())
        .maybe("conf", network.config.clone())
        .maybe("server", (!servers.is_empty()).then_some(servers))
        .maybe("encrypt", encrypt)
        .maybe("user", user)
        .maybe("auth-client-required", secret.as_ref().map(|_| vec!["cephx", "none"]))
        .maybe("key-secret", secret)
}
