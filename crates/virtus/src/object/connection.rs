//! What a connection is asked for itself, and how its objects are found and made.

use super::*;

listed! { connection_methods
    Connection {
        fn kind(self) -> String = Remote::connect_get_type();
        fn version(self) -> u64 = Remote::connect_get_version();
        fn max_vcpus(self, kind: Option<&str>) -> i32 = Remote::connect_get_max_vcpus(kind);
        fn capabilities(self) -> String = Remote::connect_get_capabilities();
        fn hostname(self) -> String = Remote::connect_get_hostname();
        fn daemon_uri(self) -> String = Remote::connect_get_uri();
        fn lib_version(self) -> u64 = Remote::connect_get_lib_version();
        fn compare_cpu(self, xml: &str, flags: u32) -> i32 = Remote::connect_compare_cpu(xml, flags);
        fn baseline_cpu(self, xml_cpus: &[&str], flags: u32) -> String
            = Remote::connect_baseline_cpu(xml_cpus, flags);
        fn sysinfo(self, flags: u32) -> String = Remote::connect_get_sysinfo(flags);
        fn cpu_model_names(self, arch: &str, flags: u32) -> Vec<String>
            = Remote::connect_get_cpu_model_names(arch, 1, flags);
        fn domain_capabilities(
            self, emulatorbin: Option<&str>, arch: Option<&str>, machine: Option<&str>,
            virttype: Option<&str>, flags: u32
        ) -> String
            = Remote::connect_get_domain_capabilities(emulatorbin, arch, machine, virttype, flags);
        fn compare_hypervisor_cpu(
            self, emulator: Option<&str>, arch: Option<&str>, machine: Option<&str>,
            virttype: Option<&str>, xml_cpu: &str, flags: u32
        ) -> i32
            = Remote::connect_compare_hypervisor_cpu(emulator, arch, machine, virttype, xml_cpu, flags);
        fn baseline_hypervisor_cpu(
            self, emulator: Option<&str>, arch: Option<&str>, machine: Option<&str>,
            virttype: Option<&str>, xml_cpus: &[&str], flags: u32
        ) -> String
            = Remote::connect_baseline_hypervisor_cpu(emulator, arch, machine, virttype, xml_cpus, flags);
        fn node_info(self) -> NodeGetInfoReply = Remote::node_get_info();
        fn node_cells_free_memory(self, start_cell: i32, maxcells: i32) -> Vec<u64>
            = Remote::node_get_cells_free_memory(start_cell, maxcells);
        fn node_free_memory(self) -> u64 = Remote::node_get_free_memory();
        fn node_security_model(self) -> NodeGetSecurityModelReply = Remote::node_get_security_model();
        fn node_cpu_stats(self, cpu_num: i32, flags: u32) -> Vec<NodeGetCpuStats>
            = Remote::node_get_cpu_stats(cpu_num, 16, flags);
        fn node_memory_stats(self, cell_num: i32, flags: u32) -> Vec<NodeGetMemoryStats>
            = Remote::node_get_memory_stats(16, cell_num, flags);
        fn node_suspend_for_duration(self, target: u32, duration: u64, flags: u32)
            = Remote::node_suspend_for_duration(target, duration, flags);
        fn node_set_memory_parameters(self, params: &[TypedParam], flags: u32)
            = Remote::node_set_memory_parameters(params, flags);
        fn node_memory_parameters(self, flags: u32) -> Vec<TypedParam>
            = Remote::node_get_memory_parameters(64, flags);
        fn node_cpu_map(self, flags: u32) -> NodeGetCpuMapReply = Remote::node_get_cpu_map(1, 1, flags);
        fn node_free_pages(self, pages: &[u32], start_cell: i32, cell_count: u32, flags: u32) -> Vec<u64>
            = Remote::node_get_free_pages(pages, start_cell, cell_count, flags);
        fn node_alloc_pages(
            self, page_sizes: &[u32], page_counts: &[u64], start_cell: i32, cell_count: u32, flags: u32
        ) -> i32
            = Remote::node_alloc_pages(page_sizes, page_counts, start_cell, cell_count, flags);
        fn node_sev_info(self, flags: u32) -> Vec<TypedParam> = Remote::node_get_sev_info(64, flags);
        fn list_defined_domains(self) -> Vec<String> = Remote::connect_list_defined_domains(16_384);
        fn lookup_domain_by_id(self, id: i32) -> Domain = Remote::domain_lookup_by_id(id);
        fn lookup_domain_by_name(self, name: &str) -> Domain = Remote::domain_lookup_by_name(name);
        fn lookup_domain_by_uuid(self, uuid: Uuid) -> Domain = Remote::domain_lookup_by_uuid(uuid);
        fn num_of_defined_domains(self) -> i32 = Remote::connect_num_of_defined_domains();
        fn list_domains(self) -> Vec<i32> = Remote::connect_list_domains(16_384);
        fn num_of_domains(self) -> i32 = Remote::connect_num_of_domains();
        fn domain_xml_from_native(self, native_format: &str, native_config: &str, flags: u32) -> String
            = Remote::connect_domain_xml_from_native(native_format, native_config, flags);
        fn domain_xml_to_native(self, native_format: &str, domain_xml: &str, flags: u32) -> String
            = Remote::connect_domain_xml_to_native(native_format, domain_xml, flags);
        fn list_all_domains(self, flags: u32) -> Vec<Domain> = Remote::connect_list_all_domains(1, flags);
        fn create_domain(self, xml_desc: &str, flags: u32) -> Domain
            = Remote::domain_create_xml(xml_desc, flags);
        fn define_domain(self, xml: &str) -> Domain = Remote::domain_define_xml(xml);
        fn define_domain_flags(self, xml: &str, flags: u32) -> Domain
            = Remote::domain_define_xml_flags(xml, flags);
        fn domain_restore(self, from: &str) = Remote::domain_restore(from);
        fn domain_restore_flags(self, from: &str, dxml: Option<&str>, flags: u32)
            = Remote::domain_restore_flags(from, dxml, flags);
        fn domain_save_image_xml(self, file: &str, flags: u32) -> String
            = Remote::domain_save_image_get_xml_desc(file, flags);
        fn domain_save_image_define_xml(self, file: &str, dxml: &str, flags: u32)
            = Remote::domain_save_image_define_xml(file, dxml, flags);
        fn domain_restore_params(self, params: &[TypedParam], flags: u32)
            = Remote::domain_restore_params(params, flags);
        fn all_domain_stats(self, doms: &[Domain], stats: u32, flags: u32) -> Vec<DomainStatsRecord>
            = Remote::connect_get_all_domain_stats(doms, stats, flags);
        fn domain_migrate_prepare(
            self, uri_in: Option<&str>, flags: u64, dname: Option<&str>, resource: u64
        ) -> DomainMigratePrepareReply
            = Remote::domain_migrate_prepare(uri_in, flags, dname, resource);
        fn domain_migrate_finish(self, dname: &str, cookie: &[u8], uri: &str, flags: u64) -> Domain
            = Remote::domain_migrate_finish(dname, cookie, uri, flags);
        fn domain_migrate_prepare2(
            self, uri_in: Option<&str>, flags: u64, dname: Option<&str>, resource: u64, dom_xml: &str
        ) -> DomainMigratePrepare2Reply
            = Remote::domain_migrate_prepare2(uri_in, flags, dname, resource, dom_xml);
        fn domain_migrate_finish2(
            self, dname: &str, cookie: &[u8], uri: &str, flags: u64, retcode: i32
        ) -> Domain
            = Remote::domain_migrate_finish2(dname, cookie, uri, flags, retcode);
        fn domain_migrate_prepare3(
            self, cookie_in: &[u8], uri_in: Option<&str>, flags: u64, dname: Option<&str>, resource: u64,
            dom_xml: &str
        ) -> DomainMigratePrepare3Reply
            = Remote::domain_migrate_prepare3(cookie_in, uri_in, flags, dname, resource, dom_xml);
        fn domain_migrate_finish3(
            self, dname: &str, cookie_in: &[u8], dconnuri: Option<&str>, uri: Option<&str>, flags: u64,
            cancelled: i32
        ) -> DomainMigrateFinish3Reply
            = Remote::domain_migrate_finish3(dname, cookie_in, dconnuri, uri, flags, cancelled);
        fn domain_migrate_prepare3_params(
            self, params: &[TypedParam], cookie_in: &[u8], flags: u32
        ) -> DomainMigratePrepare3ParamsReply
            = Remote::domain_migrate_prepare3_params(params, cookie_in, flags);
        fn domain_migrate_finish3_params(
            self, params: &[TypedParam], cookie_in: &[u8], flags: u32, cancelled: i32
        ) -> DomainMigrateFinish3ParamsReply
            = Remote::domain_migrate_finish3_params(params, cookie_in, flags, cancelled);
        fn list_defined_networks(self) -> Vec<String> = Remote::connect_list_defined_networks(16_384);
        fn list_networks(self) -> Vec<String> = Remote::connect_list_networks(16_384);
        fn create_network(self, xml: &str) -> Network = Remote::network_create_xml(xml);
        fn define_network(self, xml: &str) -> Network = Remote::network_define_xml(xml);
        fn lookup_network_by_name(self, name: &str) -> Network = Remote::network_lookup_by_name(name);
        fn lookup_network_by_uuid(self, uuid: Uuid) -> Network = Remote::network_lookup_by_uuid(uuid);
        fn num_of_defined_networks(self) -> i32 = Remote::connect_num_of_defined_networks();
        fn num_of_networks(self) -> i32 = Remote::connect_num_of_networks();
        fn list_all_networks(self, flags: u32) -> Vec<Network> = Remote::connect_list_all_networks(1, flags);
        fn define_network_flags(self, xml: &str, flags: u32) -> Network
            = Remote::network_define_xml_flags(xml, flags);
        fn create_network_flags(self, xml: &str, flags: u32) -> Network
            = Remote::network_create_xml_flags(xml, flags);
        fn num_of_interfaces(self) -> i32 = Remote::connect_num_of_interfaces();
        fn list_interfaces(self) -> Vec<String> = Remote::connect_list_interfaces(16_384);
        fn lookup_interface_by_name(self, name: &str) -> Interface = Remote::interface_lookup_by_name(name);
        fn lookup_interface_by_mac_string(self, mac: &str) -> Interface
            = Remote::interface_lookup_by_mac_string(mac);
        fn define_interface(self, xml: &str, flags: u32) -> Interface
            = Remote::interface_define_xml(xml, flags);
        fn num_of_defined_interfaces(self) -> i32 = Remote::connect_num_of_defined_interfaces();
        fn list_defined_interfaces(self) -> Vec<String> = Remote::connect_list_defined_interfaces(16_384);
        fn interface_change_begin(self, flags: u32) = Remote::interface_change_begin(flags);
        fn interface_change_commit(self, flags: u32) = Remote::interface_change_commit(flags);
        fn interface_change_rollback(self, flags: u32) = Remote::interface_change_rollback(flags);
        fn list_all_interfaces(self, flags: u32) -> Vec<Interface>
            = Remote::connect_list_all_interfaces(1, flags);
        fn num_of_storage_pools(self) -> i32 = Remote::connect_num_of_storage_pools();
        fn list_storage_pools(self) -> Vec<String> = Remote::connect_list_storage_pools(16_384);
        fn num_of_defined_storage_pools(self) -> i32 = Remote::connect_num_of_defined_storage_pools();
        fn list_defined_storage_pools(self) -> Vec<String>
            = Remote::connect_list_defined_storage_pools(16_384);
        fn find_storage_pool_sources(self, kind: &str, src_spec: Option<&str>, flags: u32) -> String
            = Remote::connect_find_storage_pool_sources(kind, src_spec, flags);
        fn create_storage_pool(self, xml: &str, flags: u32) -> StoragePool
            = Remote::storage_pool_create_xml(xml, flags);
        fn define_storage_pool(self, xml: &str, flags: u32) -> StoragePool
            = Remote::storage_pool_define_xml(xml, flags);
        fn lookup_storage_pool_by_name(self, name: &str) -> StoragePool
            = Remote::storage_pool_lookup_by_name(name);
        fn lookup_storage_pool_by_uuid(self, uuid: Uuid) -> StoragePool
            = Remote::storage_pool_lookup_by_uuid(uuid);
        fn list_all_storage_pools(self, flags: u32) -> Vec<StoragePool>
            = Remote::connect_list_all_storage_pools(1, flags);
        fn lookup_storage_pool_by_target_path(self, path: &str) -> StoragePool
            = Remote::storage_pool_lookup_by_target_path(path);
        fn storage_pool_capabilities(self, flags: u32) -> String
            = Remote::connect_get_storage_pool_capabilities(flags);
        fn lookup_storage_volume_by_key(self, key: &str) -> StorageVolume
            = Remote::storage_vol_lookup_by_key(key);
        fn lookup_storage_volume_by_path(self, path: &str) -> StorageVolume
            = Remote::storage_vol_lookup_by_path(path);
        fn node_num_of_devices(self, cap: Option<&str>, flags: u32) -> i32
            = Remote::node_num_of_devices(cap, flags);
        fn node_list_devices(self, cap: Option<&str>, flags: u32) -> Vec<String>
            = Remote::node_list_devices(cap, 65_536, flags);
        fn lookup_node_device_by_name(self, name: &str) -> NodeDevice
            = Remote::node_device_lookup_by_name(name);
        fn create_node_device(self, xml_desc: &str, flags: u32) -> NodeDevice
            = Remote::node_device_create_xml(xml_desc, flags);
        fn list_all_node_devices(self, flags: u32) -> Vec<NodeDevice>
            = Remote::connect_list_all_node_devices(1, flags);
        fn lookup_node_device_scsi_host_by_wwn(self, wwnn: &str, wwpn: &str, flags: u32) -> NodeDevice
            = Remote::node_device_lookup_scsi_host_by_wwn(wwnn, wwpn, flags);
        fn define_node_device(self, xml_desc: &str, flags: u32) -> NodeDevice
            = Remote::node_device_define_xml(xml_desc, flags);
        fn lookup_nwfilter_by_name(self, name: &str) -> NwFilter = Remote::nwfilter_lookup_by_name(name);
        fn lookup_nwfilter_by_uuid(self, uuid: Uuid) -> NwFilter = Remote::nwfilter_lookup_by_uuid(uuid);
        fn num_of_nwfilters(self) -> i32 = Remote::connect_num_of_nwfilters();
        fn list_nwfilters(self) -> Vec<String> = Remote::connect_list_nwfilters(16_384);
        fn define_nwfilter(self, xml: &str) -> NwFilter = Remote::nwfilter_define_xml(xml);
        fn list_all_nwfilters(self, flags: u32) -> Vec<NwFilter>
            = Remote::connect_list_all_nwfilters(1, flags);
        fn lookup_nwfilter_binding_by_port_dev(self, name: &str) -> NwFilterBinding
            = Remote::nwfilter_binding_lookup_by_port_dev(name);
        fn create_nwfilter_binding(self, xml: &str, flags: u32) -> NwFilterBinding
            = Remote::nwfilter_binding_create_xml(xml, flags);
        fn list_all_nwfilter_bindings(self, flags: u32) -> Vec<NwFilterBinding>
            = Remote::connect_list_all_nwfilter_bindings(1, flags);
        fn define_nwfilter_flags(self, xml: &str, flags: u32) -> NwFilter
            = Remote::nwfilter_define_xml_flags(xml, flags);
        fn num_of_secrets(self) -> i32 = Remote::connect_num_of_secrets();
        fn list_secrets(self) -> Vec<String> = Remote::connect_list_secrets(16_384);
        fn lookup_secret_by_uuid(self, uuid: Uuid) -> Secret = Remote::secret_lookup_by_uuid(uuid);
        fn define_secret(self, xml: &str, flags: u32) -> Secret = Remote::secret_define_xml(xml, flags);
        fn lookup_secret_by_usage(self, usage_type: i32, usage_id: &str) -> Secret
            = Remote::secret_lookup_by_usage(usage_type, usage_id);
        fn list_all_secrets(self, flags: u32) -> Vec<Secret> = Remote::connect_list_all_secrets(1, flags);
        fn domain_attach(self, pid_value: u32, flags: u32) -> Domain = Qemu::domain_attach(pid_value, flags);
        #sends fn create_domain_with_files(self, xml_desc: &str, flags: u32) -> Domain
            = Remote::domain_create_xml_with_files(xml_desc, flags);
        #stream fn domain_migrate_prepare_tunnel(self, flags: u64, dname: Option<&str>, resource: u64, dom_xml: &str)
            = Remote::domain_migrate_prepare_tunnel(flags, dname, resource, dom_xml);
        #stream fn domain_migrate_prepare_tunnel3(
            self, cookie_in: &[u8], flags: u64, dname: Option<&str>, resource: u64, dom_xml: &str
        ) -> Vec<u8>
            = Remote::domain_migrate_prepare_tunnel3(cookie_in, flags, dname, resource, dom_xml);
        #stream fn domain_migrate_prepare_tunnel3_params(
            self, params: &[TypedParam], cookie_in: &[u8], flags: u32
        ) -> Vec<u8>
            = Remote::domain_migrate_prepare_tunnel3_params(params, cookie_in, flags);
        fn set_identity(self, params: &[TypedParam], flags: u32) = Remote::connect_set_identity(params, flags);
    }
}

connection_methods!(methods);
