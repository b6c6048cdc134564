# One shared library holds everything but the tools and the runtime, so that a tool links in a second. A new source file
# or pass stage needs no line here: the folder decides.
set(attn dialects/attn)
set(attn_inc fovea/dialects/attn)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnDialect.h.inc --gen-dialect-decls -dialect=attn)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnDialect.cpp.inc --gen-dialect-defs -dialect=attn)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnOps.h.inc --gen-op-decls)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnOps.cpp.inc --gen-op-defs)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnAttrs.h.inc --gen-attrdef-decls -attrdefs-dialect=attn)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnAttrs.cpp.inc --gen-attrdef-defs -attrdefs-dialect=attn)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnEnums.h.inc --gen-enum-decls)
fovea_tablegen(${attn}/AttnOps.td ${attn_inc}/AttnEnums.cpp.inc --gen-enum-defs)
fovea_tablegen(${attn}/AttnInterfaces.td ${attn_inc}/AttnAttrInterfaces.h.inc --gen-attr-interface-decls)
fovea_tablegen(${attn}/AttnInterfaces.td ${attn_inc}/AttnAttrInterfaces.cpp.inc --gen-attr-interface-defs)

file(GLOB stages CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/passes ${CMAKE_SOURCE_DIR}/passes/*/Passes.td)
foreach(file ${stages})
  get_filename_component(stage ${file} DIRECTORY)
  fovea_tablegen(passes/${stage}/Passes.td fovea/passes/${stage}/Passes.h.inc --gen-pass-decls -name=Fovea${stage})
endforeach()
add_custom_target(fovea-tablegen DEPENDS ${FOVEA_TABLEGEN_OUTPUTS})

file(GLOB_RECURSE sources CONFIGURE_DEPENDS
  ${CMAKE_SOURCE_DIR}/dialects/*.cpp ${CMAKE_SOURCE_DIR}/passes/*.cpp
  ${CMAKE_SOURCE_DIR}/lib/Import/*.cpp ${CMAKE_SOURCE_DIR}/lib/Analysis/*.cpp ${CMAKE_SOURCE_DIR}/lib/Target/*.cpp
  ${CMAKE_SOURCE_DIR}/lib/Schedule/*.cpp ${CMAKE_SOURCE_DIR}/lib/Pipelines/*.cpp ${CMAKE_SOURCE_DIR}/lib/Package/*.cpp)
add_library(FoveaCompiler SHARED ${sources})
add_dependencies(FoveaCompiler fovea-tablegen)
target_precompile_headers(FoveaCompiler PRIVATE ${CMAKE_SOURCE_DIR}/cmake/Precompiled.h)
target_link_libraries(FoveaCompiler PUBLIC MLIR LLVM PRIVATE ONNX::onnx nlohmann_json::nlohmann_json)
if(FOVEA_SANITIZE)
  # In the program itself, whose sanitizers bring an answer of their own that hides the one of a library.
  target_sources(FoveaCompiler INTERFACE ${CMAKE_SOURCE_DIR}/cmake/SanitizerOptions.cpp)
endif()
include(FoveaPackage)
