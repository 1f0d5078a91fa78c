# The build refuses a CONFIG_ symbol that a component's requirements do not bring: config_symbols.py looks at the units
# named here before anything of them is compiled.

# config_symbols_of(<name> <directory of its Kconfig> SRCS <files> REQUIRES <components>)
function(config_symbols_of name directory)
    cmake_parse_arguments(arg "" "" "SRCS;REQUIRES" ${ARGN})
    list(TRANSFORM arg_SRCS REPLACE "(.+)" "\"\\1\"")
    list(TRANSFORM arg_REQUIRES REPLACE "(.+)" "\"\\1\"")
    list(JOIN arg_SRCS "," sources)
    list(JOIN arg_REQUIRES "," requires)
    set_property(GLOBAL APPEND_STRING PROPERTY config_symbols_units
                 "{\"name\":\"${name}\",\"directory\":\"${directory}\",\"sources\":[${sources}],\"requires\":[${requires}]}\n")
    set_property(GLOBAL APPEND PROPERTY config_symbols_sources ${ARGN})
endfunction()

# Called behind the last unit.
function(config_symbols_check)
    get_property(units GLOBAL PROPERTY config_symbols_units)
    get_property(files GLOBAL PROPERTY config_symbols_sources)
    list(FILTER files INCLUDE REGEX "\\.[ch]$")
    set(list ${CMAKE_BINARY_DIR}/config_symbols.jsonl)
    set(stamp ${CMAKE_BINARY_DIR}/config_symbols.stamp)
    set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/config_symbols.py)
    file(CONFIGURE OUTPUT ${list} CONTENT "${units}" @ONLY)
    add_custom_command(
        OUTPUT ${stamp}
        COMMAND ${TINYBMS_PYTHON} ${script} ${list} ${CMAKE_CURRENT_SOURCE_DIR}/Kconfig ${stamp}
        DEPENDS ${files} ${kconfig_files} ${list} ${script}
        COMMENT "Looking for CONFIG_ symbols that nothing brings"
        VERBATIM)
    add_custom_target(config_symbols ALL DEPENDS ${stamp})
endfunction()
