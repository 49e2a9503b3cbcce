//! What holds for any CPU.
#![allow(clippy::unwrap_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use virtus_cpu::x86::{self, Data, FeatureSet, Vendor};
use virtus_cpu::{Comparison, Definition, Kind, Limits, baseline, compare, expand};

fn data(features: &[usize], vendor: Option<usize>) -> Data {
    let names = ["Intel", "AMD", "Hygon"];
    Data {
        vendor: vendor.and_then(|v| names.get(v)).and_then(|name| Vendor::named(name)),
        signature: None,
        features: features.iter().copied().collect::<FeatureSet>(),
    }
}

fn host(data: &Data) -> Definition {
    let cpu = x86::decode(data, Kind::Host, None).unwrap();
    Definition { arch: Some("x86_64".into()), ..cpu }
}

/// Features a CPU may have: enough of them for some model to fit a host.
fn features() -> impl Strategy<Value = Vec<usize>> {
    vec(0..364_usize, 0..200).prop_map(|mut features| {
        let mut old = Data::default();
        ["fpu", "vme", "pse"].iter().for_each(|name| old.add(name));
        features.extend(old.features.iter());
        features
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_cpu_is_called_what_it_is(features in features(), vendor in proptest::option::of(0..3_usize)) {
        let data = data(&features, vendor);
        let guest = x86::decode(&data, Kind::Guest, None).unwrap();
        let host = host(&data);
        prop_assert_eq!(compare("x86_64", Some(&host), &guest).unwrap(), Comparison::Identical);
        prop_assert_eq!(compare("x86_64", Some(&host), &host).unwrap(), Comparison::Identical);
    }

    #[test]
    fn a_baseline_fits_all_hosts(a in features(), b in features()) {
        let hosts = [host(&data(&a, None)), host(&data(&b, None))];
        let common = baseline(None, &hosts, &Limits::default()).unwrap();
        for host in &hosts {
            let compared = compare("x86_64", Some(host), &common).unwrap();
            prop_assert!(!matches!(compared, Comparison::Incompatible(_)), "{compared:?}");
        }
        let expanded = expand("x86_64", common.clone()).unwrap();
        prop_assert_eq!(compare("x86_64", hosts.first(), &expanded).unwrap(), compare("x86_64", hosts.first(), &common).unwrap());
    }

    #[test]
    fn documents_are_read_as_they_are_written(features in features()) {
        let guest = x86::decode(&data(&features, Some(1)), Kind::Guest, None).unwrap();
        let guest = Definition { match_: Some(virtus_conf::domain::cpu::CpuMatch::Exact), ..guest };
        let read = Definition::parse(&guest.format(), None, true).unwrap();
        prop_assert_eq!(read.features, guest.features);
        prop_assert_eq!((read.model, read.vendor), (guest.model, guest.vendor));
    }
}

#[test]
fn documents_that_are_no_cpus_are_refused() {
    let refused = |xml: &str| Definition::parse(xml, None, false).unwrap_err().message().to_owned();
    assert_eq!(refused("<dog/>"), "XML error: XML does not contain expected 'cpu' element");
    assert_eq!(refused("<cpu><arch>x86_64</arch></cpu>"), "XML error: Missing CPU model name");
    assert_eq!(
        refused("<cpu><arch>pdp11</arch><model>x</model></cpu>"),
        "unsupported configuration: Unknown architecture pdp11"
    );
    assert_eq!(
        refused("<cpu mode='custom'><arch>x86_64</arch><model>qemu64</model></cpu>"),
        "unsupported configuration: Attribute mode is only allowed for guest CPU"
    );
}

#[test]
fn other_architectures_have_their_own_rules() {
    let cpu = |arch: &str, model: &str| {
        let xml = format!("<cpu><arch>{arch}</arch><model>{model}</model></cpu>");
        Definition::parse(&xml, None, false).unwrap()
    };
    let both = |a, b| baseline(None, &[a, b], &Limits::default());
    let power = both(cpu("ppc64", "POWER9"), cpu("ppc64", "POWER9")).unwrap();
    assert_eq!(power.model.as_deref(), Some("POWER9"));
    let e = both(cpu("ppc64", "POWER9"), cpu("ppc64", "POWER8")).unwrap_err();
    assert_eq!(e.message(), "operation failed: CPUs are incompatible");
    let e = both(cpu("s390x", "z14"), cpu("s390x", "z14")).unwrap_err();
    assert!(e.message().ends_with("cannot compute baseline CPU of s390x architecture"), "{e}");
}
