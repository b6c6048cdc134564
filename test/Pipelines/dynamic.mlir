// RUN: fovea-opt %s --fovea-pipeline | FileCheck %s

// Attention with a batch and a length known at run time reaches LLVM.

// CHECK:     llvm.func @main
// CHECK-NOT: unrealized_conversion_cast
func.func @main(%q: tensor<?x4x?x16xf32> {fovea.name = "q"}, %k: tensor<?x4x?x16xf32> {fovea.name = "k"},
                %v: tensor<?x4x?x16xf32> {fovea.name = "v"}) -> (tensor<?x4x?x16xf32> {fovea.name = "o"}) attributes {fovea.entry} {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %q, %c0 : tensor<?x4x?x16xf32>
  %s = tensor.dim %q, %c2 : tensor<?x4x?x16xf32>
  %init = tensor.empty(%n, %s) : tensor<?x4x?x16xf32>
  %o = attn.attention query(%q : tensor<?x4x?x16xf32>) keys(%k : tensor<?x4x?x16xf32>) values(%v : tensor<?x4x?x16xf32>)
      outs(%init : tensor<?x4x?x16xf32>)
      {indexing_maps = [affine_map<(b, h, m, n, k1, k2) -> (b, h, m, k1)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, k1)>,
                        affine_map<(b, h, m, n, k1, k2) -> (b, h, k2, n)>, affine_map<(b, h, m, n, k1, k2) -> (b, h, m, n)>],
       scale = 2.5e-01 : f64} -> tensor<?x4x?x16xf32>
  return %o : tensor<?x4x?x16xf32>
}
