//! Stories of users with unmodified clients: Debian's virsh, the Python binding, real guests.
//!
//! `cargo test -p virtus-tests --test e2e [NAME…]`; as root, for each story has namespaces of its own.

mod client;
mod cpu;
mod crash;
mod daily;
mod device;
mod filters;
mod hostile;
mod library;
mod line;
mod network;
mod reads;
mod refusals;
mod restart;
mod settings;
mod shells;
mod starts;
mod tuning;
mod upstream;
mod ways;

use virtus_tests::{Need, Story};

/// A terminal for consoles, and strace for chosen deaths.
const SCRIPT: Need = Need::Program("script", "bsdutils");
const BUSYBOX: Need = Need::Program("busybox", "busybox");
const DNSMASQ: Need = Need::Program("dnsmasq", "dnsmasq-base");
const STRACE: Need = Need::Program("strace", "strace");
/// Rules in the kernel, and packets to try them with.
const NFT: Need = Need::Program("nft", "nftables");
const MAN: Need = Need::Program("man", "man-db");
const ZSH: Need = Need::Program("zsh", "zsh");
const FISH: Need = Need::Program("fish", "fish");
const SSHD: Need = Need::Program("sshd", "openssh-server");
const NETCAT: Need = Need::Program("nc", "netcat-openbsd");
const SETPRIV: Need = Need::Program("setpriv", "util-linux");
const PYTHON: Need = Need::Program("python3", "python3");

/// What is written for libvirt's C library, and what compiles it.
const CC: Need = Need::Program("cc", "gcc");
const NM: Need = Need::Program("nm", "binutils");
const VALGRIND: Need = Need::Program("valgrind", "valgrind");
const PERL: Need = Need::Works(&["perl", "-MSys::Virt", "-e", "1"], "libsys-virt-perl");
const BINDING_SOURCE: Need =
    Need::Variable("VIRTUS_LIBVIRT_PYTHON", "where libvirt-python-11.3.0.tar.gz is, as PyPI has it");
const PYTHON_HEADERS: Need = Need::Works(
    &[
        "/usr/bin/python3",
        "-c",
        "import setuptools, sysconfig, os; os.stat(sysconfig.get_path('include') + '/Python.h')",
    ],
    "python3-dev",
);
const RUBY: Need = Need::Works(&["ruby", "-e", "require 'libvirt'"], "ruby-libvirt");
/// Upstream's daemon with its driver.
const LIBVIRTD: Need = Need::Program("libvirtd", "libvirt-daemon");
const LIBVIRTD_QEMU: Need = Need::Works(
    &["sh", "-c", "test -e /usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so"],
    "libvirt-daemon-driver-qemu",
);
const VIRT_INSTALL: Need = Need::Program("virt-install", "virtinst");
const VIRT_VIEWER: Need = Need::Program("virt-viewer", "virt-viewer");
const GLIB: Need = Need::Works(
    &["/usr/bin/python3", "-c", "import gi; gi.require_version('LibvirtGObject', '1.0')"],
    "gir1.2-libvirt-glib-1.0",
);

macro_rules! stories {
    ($($module:ident::$name:ident [$($need:expr),*],)*) => {
        const STORIES: &[Story] = &[$(Story {
            name: concat!(stringify!($module), "::", stringify!($name)),
            needs: &[$($need),*],
            tell: $module::$name,
        }),*];
    };
}

stories! {
    daily::a_guest_from_define_to_undefine [Need::Guest, SCRIPT],
    daily::a_guest_is_shut_down_and_rebooted_by_its_own_means [Need::Guest, SCRIPT],
    daily::events_tell_what_happens [Need::Guest, SCRIPT],
    daily::autostart_is_kept_and_obeyed [Need::Guest],
    line::it_answers_as_virsh_does [],
    line::lists_are_for_programs_too [],
    line::every_list_has_its_fields [NFT],
    line::an_editor_changes_a_definition [],
    line::a_console_is_entered_and_left [Need::Guest, SCRIPT],
    line::one_waits_for_what_happens [Need::Guest, SCRIPT],
    line::one_waits_for_a_guest_on_a_network [Need::Guest, SCRIPT, DNSMASQ, NFT],
    line::jobs_show_how_far_they_are [SCRIPT],
    line::a_daemon_that_goes_is_told [Need::Guest, SCRIPT],
    line::no_command_takes_longer_than_it_may [],
    shells::manuals_render_without_warnings [MAN],
    shells::bash_completes [],
    shells::zsh_completes [ZSH, SCRIPT],
    shells::fish_completes [FISH],
    line::the_daemon_is_administrated [],
    client::python_sees_the_same_domains [Need::PythonLibvirt],
    client::python_is_told_of_events [Need::PythonLibvirt],
    client::the_python_module_sees_the_same_domains [PYTHON],
    client::the_python_module_is_told_of_events [PYTHON],
    client::the_python_module_follows_a_guest [PYTHON, Need::Guest],
    client::the_crate_finds_a_restarted_daemon [Need::Guest],
    client::the_crate_can_be_awaited [Need::Guest],
    library::python_binding [Need::PythonLibvirt],
    library::python_binding_from_its_source [CC, BINDING_SOURCE, PYTHON_HEADERS],
    library::perl_binding [PERL],
    library::glib_binding [GLIB],
    library::ruby_binding [RUBY],
    library::virt_install [VIRT_INSTALL],
    library::virt_viewer [VIRT_VIEWER],
    library::headers_stand_alone [CC],
    library::symbols [NM],
    library::c_programs [CC],
    library::administration [CC],
    library::a_program_that_needs_no_shared_library [CC],
    library::nothing_is_lost_or_touched_wrongly [CC, VALGRIND],
    cpu::a_guest_has_the_cpu_that_is_told_of_it [],
    cpu::a_cpu_that_cannot_be_had_is_refused [],
    device::devices_join_and_leave_a_running_guest [Need::Guest, SCRIPT],
    device::a_drive_gets_other_media [Need::Guest],
    device::what_cannot_be_plugged_is_refused [Need::Guest],
    restart::a_guest_does_not_notice_a_killed_daemon [Need::Guest, SCRIPT],
    restart::a_guest_that_ended_meanwhile_is_found_shut_off [Need::Guest],
    restart::a_damaged_file_hinders_nothing_else [],
    reads::a_stopped_guest_delays_no_reader [Need::Guest],
    crash::dying_while_a_domain_is_defined [STRACE],
    crash::dying_while_a_guest_starts [Need::Guest, STRACE],
    crash::dying_while_a_guest_is_destroyed [Need::Guest, STRACE],
    crash::dying_while_a_domain_is_undefined [STRACE],
    filters::a_guest_that_lies_is_not_heard [NFT, PYTHON],
    filters::filters_change_as_a_whole [NFT, PYTHON],
    filters::an_address_nobody_told_is_found_out [NFT, PYTHON],
    filters::refused_bindings_leave_nothing [NFT, PYTHON],
    filters::a_guests_filter_comes_and_goes_with_it [NFT, Need::Guest],
    network::guests_have_addresses_names_and_a_way_out [BUSYBOX, DNSMASQ, NFT],
    network::guests_have_ipv6 [BUSYBOX, DNSMASQ, NFT],
    network::no_packet_is_lost_with_the_daemon [BUSYBOX, DNSMASQ, NFT],
    network::what_cannot_be_leaves_nothing_behind [DNSMASQ, NFT],
    network::a_guest_keeps_its_link [DNSMASQ, NFT],
    network::a_display_listens_on_a_network [DNSMASQ, NFT],
    network::dying_while_a_network_comes_or_goes [DNSMASQ, NFT, STRACE],
    refusals::wrong_commands_get_libvirts_answers [],
    refusals::a_read_only_connection_changes_nothing [],
    refusals::a_start_that_cannot_be_says_why_and_leaves_nothing [],
    settings::the_driver_does_what_its_file_says [],
    settings::a_guest_sees_only_its_own_devices [],
    starts::disks [],
    starts::controllers [],
    starts::interfaces [],
    starts::characters [],
    starts::displays [],
    starts::memory [],
    starts::firmware [],
    starts::devices [],
    starts::machines [],
    starts::helpers [],
    hostile::broken_packets_are_refused_or_closed [],
    hostile::silent_and_greedy_peers_bother_nobody [],
    tuning::a_guest_is_tuned_while_it_runs [Need::Guest, SCRIPT],
    tuning::threads_are_scheduled_and_counted_as_defined [],
    tuning::a_guest_goes_back_to_a_snapshot [Need::Guest, SCRIPT],
    upstream::a_guest_is_saved_dumped_and_brought_back [Need::Guest, LIBVIRTD, LIBVIRTD_QEMU],
    upstream::a_disk_changes_under_a_running_guest [Need::Guest, LIBVIRTD, LIBVIRTD_QEMU],
    upstream::a_guest_moves_from_host_to_host [Need::Guest, LIBVIRTD, LIBVIRTD_QEMU, Need::PythonLibvirt],
    ways::settings_say_where_to [],
    ways::a_users_daemon_starts_when_it_is_needed [SETPRIV],
    ways::through_ssh [SSHD, NETCAT],
    ways::ssh_names_of_libvirts_libraries [SSHD, NETCAT],
    ways::through_ssh_again [SSHD, NETCAT],
}

fn main() -> std::process::ExitCode {
    virtus_tests::run(STORIES)
}
