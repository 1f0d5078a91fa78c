# idf_component_register() as components call it, with what ESP-IDF checks only by chance checked always: a header of a
# component can be included only by those that require it, and pure components see nothing but one another.
set(pure_components tinybms battery_model charge_control battery_alarms energy_meter battery_pipeline victron_pgn)

# Puts a file into the program between _binary_<name>_start and _binary_<name>_end, with its length in <name>_length, as
# ESP-IDF does; a text gets a NUL behind it, which the length does not count.
function(embed_file target file is_text)
    get_filename_component(path ${file} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
    get_filename_component(name ${file} NAME)
    file(SIZE ${path} length)
    string(MAKE_C_IDENTIFIER ${name} symbol)
    string(MAKE_C_IDENTIFIER _binary_${name} binary)
    string(MAKE_C_IDENTIFIER ${name}_length length_symbol)
    set(terminator "")
    if(is_text)
        set(terminator ".byte 0")
    endif()
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.S)
    file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [[
.section .rodata
.global @symbol@, @binary@_start, @binary@_end, @length_symbol@
@symbol@:
@binary@_start:
.incbin "@path@"
@terminator@
@binary@_end:
.balign 4
@length_symbol@:
.long @length@
.section .note.GNU-stack,"",@progbits
]])
    set_property(SOURCE ${source} PROPERTY OBJECT_DEPENDS ${path})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${path}) # for its length
    target_sources(${target} PRIVATE ${source})
endfunction()

function(idf_component_register)
    set(lists SRCS INCLUDE_DIRS PRIV_INCLUDE_DIRS REQUIRES PRIV_REQUIRES EMBED_FILES EMBED_TXTFILES)
    cmake_parse_arguments(arg "" "" "${lists}" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "idf_component_register: not known on Linux: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    get_filename_component(name ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    add_library(${name} STATIC ${arg_SRCS})
    set(COMPONENT_LIB ${name} PARENT_SCOPE)
    target_include_directories(${name} PUBLIC ${arg_INCLUDE_DIRS} PRIVATE ${arg_PRIV_INCLUDE_DIRS})
    if(NOT name IN_LIST pure_components)
        target_link_libraries(${name} PUBLIC idf_common)
    endif()
    target_link_libraries(${name} PUBLIC ${arg_REQUIRES} PRIVATE ${arg_PRIV_REQUIRES})
    foreach(file ${arg_EMBED_FILES})
        embed_file(${name} ${file} FALSE)
    endforeach()
    foreach(file ${arg_EMBED_TXTFILES})
        embed_file(${name} ${file} TRUE)
    endforeach()
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
    list(TRANSFORM arg_SRCS PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
    config_symbols_of(${name} ${CMAKE_CURRENT_SOURCE_DIR} SRCS ${arg_SRCS} ${headers}
                      REQUIRES ${arg_REQUIRES} ${arg_PRIV_REQUIRES})
    add_dependencies(${name} config_symbols)
    foreach(requirement ${arg_REQUIRES} ${arg_PRIV_REQUIRES})
        set_property(GLOBAL APPEND PROPERTY idf_requirements "${name}>${requirement}")
    endforeach()
endfunction()

function(idf_check_requirements)
    get_property(requirements GLOBAL PROPERTY idf_requirements)
    foreach(pair ${requirements})
        string(REPLACE ">" ";" pair "${pair}")
        list(GET pair 0 name)
        list(GET pair 1 requirement)
        if(NOT TARGET ${requirement})
            message(FATAL_ERROR "component ${name} requires ${requirement}, which is neither in components/ nor in host/")
        endif()
    endforeach()
endfunction()
