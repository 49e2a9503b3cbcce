//! Where this host has huge pages as files.

/// The size of huge pages of which no size is said, in KiB.
pub fn default_huge_page() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The file systems of huge pages: the size of their pages in KiB, and where they are mounted; the first of each size.
pub fn huge_page_mounts() -> Vec<(u64, String)> {
    let text = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut found: Vec<(u64, String)> = Vec::new();
    for path in mount_points(&text) {
        let size = rustix::fs::statfs(&*path).ok().and_then(|fs| u64::try_from(fs.f_bsize).ok());
        let Some(size) = size.map(|bytes| bytes / 1024).filter(|size| *size > 0) else { continue };
        if found.iter().all(|(of, _)| *of != size) {
            found.push((size, path));
        }
    }
    found
}

fn mount_points(mounts: &str) -> Vec<String> {
    let lines = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    // the kernel writes blanks and the like as octal numbers
    let plain = |path: &str| path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\");
    lines
        .filter(|fields| fields.get(2) == Some(&"hugetlbfs"))
        .filter_map(|f| Some(plain(f.get(1)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn mount_points_are_found_by_their_type() {
        let text = "proc /proc proc rw 0 0\nh /dev/huge\\040pages hugetlbfs rw,pagesize=2M 0 0\n";
        assert_eq!(super::mount_points(text), ["/dev/huge pages"]);
    }
}
