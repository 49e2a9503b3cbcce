//! What a hypervisor knows of CPU models.

/// A hypervisor's list of models.
pub trait Hypervisor: std::fmt::Debug + Sync {
    /// What it says of a model; `None` when it does not know it.
    fn model(&self, name: &str) -> Option<HypervisorModel<'_>>;
}

/// One model of a hypervisor.
#[derive(Clone, Copy, Debug, Default)]
pub struct HypervisorModel<'a> {
    /// The features, by libvirt's names, that keep it from being used here.
    pub blockers: &'a [String],
}
