//! Benchmarks; each is a file of `benches/`, and the README says how they are run.
