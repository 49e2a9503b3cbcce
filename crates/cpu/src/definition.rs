//! `<cpu>` as a document of its own: a host's CPU, or one that a guest shall have.

use virtus_base::{ErrorCode, ErrorDomain, Result};
use virtus_conf::domain::cpu::{Cpu, CpuFallback, CpuFeature, CpuMatch, CpuMode, CpuModel, FeaturePolicy};
use virtus_conf::domain::schema;
use virtus_conf::host_cpu::{HostCpu, Signature};
use virtus_xml::{Document, ReadOptions, WriteOptions, Writer, Xml};

use crate::error;

/// Whose CPU is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A host's: it has exactly the features listed, beside those of its model.
    Host,
    /// A guest's: its features have policies.
    Guest,
}

/// A feature with what is done about it; hosts' features have no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Feature {
    pub name: String,
    pub policy: Option<FeaturePolicy>,
}

/// A CPU's model and features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Whose it is.
    pub kind: Kind,
    /// The architecture, by libvirt's name; guests' CPUs leave it to the domain.
    pub arch: Option<String>,
    /// Where a guest's model comes from; none is custom.
    pub mode: Option<CpuMode>,
    /// How exactly a guest's CPU has to be so.
    pub match_: Option<CpuMatch>,
    /// The model's name.
    pub model: Option<String>,
    /// Whether a model that cannot be had may be replaced.
    pub fallback: CpuFallback,
    /// The vendor string that the guest sees.
    pub vendor_id: Option<String>,
    /// The maker, by libvirt's name.
    pub vendor: Option<String>,
    /// What the CPU calls itself, where known.
    pub signature: Option<Signature>,
    /// The features, each once.
    pub features: Vec<Feature>,
}

impl Definition {
    /// A CPU without anything.
    pub fn new(kind: Kind) -> Self {
        Definition {
            kind,
            arch: None,
            mode: None,
            match_: None,
            model: None,
            fallback: CpuFallback::Allow,
            vendor_id: None,
            vendor: None,
            signature: None,
            features: Vec::new(),
        }
    }

    /// A guest's CPU that is to be exactly what is said.
    pub(crate) fn exact() -> Self {
        Definition { match_: Some(CpuMatch::Exact), ..Definition::new(Kind::Guest) }
    }

    /// Reads a `<cpu>` document. Without a `kind`, one that names an architecture is a host's.
    ///
    /// # Errors
    /// libvirt's, for what is no CPU or makes no sense.
    pub fn parse(xml: &str, kind: Option<Kind>, strict: bool) -> Result<Self> {
        let options = ReadOptions { track: strict, ..ReadOptions::default() };
        let document = Document::parse(xml, ErrorDomain::CPU, &options)?;
        let e = document.root();
        if e.name() != "cpu" {
            return Err(error(ErrorCode::XML_ERROR, "XML does not contain expected 'cpu' element"));
        }
        let invalid = |what: &dyn std::fmt::Display| {
            let text = format!("Unable to validate doc against /usr/share/libvirt/schemas/cpu.rng\n{what}");
            virtus_base::Error::new(ErrorDomain::XML, ErrorCode::XML_INVALID_SCHEMA, text)
        };
        if strict {
            schema::follow_cpu(e).map_err(|what| invalid(&what))?;
        }
        let kind = match kind {
            Some(kind) => kind,
            None if e.child("arch").is_none() => Kind::Guest,
            None if e.attr("match").is_some() && strict => return Err(invalid(&"a host's CPU has no match")),
            None if e.attr("match").is_some() => {
                let text = "'arch' element cannot be used inside 'cpu' element with 'match' attribute'";
                return Err(error(ErrorCode::XML_ERROR, text));
            }
            None => Kind::Host,
        };
        let definition = match kind {
            Kind::Host if e.attr("mode").is_some() => {
                let text = "Attribute mode is only allowed for guest CPU";
                Err(error(ErrorCode::CONFIG_UNSUPPORTED, text))
            }
            Kind::Host => HostCpu::read(e).map(|cpu| Definition::from(&cpu)),
            Kind::Guest => Cpu::read(e).map(|cpu| {
                let mut definition = Definition::from(&cpu);
                // a CPU by itself is compared by its model, whatever its mode does with that in a domain
                definition.match_ = e.attr("match").and_then(CpuMatch::from_word).or(definition.match_);
                definition.model = e.child("model").and_then(|model| model.text());
                definition
            }),
        };
        match (strict, definition) {
            (true, Err(e)) if !schema::contradicts(&e) => Err(invalid(&e.message())),
            (true, Ok(definition)) => match document.unknown() {
                Some((kind, name, line)) => {
                    Err(invalid(&format_args!("line {line}: unexpected {kind} {name}")))
                }
                None => Ok(definition),
            },
            (_, definition) => definition,
        }
    }

    /// The document's text.
    pub fn format(&self) -> String {
        let mut w = Writer::new(WriteOptions::default());
        w.element("cpu", &self.to_cpu());
        w.finish()
    }

    /// The definition as a guest has it.
    pub fn to_cpu(&self) -> Cpu {
        let mut cpu = Cpu { mode: Some(CpuMode::Custom), match_: self.match_, ..Cpu::default() };
        self.put_model(&mut cpu);
        cpu
    }

    /// Gives a guest this model, with its vendor and its features.
    pub fn put_model(&self, cpu: &mut Cpu) {
        cpu.model = self.model.as_ref().map(|model| CpuModel {
            fallback: Some(self.fallback),
            vendor_id: self.vendor_id.clone(),
            name: Some(model.clone()),
        });
        cpu.vendor.clone_from(&self.vendor);
        let features = self.features.iter();
        cpu.features = features.map(|f| CpuFeature { policy: f.policy, name: f.name.clone() }).collect();
    }

    /// The feature of a name.
    pub fn feature(&self, name: &str) -> Option<&Feature> {
        self.features.iter().find(|feature| feature.name == name)
    }

    /// Sets what is done about a feature.
    pub fn set_feature(&mut self, name: &str, policy: Option<FeaturePolicy>) {
        match self.features.iter_mut().find(|feature| feature.name == name) {
            Some(feature) => feature.policy = policy,
            None => self.features.push(Feature { name: name.to_owned(), policy }),
        }
    }

    /// Sets what is done about a feature of which nothing is said yet.
    pub fn set_missing_feature(&mut self, name: &str, policy: FeaturePolicy) {
        if self.feature(name).is_none() {
            self.features.push(Feature { name: name.to_owned(), policy: Some(policy) });
        }
    }
}

impl From<&Cpu> for Definition {
    fn from(cpu: &Cpu) -> Self {
        let model = cpu.model.as_ref();
        Definition {
            mode: cpu.mode,
            match_: cpu.match_,
            model: model.and_then(|model| model.name.clone()),
            fallback: model.and_then(|model| model.fallback).unwrap_or(CpuFallback::Allow),
            vendor_id: model.and_then(|model| model.vendor_id.clone()),
            vendor: cpu.vendor.clone(),
            features: cpu
                .features
                .iter()
                .map(|f| Feature { name: f.name.clone(), policy: f.policy.or(Some(FeaturePolicy::Require)) })
                .collect(),
            ..Definition::new(Kind::Guest)
        }
    }
}

impl From<&HostCpu> for Definition {
    fn from(cpu: &HostCpu) -> Self {
        Definition {
            arch: Some(cpu.arch.clone()),
            model: cpu.model.clone(),
            vendor: cpu.vendor.clone(),
            signature: cpu.signature,
            features: cpu
                .features
                .iter()
                .map(|feature| Feature { name: feature.name.clone(), policy: None })
                .collect(),
            ..Definition::new(Kind::Host)
        }
    }
}
