# The Unity suites: unit_suite(<name> [LINUX_ONLY] SRCS <files> REQUIRES <components>). The one list of them, read by the Linux
# build (test/unit/CMakeLists.txt), by the chip's (test/chip/main/CMakeLists.txt) and, its first lines, by idf_ext.py.
unit_suite(tinybms
    SRCS tinybms/line.c tinybms/test_command.c tinybms/test_crc.c tinybms/test_event_log.c tinybms/test_events.c
         tinybms/test_explanation.c tinybms/test_frame.c tinybms/test_options.c tinybms/test_over.c
         tinybms/test_plausible.c tinybms/test_registers.c tinybms/test_session.c tinybms/test_times.c tinybms/test_write.c
         tinybms/test_write_gate.c
    REQUIRES tinybms)
unit_suite(battery_model
    SRCS battery_model/device.c battery_model/test_battery_assemble.c battery_model/test_battery_belief.c
         battery_model/test_battery_bms.c battery_model/test_battery_explanation.c battery_model/test_battery_texts.c
    REQUIRES battery_model)
unit_suite(charge_control
    SRCS charge_control/pack.c charge_control/test_charge_control.c charge_control/test_charge_current.c
         charge_control/test_charge_edges.c charge_control/test_charge_empty.c charge_control/test_charge_live.c
         charge_control/test_charge_lost.c charge_control/test_charge_rise.c charge_control/test_charge_stages.c charge_control/test_charge_start.c
         charge_control/test_charge_temperature.c charge_control/test_charge_voltage.c
         charge_control/test_charge_voltages.c
    REQUIRES charge_control)
unit_suite(battery_pipeline
    SRCS battery_pipeline/gateway.c battery_pipeline/test_battery_pipeline.c battery_pipeline/test_damage.c
    REQUIRES battery_pipeline)
unit_suite(battery_alarms
    SRCS battery_alarms/fixture.c battery_alarms/test_conditions.c battery_alarms/test_fault.c
         battery_alarms/test_internal.c battery_alarms/test_limits.c battery_alarms/test_thresholds.c
    REQUIRES battery_alarms)
unit_suite(energy_meter
    SRCS energy_meter/test_energy_log.c energy_meter/test_energy_meter.c
    REQUIRES energy_meter)
unit_suite(victron_pgn
    SRCS victron_pgn/test_keepalive.c victron_pgn/test_pgn.c victron_pgn/test_schedule.c
    REQUIRES victron_pgn)
unit_suite(settings
    SRCS settings/test_settings_apart.c settings/test_settings_input.c settings/test_settings_keep.c
         settings/test_settings_pipeline.c settings/test_settings_record.c settings/test_settings_rules.c
    REQUIRES json_stream settings tinybms)
unit_suite(json_stream
    SRCS json_stream/test_json_reader.c json_stream/test_json_stream.c
    REQUIRES json_stream)
unit_suite(device_console
    SRCS device_console/test_console_line.c
    REQUIRES device_console)
unit_suite(access
    SRCS access/test_access_code.c access/test_access_cookie.c access/test_access_crypto.c access/test_access_origin.c
         access/test_access_sessions.c access/test_access_throttle.c
    REQUIRES access)
unit_suite(report
    SRCS report/test_report.c
    REQUIRES report)
unit_suite(web_server LINUX_ONLY
    SRCS web_server/test_web_path.c web_server/test_web_plan.c web_server/test_web_registers.c
    REQUIRES web_server)
unit_suite(event_bus
    SRCS event_bus/test_event_bus.c event_bus/test_service_task.c
    REQUIRES event_bus)
unit_suite(work
    SRCS work/test_work.c
    REQUIRES event_bus work)
unit_suite(flash_gate
    SRCS flash_gate/test_flash_pace.c
    REQUIRES flash_gate)
unit_suite(ota
    SRCS ota/test_ota_confirm.c
    REQUIRES ota)
unit_suite(diagnostics
    SRCS diagnostics/test_boot_loop.c diagnostics/test_boot_reason.c
    REQUIRES diagnostics)

# These look behind the ESP-IDF API as Linux has it. One program each for host/: the controller, the options and the event
# loop are there once.
# First, because they take the longest: they wait for turns at the flash.
unit_suite(settings_live_limits LINUX_ONLY
    SRCS settings_live/live.c settings_live/test_live_limits.c host/peer_bus.c
    REQUIRES battery battery_model can_victron esp_driver_twai esp_timer event_bus flash_gate settings)
unit_suite(settings_live_saves LINUX_ONLY
    SRCS settings_live/live.c settings_live/test_live_saves.c host/peer_bus.c
    REQUIRES battery battery_model can_victron esp_driver_twai esp_timer event_bus flash_gate settings)
unit_suite(uart_bms LINUX_ONLY
    SRCS uart_bms/test_uart_bms.c uart_bms/test_uart_traffic.c
    REQUIRES uart_bms)
unit_suite(can_victron LINUX_ONLY
    SRCS can_victron/test_can_node.c host/peer_bus.c
    REQUIRES can_victron esp_driver_twai esp_timer)
unit_suite(flash_turns LINUX_ONLY
    SRCS flash_turns/test_flash_turns.c
    REQUIRES esp_partition esp_timer flash_gate)
unit_suite(flash_stress LINUX_ONLY
    SRCS flash_stress/test_flash_stress.c host/peer_bus.c
    REQUIRES battery_model can_victron esp_partition esp_timer event_bus flash_gate settings)
unit_suite(can_victron_faults LINUX_ONLY
    SRCS can_victron/fake_log.c can_victron/fake_twai.c can_victron/test_can_restart.c can_victron/test_can_turn.c
         can_victron/test_can_victron.c can_victron/test_node_faults.c
    REQUIRES can_victron esp_driver_twai tinybms)
unit_suite(energy_store LINUX_ONLY
    SRCS energy_store/test_energy_store.c
    REQUIRES battery energy_meter esp_partition flash_gate)
unit_suite(energy_store_no_partition LINUX_ONLY
    SRCS energy_store/test_no_partition.c
    REQUIRES battery energy_meter esp_partition)
unit_suite(limits_store LINUX_ONLY
    SRCS energy_store/test_limits_store.c
    REQUIRES battery charge_control esp_hw_support tinybms)
unit_suite(boot_guard LINUX_ONLY
    SRCS boot_guard/test_boot_guard.c
    REQUIRES diagnostics)
unit_suite(log_ring LINUX_ONLY
    SRCS log_ring/test_log_ring.c
    REQUIRES diagnostics)
unit_suite(system_status LINUX_ONLY
    SRCS system_status/test_system_status.c
    REQUIRES diagnostics)
unit_suite(overdue LINUX_ONLY
    SRCS overdue/test_overdue.c
    REQUIRES event_bus)
unit_suite(settings_storage LINUX_ONLY
    SRCS settings_storage/storage.c settings_storage/test_settings_long.c settings_storage/test_settings_reset.c
         settings_storage/test_settings_storage.c
    REQUIRES esp_partition flash_gate nvs_flash settings)
unit_suite(access_storage LINUX_ONLY
    SRCS access_storage/gateway.c access_storage/test_access.c access_storage/test_access_audit.c
         access_storage/test_access_store.c
    REQUIRES access flash_gate nvs_flash)
unit_suite(host_freertos LINUX_ONLY
    SRCS host/test_freertos.c
    REQUIRES esp_event esp_timer)
unit_suite(host_log LINUX_ONLY
    SRCS host/test_log.c
    REQUIRES idf_common)
unit_suite(host_nvs LINUX_ONLY
    SRCS host/test_nvs.c
    REQUIRES nvs_flash)
unit_suite(host_otadata LINUX_ONLY
    SRCS host/test_otadata.c
    REQUIRES app_update)
unit_suite(host_partition LINUX_ONLY
    SRCS host/test_partition.c
    REQUIRES esp_partition esp_timer)
unit_suite(host_slcan LINUX_ONLY
    SRCS host/test_slcan.c
    REQUIRES idf_common)
unit_suite(host_socketcan_frame LINUX_ONLY
    SRCS host/test_socketcan_frame.c
    REQUIRES idf_common)
unit_suite(host_twai_config LINUX_ONLY
    SRCS host/test_twai_config.c
    REQUIRES esp_driver_twai)
unit_suite(host_twai_node LINUX_ONLY
    SRCS host/peer_bus.c host/test_twai_node.c host/test_twai_states.c host/twai_probe.c
    REQUIRES esp_driver_twai esp_timer)
unit_suite(host_twai_single_shot LINUX_ONLY
    SRCS host/peer_bus.c host/test_twai_single_shot.c host/twai_probe.c
    REQUIRES esp_driver_twai esp_timer)
unit_suite(host_uart LINUX_ONLY
    SRCS host/test_uart.c
    REQUIRES esp_driver_uart esp_timer)
unit_suite(host_http_server LINUX_ONLY
    SRCS host/http_peer.c host/test_http_address.c host/test_http_async.c host/test_http_server.c host/test_http_sessions.c
         host/test_http_websocket.c
    REQUIRES esp_event esp_http_server lwip)
unit_suite(host_mac LINUX_ONLY
    SRCS host/test_mac.c
    REQUIRES esp_hw_support)
unit_suite(host_spiffs LINUX_ONLY
    SRCS host/test_spiffs.c
    REQUIRES spiffs)
