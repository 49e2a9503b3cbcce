//! Free pages by size, and the pools of huge ones.

use virtus_base::{Error, ErrorCode, ErrorDomain};

use super::Node;
use super::memory::{check_start, field, pool, pool_directory};

/// A pool to change: page size in KiB and how many pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PagePool {
    pub size_kib: u32,
    pub count: u64,
}

impl Node {
    /// Free pages of the given sizes (KiB) in `count` cells from `start` on, or in the whole host (`None`): one row for
    /// each cell.
    ///
    /// # Errors
    /// libvirt's errors for a size or a cell that does not exist.
    pub fn free_pages(&self, sizes: &[u32], start: Option<u32>, count: u32) -> Result<Vec<Vec<u64>>, Error> {
        let topology = self.topology();
        let Some(start) = start else {
            return Ok(vec![sizes.iter().map(|s| self.free_in(None, *s)).collect::<Result<_, _>>()?]);
        };
        let last = topology.max_cell();
        check_start(start, last)?;
        let end = start.saturating_add(count).min(last.saturating_add(1));
        (start..end).map(|cell| sizes.iter().map(|s| self.free_in(Some(cell), *s)).collect()).collect()
    }

    fn free_in(&self, cell: Option<u32>, size: u32) -> Result<u64, Error> {
        let topology = self.topology();
        let cell = cell.filter(|_| topology.numa);
        if topology.page_sizes_kib.first() == Some(&size) {
            let path = match cell {
                None => self.path("proc/meminfo"),
                Some(id) => self.path(&format!("sys/devices/system/node/node{id}/meminfo")),
            };
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let free = field(&text, "MemFree").unwrap_or(0);
            return Ok(free / u64::from(size).max(1));
        }
        pool(&self.root, cell, size, "free_hugepages").ok_or_else(|| not_available(cell, size))
    }

    /// Changes the pools of `count` cells from `start` on, or the host's (`None`): to `pages.count` pages, or by that
    /// many more when `add`. Gives how many pools were changed.
    ///
    /// # Errors
    /// libvirt's errors for a size or a cell that does not exist; when the kernel refuses or gives fewer.
    pub fn allocate_pages(
        &self,
        pages: &[PagePool],
        start: Option<u32>,
        count: u32,
        add: bool,
    ) -> Result<u32, Error> {
        let topology = self.topology();
        let cells: Vec<Option<u32>> = match start {
            None => vec![None],
            Some(start) => {
                let last = topology.max_cell();
                check_start(start, last)?;
                let end = start.saturating_add(count).min(last.saturating_add(1));
                (start..end).map(|id| Some(id).filter(|_| topology.numa)).collect()
            }
        };
        let mut changed: u32 = 0;
        for cell in cells {
            for page in pages {
                self.set_pool(cell, *page, add)?;
                changed = changed.saturating_add(1);
            }
        }
        Ok(changed)
    }

    fn set_pool(&self, cell: Option<u32>, page: PagePool, add: bool) -> Result<(), Error> {
        if self.topology().page_sizes_kib.first() == Some(&page.size_kib) {
            let text = "system pages pool can't be modified";
            return Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_UNSUPPORTED, text));
        }
        let now = |file| pool(&self.root, cell, page.size_kib, file);
        let before = now("nr_hugepages").ok_or_else(|| not_available(cell, page.size_kib))?;
        let wanted = if add { before.saturating_add(page.count) } else { page.count };
        let path = pool_directory(&self.root, cell, page.size_kib).join("nr_hugepages");
        std::fs::write(&path, wanted.to_string()).map_err(|e| {
            Error::system(ErrorDomain::NONE, format!("Unable to write to: {}", path.display()), &e)
        })?;
        let got = now("nr_hugepages").unwrap_or(0);
        if got == wanted {
            return Ok(());
        }
        let text = format!("Unable to allocate {wanted} pages. Allocated only {got}");
        Err(Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_FAILED, text))
    }
}

fn not_available(cell: Option<u32>, size: u32) -> Error {
    let text = match cell {
        None => format!("page size {size} is not available"),
        Some(cell) => format!("page size {size} is not available on node {cell}"),
    };
    Error::new(ErrorDomain::NONE, ErrorCode::OPERATION_FAILED, text)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::tree;
    use super::*;

    #[test]
    fn pools_are_read_and_changed_per_cell() {
        let pool = "sys/devices/system/node/node0/hugepages/hugepages-2048kB";
        let root = tree(&[
            ("proc/meminfo", "MemTotal: 100000 kB\nMemFree: 8000 kB\n"),
            ("sys/devices/system/cpu/present", "0"),
            ("sys/devices/system/node/online", "0"),
            ("sys/devices/system/node/node0/cpulist", "0"),
            (
                "sys/devices/system/node/node0/meminfo",
                "Node 0 MemTotal: 100000 kB\nNode 0 MemFree: 4000 kB\n",
            ),
            ("sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "9"),
            (&format!("{pool}/nr_hugepages"), "4"),
            (&format!("{pool}/free_hugepages"), "2"),
        ]);
        let node = Node::at(root.path()).unwrap();
        let page = node.topology().page_sizes_kib[0];
        let free = |kib: u64| kib / u64::from(page);
        assert_eq!(node.free_pages(&[page, 2048], Some(0), 9).unwrap(), [[free(4000), 2]]);
        assert_eq!(node.free_pages(&[page, 2048], None, 1).unwrap(), [[free(8000), 9]]);
        assert_eq!(
            node.free_pages(&[7], Some(0), 1).unwrap_err().message(),
            "operation failed: page size 7 is not available on node 0"
        );
        let more = PagePool { size_kib: 2048, count: 3 };
        assert_eq!(node.allocate_pages(&[more], Some(0), 1, true).unwrap(), 1);
        assert_eq!(super::pool(root.path(), Some(0), 2048, "nr_hugepages"), Some(7));
        let ordinary = PagePool { size_kib: page, count: 3 };
        assert_eq!(
            node.allocate_pages(&[ordinary], None, 1, false).unwrap_err().message(),
            "Operation not supported: system pages pool can't be modified"
        );
    }
}
