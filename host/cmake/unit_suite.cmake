# What test/unit/suites.cmake means on Linux: a program for each suite. ctest gives it the menu's choice "all"; started
# without one it shows the menu, as on the chip. It is alone in its directory with ESP-IDF's config/sdkconfig.json, which is
# where pytest-embedded looks for a program and its target.
function(unit_suite name)
    cmake_parse_arguments(arg "LINUX_ONLY" "" "SRCS;REQUIRES" ${ARGN})
    set(program unit_${name})
    set(dir ${CMAKE_CURRENT_BINARY_DIR}/${name})
    add_executable(${program} ${arg_SRCS})
    target_link_libraries(${program} PRIVATE unity ${arg_REQUIRES})
    if(arg_LINUX_ONLY)
        target_include_directories(${program} PRIVATE ${TINYBMS_ROOT}/host/src)
    endif()
    file(MAKE_DIRECTORY ${dir})
    file(CREATE_LINK ${TINYBMS_CONFIG_DIR} ${dir}/config SYMBOLIC)
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${dir})
    add_test(NAME ${name} COMMAND ${program} *)
endfunction()
