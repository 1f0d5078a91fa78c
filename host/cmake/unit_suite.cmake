# tinybms_add_unit_suite(NAME <name> SRCS <files> REQUIRES <components>): one executable of Unity cases, run by ctest.
function(tinybms_add_unit_suite)
    cmake_parse_arguments(arg "" "NAME" "SRCS;REQUIRES" ${ARGN})
    add_executable(unit_${arg_NAME} ${arg_SRCS})
    target_link_libraries(unit_${arg_NAME} PRIVATE unity ${arg_REQUIRES})
    add_test(NAME ${arg_NAME} COMMAND unit_${arg_NAME})
endfunction()
