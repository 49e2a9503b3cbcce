//! A domain's calls.

use super::*;

listed! { domain_methods
    Domain {
        fn xml(self, flags: u32) -> String = Remote::domain_get_xml_desc(self, flags);
        fn info(self) -> DomainGetInfoReply = Remote::domain_get_info(self);
        fn os_type(self) -> String = Remote::domain_get_os_type(self);
        fn is_active(self) -> bool = Remote::domain_is_active(self);
        fn is_persistent(self) -> bool = Remote::domain_is_persistent(self);
        fn is_updated(self) -> bool = Remote::domain_is_updated(self);
        fn state(self, flags: u32) -> DomainGetStateReply = Remote::domain_get_state(self, flags);
        fn control_info(self, flags: u32) -> DomainGetControlInfoReply
            = Remote::domain_get_control_info(self, flags);
        fn set_metadata(
            self, kind: i32, metadata: Option<&str>, key: Option<&str>, uri: Option<&str>, flags: u32
        )
            = Remote::domain_set_metadata(self, kind, metadata, key, uri, flags);
        fn metadata(self, kind: i32, uri: Option<&str>, flags: u32) -> String
            = Remote::domain_get_metadata(self, kind, uri, flags);
        fn create(self) = Remote::domain_create(self);
        fn destroy(self) = Remote::domain_destroy(self);
        fn autostart(self) -> bool = Remote::domain_get_autostart(self);
        fn reboot(self, flags: u32) = Remote::domain_reboot(self, flags);
        fn resume(self) = Remote::domain_resume(self);
        fn set_autostart(self, autostart: bool) = Remote::domain_set_autostart(self, autostart);
        fn shutdown(self) = Remote::domain_shutdown(self);
        fn suspend(self) = Remote::domain_suspend(self);
        fn undefine(self) = Remote::domain_undefine(self);
        fn create_with_flags(self, flags: u32) -> Domain = Remote::domain_create_with_flags(self, flags);
        fn undefine_flags(self, flags: u32) = Remote::domain_undefine_flags(self, flags);
        fn destroy_flags(self, flags: u32) = Remote::domain_destroy_flags(self, flags);
        fn reset(self, flags: u32) = Remote::domain_reset(self, flags);
        fn shutdown_flags(self, flags: u32) = Remote::domain_shutdown_flags(self, flags);
        fn pm_suspend_for_duration(self, target: u32, duration: u64, flags: u32)
            = Remote::domain_pm_suspend_for_duration(self, target, duration, flags);
        fn pm_wakeup(self, flags: u32) = Remote::domain_pm_wakeup(self, flags);
        fn rename(self, new_name: Option<&str>, flags: u32) -> i32
            = Remote::domain_rename(self, new_name, flags);
        fn set_lifecycle_action(self, kind: u32, action: u32, flags: u32)
            = Remote::domain_set_lifecycle_action(self, kind, action, flags);
        fn autostart_once(self) -> bool = Remote::domain_get_autostart_once(self);
        fn set_autostart_once(self, autostart: bool) = Remote::domain_set_autostart_once(self, autostart);
        fn core_dump(self, to: &str, flags: u32) = Remote::domain_core_dump(self, to, flags);
        fn save(self, to: &str) = Remote::domain_save(self, to);
        fn managed_save(self, flags: u32) = Remote::domain_managed_save(self, flags);
        fn has_managed_save_image(self, flags: u32) -> bool
            = Remote::domain_has_managed_save_image(self, flags);
        fn managed_save_remove(self, flags: u32) = Remote::domain_managed_save_remove(self, flags);
        fn save_flags(self, to: &str, dxml: Option<&str>, flags: u32)
            = Remote::domain_save_flags(self, to, dxml, flags);
        fn core_dump_with_format(self, to: &str, dumpformat: u32, flags: u32)
            = Remote::domain_core_dump_with_format(self, to, dumpformat, flags);
        fn managed_save_xml(self, flags: u32) -> String
            = Remote::domain_managed_save_get_xml_desc(self, flags);
        fn managed_save_define_xml(self, dxml: Option<&str>, flags: u32)
            = Remote::domain_managed_save_define_xml(self, dxml, flags);
        fn save_params(self, params: &[TypedParam], flags: u32)
            = Remote::domain_save_params(self, params, flags);
        fn max_memory(self) -> u64 = Remote::domain_get_max_memory(self);
        fn max_vcpus(self) -> i32 = Remote::domain_get_max_vcpus(self);
        fn vcpus(self, maxinfo: i32, maplen: i32) -> DomainGetVcpusReply
            = Remote::domain_get_vcpus(self, maxinfo, maplen);
        fn pin_vcpu(self, vcpu: u32, cpumap: &[u8]) = Remote::domain_pin_vcpu(self, vcpu, cpumap);
        fn set_max_memory(self, memory: u64) = Remote::domain_set_max_memory(self, memory);
        fn set_memory(self, memory: u64) = Remote::domain_set_memory(self, memory);
        fn set_vcpus(self, nvcpus: u32) = Remote::domain_set_vcpus(self, nvcpus);
        fn scheduler_type(self) -> DomainGetSchedulerTypeReply = Remote::domain_get_scheduler_type(self);
        fn set_scheduler_parameters(self, params: &[TypedParam])
            = Remote::domain_set_scheduler_parameters(self, params);
        fn security_label(self) -> DomainGetSecurityLabelReply = Remote::domain_get_security_label(self);
        fn set_memory_parameters(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_memory_parameters(self, params, flags);
        fn memory_parameters(self, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_memory_parameters(self, 16, flags);
        fn set_vcpus_flags(self, nvcpus: u32, flags: u32)
            = Remote::domain_set_vcpus_flags(self, nvcpus, flags);
        fn vcpus_flags(self, flags: u32) -> i32 = Remote::domain_get_vcpus_flags(self, flags);
        fn set_memory_flags(self, memory: u64, flags: u32)
            = Remote::domain_set_memory_flags(self, memory, flags);
        fn set_blkio_parameters(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_blkio_parameters(self, params, flags);
        fn blkio_parameters(self, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_blkio_parameters(self, 16, flags);
        fn set_scheduler_parameters_flags(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_scheduler_parameters_flags(self, params, flags);
        fn pin_vcpu_flags(self, vcpu: u32, cpumap: &[u8], flags: u32)
            = Remote::domain_pin_vcpu_flags(self, vcpu, cpumap, flags);
        fn vcpu_pin_info(self, ncpumaps: i32, maplen: i32, flags: u32) -> DomainGetVcpuPinInfoReply
            = Remote::domain_get_vcpu_pin_info(self, ncpumaps, maplen, flags);
        fn set_numa_parameters(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_numa_parameters(self, params, flags);
        fn numa_parameters(self, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_numa_parameters(self, 16, flags);
        fn set_interface_parameters(self, device: &str, params: &[TypedParam], flags: u32)
            = Remote::domain_set_interface_parameters(self, device, params, flags);
        fn interface_parameters(self, device: &str, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_interface_parameters(self, device, 16, flags);
        fn security_label_list(self) -> Vec<DomainGetSecurityLabelReply>
            = Remote::domain_get_security_label_list(self);
        fn pin_emulator(self, cpumap: &[u8], flags: u32) = Remote::domain_pin_emulator(self, cpumap, flags);
        fn emulator_pin_info(self, maplen: i32, flags: u32) -> DomainGetEmulatorPinInfoReply
            = Remote::domain_get_emulator_pin_info(self, maplen, flags);
        fn iothread_info(self, flags: u32) -> Vec<DomainIothreadInfo>
            = Remote::domain_get_iothread_info(self, flags);
        fn pin_iothread(self, iothreads_id: u32, cpumap: &[u8], flags: u32)
            = Remote::domain_pin_iothread(self, iothreads_id, cpumap, flags);
        fn add_iothread(self, iothread_id: u32, flags: u32)
            = Remote::domain_add_iothread(self, iothread_id, flags);
        fn del_iothread(self, iothread_id: u32, flags: u32)
            = Remote::domain_del_iothread(self, iothread_id, flags);
        fn perf_events(self, flags: u32) -> Vec<TypedParam> = Remote::domain_get_perf_events(self, flags);
        fn set_perf_events(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_perf_events(self, params, flags);
        fn set_vcpu(self, cpumap: &str, state: i32, flags: u32)
            = Remote::domain_set_vcpu(self, cpumap, state, flags);
        fn set_iothread_params(self, iothread_id: u32, params: &[TypedParam], flags: u32)
            = Remote::domain_set_iothread_params(self, iothread_id, params, flags);
        fn set_throttle_group(self, group: &str, params: &[TypedParam], flags: u32)
            = Remote::domain_set_throttle_group(self, group, params, flags);
        fn del_throttle_group(self, group: Option<&str>, flags: u32)
            = Remote::domain_del_throttle_group(self, group, flags);
        fn block_stats(self, path: &str) -> DomainBlockStatsReply = Remote::domain_block_stats(self, path);
        fn interface_stats(self, device: &str) -> DomainInterfaceStatsReply
            = Remote::domain_interface_stats(self, device);
        fn memory_peek(self, offset: u64, size: u32, flags: u32) -> Vec<u8>
            = Remote::domain_memory_peek(self, offset, size, flags);
        fn memory_stats(self, flags: u32) -> Vec<DomainMemoryStat>
            = Remote::domain_memory_stats(self, 1_024, flags);
        fn block_stats_flags(self, path: &str, flags: u32) -> Vec<TypedParam>
            = Remote::domain_block_stats_flags(self, path, 16, flags);
        fn set_memory_stats_period(self, period: i32, flags: u32)
            = Remote::domain_set_memory_stats_period(self, period, flags);
        fn messages(self, flags: u32) -> Vec<String> = Remote::domain_get_messages(self, flags);
        fn start_dirty_rate_calc(self, seconds: i32, flags: u32)
            = Remote::domain_start_dirty_rate_calc(self, seconds, flags);
        fn attach_device(self, xml: &str) = Remote::domain_attach_device(self, xml);
        fn detach_device(self, xml: &str) = Remote::domain_detach_device(self, xml);
        fn attach_device_flags(self, xml: &str, flags: u32)
            = Remote::domain_attach_device_flags(self, xml, flags);
        fn detach_device_flags(self, xml: &str, flags: u32)
            = Remote::domain_detach_device_flags(self, xml, flags);
        fn update_device_flags(self, xml: &str, flags: u32)
            = Remote::domain_update_device_flags(self, xml, flags);
        fn detach_device_alias(self, alias: &str, flags: u32)
            = Remote::domain_detach_device_alias(self, alias, flags);
        fn block_peek(self, path: &str, offset: u64, size: u32, flags: u32) -> Vec<u8>
            = Remote::domain_block_peek(self, path, offset, size, flags);
        fn block_info(self, path: &str, flags: u32) -> DomainGetBlockInfoReply
            = Remote::domain_get_block_info(self, path, flags);
        fn block_job_abort(self, path: &str, flags: u32) = Remote::domain_block_job_abort(self, path, flags);
        fn block_job_info(self, path: &str, flags: u32) -> DomainGetBlockJobInfoReply
            = Remote::domain_get_block_job_info(self, path, flags);
        fn block_job_set_speed(self, path: &str, bandwidth: u64, flags: u32)
            = Remote::domain_block_job_set_speed(self, path, bandwidth, flags);
        fn block_pull(self, path: &str, bandwidth: u64, flags: u32)
            = Remote::domain_block_pull(self, path, bandwidth, flags);
        fn block_resize(self, disk: &str, size: u64, flags: u32)
            = Remote::domain_block_resize(self, disk, size, flags);
        fn set_block_io_tune(self, disk: &str, params: &[TypedParam], flags: u32)
            = Remote::domain_set_block_io_tune(self, disk, params, flags);
        fn block_io_tune(self, disk: Option<&str>, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_block_io_tune(self, disk, 32, flags);
        fn disk_errors(self, flags: u32) -> Vec<DomainDiskError>
            = Remote::domain_get_disk_errors(self, 256, flags);
        fn block_rebase(self, path: &str, base: Option<&str>, bandwidth: u64, flags: u32)
            = Remote::domain_block_rebase(self, path, base, bandwidth, flags);
        fn block_commit(self, disk: &str, base: Option<&str>, top: Option<&str>, bandwidth: u64, flags: u32)
            = Remote::domain_block_commit(self, disk, base, top, bandwidth, flags);
        fn block_copy(self, path: &str, destxml: &str, params: &[TypedParam], flags: u32)
            = Remote::domain_block_copy(self, path, destxml, params, flags);
        fn set_block_threshold(self, dev: &str, threshold: u64, flags: u32)
            = Remote::domain_set_block_threshold(self, dev, threshold, flags);
        fn job_info(self) -> DomainGetJobInfoReply = Remote::domain_get_job_info(self);
        fn abort_job(self) = Remote::domain_abort_job(self);
        fn job_stats(self, flags: u32) -> DomainGetJobStatsReply = Remote::domain_get_job_stats(self, flags);
        fn backup_begin(self, backup_xml: &str, checkpoint_xml: Option<&str>, flags: u32)
            = Remote::domain_backup_begin(self, backup_xml, checkpoint_xml, flags);
        fn backup_xml(self, flags: u32) -> String = Remote::domain_backup_get_xml_desc(self, flags);
        fn abort_job_flags(self, flags: u32) = Remote::domain_abort_job_flags(self, flags);
        fn migrate_perform(self, cookie: &[u8], uri: &str, flags: u64, dname: Option<&str>, resource: u64)
            = Remote::domain_migrate_perform(self, cookie, uri, flags, dname, resource);
        fn migrate_set_max_downtime(self, downtime: u64, flags: u32)
            = Remote::domain_migrate_set_max_downtime(self, downtime, flags);
        fn migrate_set_max_speed(self, bandwidth: u64, flags: u32)
            = Remote::domain_migrate_set_max_speed(self, bandwidth, flags);
        fn migrate_begin3(
            self, xmlin: Option<&str>, flags: u64, dname: Option<&str>, resource: u64
        ) -> DomainMigrateBegin3Reply
            = Remote::domain_migrate_begin3(self, xmlin, flags, dname, resource);
        fn migrate_perform3(
            self, xmlin: Option<&str>, cookie_in: &[u8], dconnuri: Option<&str>, uri: Option<&str>,
            flags: u64, dname: Option<&str>, resource: u64
        ) -> Vec<u8>
            = Remote::domain_migrate_perform3(self, xmlin, cookie_in, dconnuri, uri, flags, dname, resource);
        fn migrate_confirm3(self, cookie_in: &[u8], flags: u64, cancelled: i32)
            = Remote::domain_migrate_confirm3(self, cookie_in, flags, cancelled);
        fn migrate_max_speed(self, flags: u32) -> u64 = Remote::domain_migrate_get_max_speed(self, flags);
        fn migrate_compression_cache(self, flags: u32) -> u64
            = Remote::domain_migrate_get_compression_cache(self, flags);
        fn migrate_set_compression_cache(self, cache_size: u64, flags: u32)
            = Remote::domain_migrate_set_compression_cache(self, cache_size, flags);
        fn migrate_begin3_params(self, params: &[TypedParam], flags: u32) -> DomainMigrateBegin3ParamsReply
            = Remote::domain_migrate_begin3_params(self, params, flags);
        fn migrate_perform3_params(
            self, dconnuri: Option<&str>, params: &[TypedParam], cookie_in: &[u8], flags: u32
        ) -> Vec<u8>
            = Remote::domain_migrate_perform3_params(self, dconnuri, params, cookie_in, flags);
        fn migrate_confirm3_params(self, params: &[TypedParam], cookie_in: &[u8], flags: u32, cancelled: i32)
            = Remote::domain_migrate_confirm3_params(self, params, cookie_in, flags, cancelled);
        fn migrate_start_post_copy(self, flags: u32) = Remote::domain_migrate_start_post_copy(self, flags);
        fn migrate_max_downtime(self, flags: u32) -> u64
            = Remote::domain_migrate_get_max_downtime(self, flags);
        fn inject_nmi(self, flags: u32) = Remote::domain_inject_nmi(self, flags);
        fn send_key(self, codeset: u32, holdtime: u32, keycodes: &[u32], flags: u32)
            = Remote::domain_send_key(self, codeset, holdtime, keycodes, flags);
        fn send_process_signal(self, pid_value: i64, signum: u32, flags: u32)
            = Remote::domain_send_process_signal(self, pid_value, signum, flags);
        fn launch_security_info(self, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_launch_security_info(self, flags);
        fn set_launch_security_state(self, params: &[TypedParam], flags: u32)
            = Remote::domain_set_launch_security_state(self, params, flags);
        fn graphics_reload(self, kind: u32, flags: u32) = Remote::domain_graphics_reload(self, kind, flags);
        fn hostname(self, flags: u32) -> String = Remote::domain_get_hostname(self, flags);
        fn fstrim(self, mount_point: Option<&str>, minimum: u64, flags: u32)
            = Remote::domain_fstrim(self, mount_point, minimum, flags);
        fn fsfreeze(self, mountpoints: &[&str], flags: u32) -> i32
            = Remote::domain_fsfreeze(self, mountpoints, flags);
        fn fsthaw(self, mountpoints: &[&str], flags: u32) -> i32
            = Remote::domain_fsthaw(self, mountpoints, flags);
        fn time(self, flags: u32) -> DomainGetTimeReply = Remote::domain_get_time(self, flags);
        fn set_time(self, seconds: i64, nseconds: u32, flags: u32)
            = Remote::domain_set_time(self, seconds, nseconds, flags);
        fn fsinfo(self, flags: u32) -> Vec<DomainFsinfo> = Remote::domain_get_fsinfo(self, flags);
        fn interface_addresses(self, source: u32, flags: u32) -> Vec<DomainInterface>
            = Remote::domain_interface_addresses(self, source, flags);
        fn set_user_password(self, user: Option<&str>, password: Option<&str>, flags: u32)
            = Remote::domain_set_user_password(self, user, password, flags);
        fn guest_vcpus(self, flags: u32) -> Vec<TypedParam> = Remote::domain_get_guest_vcpus(self, flags);
        fn set_guest_vcpus(self, cpumap: &str, state: i32, flags: u32)
            = Remote::domain_set_guest_vcpus(self, cpumap, state, flags);
        fn guest_info(self, types: u32, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_guest_info(self, types, flags);
        fn agent_set_response_timeout(self, timeout: i32, flags: u32) -> i32
            = Remote::domain_agent_set_response_timeout(self, timeout, flags);
        fn authorized_ssh_keys_get(self, user: &str, flags: u32) -> Vec<String>
            = Remote::domain_authorized_ssh_keys_get(self, user, flags);
        fn authorized_ssh_keys_set(self, user: &str, keys: &[&str], flags: u32)
            = Remote::domain_authorized_ssh_keys_set(self, user, keys, flags);
        fn create_snapshot(self, xml_desc: &str, flags: u32) -> DomainSnapshot
            = Remote::domain_snapshot_create_xml(self, xml_desc, flags);
        fn num_of_snapshots(self, flags: u32) -> i32 = Remote::domain_snapshot_num(self, flags);
        fn list_snapshot_names(self, flags: u32) -> Vec<String>
            = Remote::domain_snapshot_list_names(self, 16_384, flags);
        fn lookup_snapshot_by_name(self, name: &str, flags: u32) -> DomainSnapshot
            = Remote::domain_snapshot_lookup_by_name(self, name, flags);
        fn has_current_snapshot(self, flags: u32) -> bool = Remote::domain_has_current_snapshot(self, flags);
        fn current_snapshot(self, flags: u32) -> DomainSnapshot
            = Remote::domain_snapshot_current(self, flags);
        fn list_all_snapshots(self, flags: u32) -> Vec<DomainSnapshot>
            = Remote::domain_list_all_snapshots(self, 1, flags);
        fn create_checkpoint(self, xml_desc: &str, flags: u32) -> DomainCheckpoint
            = Remote::domain_checkpoint_create_xml(self, xml_desc, flags);
        fn list_all_checkpoints(self, flags: u32) -> Vec<DomainCheckpoint>
            = Remote::domain_list_all_checkpoints(self, 1, flags);
        fn lookup_checkpoint_by_name(self, name: &str, flags: u32) -> DomainCheckpoint
            = Remote::domain_checkpoint_lookup_by_name(self, name, flags);
        fn monitor_command(self, cmd: &str, flags: u32) -> String
            = Qemu::domain_monitor_command(self, cmd, flags);
        fn agent_command(self, cmd: &str, timeout: i32, flags: u32) -> Option<String>
            = Qemu::domain_agent_command(self, cmd, timeout, flags);
        fn open_namespace(self, flags: u32) = Lxc::domain_open_namespace(self, flags);
        fn scheduler_parameters(self) -> Vec<TypedParam> = Remote::domain_get_scheduler_parameters(self, 16);
        fn scheduler_parameters_flags(self, flags: u32) -> Vec<TypedParam>
            = Remote::domain_get_scheduler_parameters_flags(self, 16, flags);
        fn cpu_stats(self, nparams: u32, start_cpu: i32, ncpus: u32, flags: u32) -> DomainGetCpuStatsReply
            = Remote::domain_get_cpu_stats(self, nparams, start_cpu, ncpus, flags);
        #sends fn create_with_files(self, flags: u32) -> Domain = Remote::domain_create_with_files(self, flags);
        #sends fn fd_associate(self, name: &str, flags: u32) = Remote::domain_fd_associate(self, name, flags);
        #sends fn open_graphics(self, idx: u32, flags: u32) = Remote::domain_open_graphics(self, idx, flags);
        #receives fn open_graphics_fd(self, idx: u32, flags: u32) = Remote::domain_open_graphics_fd(self, idx, flags);
        #files fn monitor_command_with_files(self, cmd: &str, flags: u32) -> String
            = Qemu::domain_monitor_command_with_files(self, cmd, flags);
        #stream fn screenshot(self, screen: u32, flags: u32) -> Option<String>
            = Remote::domain_screenshot(self, screen, flags);
        #stream fn open_console(self, dev_name: Option<&str>, flags: u32)
            = Remote::domain_open_console(self, dev_name, flags);
        #stream fn open_channel(self, name: Option<&str>, flags: u32) = Remote::domain_open_channel(self, name, flags);
    }
}

domain_methods!(methods);
