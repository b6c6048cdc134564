// RUN: fovea-opt %s --fovea-group | FileCheck %s --check-prefix=GROUP
// RUN: fovea-opt %s --fovea-group --fovea-schedule --fovea-tile --fovea-vector --fovea-memref | FileCheck %s --check-prefix=MEMREF
// RUN: fovea-opt %s --fovea-pipeline | FileCheck %s --check-prefix=LLVM

// The stages hand over what the next one expects, for a model with a static and
// one with a run-time batch.

// GROUP-LABEL: func.func @main
// GROUP:         call @k{{[0-9]+}}_matmul
// GROUP:         call @k{{[0-9]+}}_rows
// GROUP-NOT:     linalg
// GROUP:         return

// No tensor is left, every temporary lies in the arena, and only the result is
// allocated.
// MEMREF-NOT:    tensor<
// MEMREF-LABEL:  func.func @main
// MEMREF:          call @fovea_rt_arena
// MEMREF:          memref.alloc()
// MEMREF-NOT:      memref.alloc()
// MEMREF:          return

// LLVM-NOT:      func.func
// LLVM:          llvm.func @main
// LLVM-NOT:      unrealized_conversion_cast
#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<37x64xf32> {fovea.name = "x"}, %w: tensor<64x48xf32> {fovea.name = "w"},
                %b: tensor<48xf32> {fovea.name = "b"}) -> (tensor<37x48xf32> {fovea.name = "y"}) attributes {fovea.entry} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<37x48xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<37x48xf32>) -> tensor<37x48xf32>
  %m = linalg.matmul ins(%x, %w : tensor<37x64xf32>, tensor<64x48xf32>) outs(%f : tensor<37x48xf32>) -> tensor<37x48xf32>
  %h = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<37x48xf32>, tensor<48xf32>) outs(%e : tensor<37x48xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<37x48xf32>
  %s = linalg.softmax dimension(1) ins(%h : tensor<37x48xf32>) outs(%e : tensor<37x48xf32>) -> tensor<37x48xf32>
  return %s : tensor<37x48xf32>
}
