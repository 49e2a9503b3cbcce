//! Directories of a guest go with it.

use std::path::Path;

/// Removes a directory with all that is in it; what goes wrong is only logged.
pub(super) fn remove_directory(path: &Path) {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!("cannot remove {}: {e}", path.display());
        }
        _ => {}
    }
}
