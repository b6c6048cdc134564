# What the compiler needs to link a library: the linker, the shared libraries that every library may depend on, and the
# text of the C interface, which goes into the header of each.
find_program(FOVEA_LLD NAMES ld.lld-22 ld.lld HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)
find_library(FOVEA_LIBOMP NAMES omp HINTS ${LLVM_LIBRARY_DIRS} REQUIRED NO_DEFAULT_PATH)
foreach(name c m)
  string(TOUPPER FOVEA_LIB${name} variable)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=lib${name}.so.6
    OUTPUT_VARIABLE ${variable} OUTPUT_STRIP_TRAILING_WHITESPACE)
endforeach()
# The dynamic linker is a part of libc: it has what thread-local variables need.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=ld-linux-x86-64.so.2
    OUTPUT_VARIABLE FOVEA_LIBLOADER OUTPUT_STRIP_TRAILING_WHITESPACE)
else()
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=ld-linux-aarch64.so.1
    OUTPUT_VARIABLE FOVEA_LIBLOADER OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
configure_file(${CMAKE_SOURCE_DIR}/lib/Package/Paths.h.in ${CMAKE_BINARY_DIR}/include/fovea/Package/Paths.h @ONLY)

set(interface ${CMAKE_SOURCE_DIR}/include/fovea/Runtime/fovea.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${interface})
file(READ ${interface} text)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/include/fovea/Package/Interface.inc CONTENT "R\"FOVEA(@text@)FOVEA\"\n" @ONLY)
