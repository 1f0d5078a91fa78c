# Runs kconfgen over the Kconfig files of all components, with the tree's sdkconfig.defaults, as ESP-IDF does.
# Sets TINYBMS_CONFIG_DIR, where sdkconfig.h is.
set(TINYBMS_CONFIG_DIR "${CMAKE_BINARY_DIR}/config")
file(GLOB component_kconfig_files CONFIGURE_DEPENDS ${TINYBMS_ROOT}/components/*/Kconfig)
file(GLOB host_kconfig_files CONFIGURE_DEPENDS Kconfig */Kconfig) # of ESP-IDF's components
set(kconfig_files ${component_kconfig_files} ${host_kconfig_files})
set(sources "")
foreach(file ${component_kconfig_files})
    string(APPEND sources "source \"${file}\"\n")
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/kconfigs.in" "${sources}")
file(MAKE_DIRECTORY "${TINYBMS_CONFIG_DIR}")
file(REMOVE "${CMAKE_BINARY_DIR}/sdkconfig") # always made anew from the defaults
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${kconfig_files} ${TINYBMS_ROOT}/sdkconfig.defaults)
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env "COMPONENT_KCONFIGS_SOURCE_FILE=${CMAKE_BINARY_DIR}/kconfigs.in"
            ${TINYBMS_PYTHON} -m kconfgen --kconfig ${CMAKE_CURRENT_SOURCE_DIR}/Kconfig
            --config ${CMAKE_BINARY_DIR}/sdkconfig --defaults ${TINYBMS_ROOT}/sdkconfig.defaults
            --output header ${TINYBMS_CONFIG_DIR}/sdkconfig.h
            --output json ${TINYBMS_CONFIG_DIR}/sdkconfig.json
    RESULT_VARIABLE result
    OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
# kconfgen exits with 0 for unknown symbols and defaults out of range, and only says so.
string(REGEX REPLACE "(NOTE: (Kconfig parser version|Kconfig defaults policy|Status: Finished successfully)|Loading defaults file)[^\n]*"
       "" complaints "${output}")
string(STRIP "${complaints}" complaints)
if(NOT result EQUAL 0 OR NOT complaints STREQUAL "")
    message(FATAL_ERROR "Kconfig: ${output}")
endif()
