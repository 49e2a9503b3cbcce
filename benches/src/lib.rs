//! Benchmarks of the daemon and its parts. None yet.
