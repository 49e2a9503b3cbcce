//! The images of a disk that joins, or gets another medium.

use virtus_base::Result;
use virtus_conf::domain as conf;
use virtus_conf::domain::device::Disk;

use super::Site;
use crate::process::{chain, volumes};

/// Finds out what an image builds on, which may wait for another host, and numbers the images.
pub(super) async fn look_at(site: &Site<'_>, model: &conf::Domain, disk: &mut Box<Disk>) -> Result<()> {
    site.number(model, disk);
    let mut looked = disk.clone();
    let places = volumes::places([&**disk], &*site.shared.setup.volumes)?;
    *disk = site
        .shared
        .blocking(move || {
            chain::chain(&mut looked, &places, None)?;
            Ok(looked)
        })
        .await?;
    site.number(model, disk);
    Ok(())
}
