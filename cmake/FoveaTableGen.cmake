# fovea_tablegen(<td> <out under build/include> <mlir-tblgen flags...>): one generated file; the list of all of them is
# FOVEA_TABLEGEN_OUTPUTS.
set(FOVEA_TABLEGEN_OUTPUTS "")
find_program(FOVEA_MLIR_TBLGEN NAMES mlir-tblgen-22 mlir-tblgen HINTS ${LLVM_TOOLS_BINARY_DIR} REQUIRED)
file(GLOB_RECURSE FOVEA_TD_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/dialects/*.td ${CMAKE_SOURCE_DIR}/passes/*.td)

function(fovea_tablegen td out)
  set(output ${CMAKE_BINARY_DIR}/include/${out})
  get_filename_component(dir ${output} DIRECTORY)
  file(MAKE_DIRECTORY ${dir})
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${FOVEA_MLIR_TBLGEN} ${ARGN} -I ${CMAKE_SOURCE_DIR} -I ${CMAKE_SOURCE_DIR}/include
            -I ${LLVM_INCLUDE_DIRS} --write-if-changed ${CMAKE_SOURCE_DIR}/${td} -o ${output}
    DEPENDS ${FOVEA_TD_FILES}
    COMMENT "tablegen ${out}")
  set(FOVEA_TABLEGEN_OUTPUTS ${FOVEA_TABLEGEN_OUTPUTS} ${output} PARENT_SCOPE)
endfunction()
