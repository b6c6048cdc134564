// RUN: fovea-opt %s --canonicalize | FileCheck %s

// A cast that forgets a size is read through; the regions stay, empty or not.
// CHECK-LABEL: @casts
// CHECK-NOT:   tensor.cast %{{.*}} : tensor<2x4x8xf32>
// CHECK:       %[[R:.*]] = attn.attention query(%{{.*}} : tensor<2x4x8xf32>)
// CHECK-SAME:    -> tensor<2x4x8xf32>
// CHECK:       tensor.cast %[[R]] : tensor<2x4x8xf32> to tensor<2x?x8xf32>
// CHECK:       attn.attention query(%{{.*}} : tensor<2x4x8xf32>)
// CHECK-SAME:    score {
// CHECK:           arith.addf
func.func @casts(%q: tensor<2x4x8xf32>, %k: tensor<2x5x8xf32>, %b: tensor<f32>, %o: tensor<2x4x8xf32>)
    -> (tensor<2x?x8xf32>, tensor<2x?x8xf32>) {
  %c = tensor.cast %q : tensor<2x4x8xf32> to tensor<2x?x8xf32>
  %d = tensor.cast %o : tensor<2x4x8xf32> to tensor<2x?x8xf32>
  %r = attn.attention query(%c : tensor<2x?x8xf32>) keys(%k : tensor<2x5x8xf32>) values(%k : tensor<2x5x8xf32>)
    outs(%d : tensor<2x?x8xf32>)
    {indexing_maps = [affine_map<(b, m, n, k1, k2) -> (b, m, k1)>, affine_map<(b, m, n, k1, k2) -> (b, k2, k1)>,
                      affine_map<(b, m, n, k1, k2) -> (b, k2, n)>, affine_map<(b, m, n, k1, k2) -> (b, m, n)>],
     scale = 1.250000e-01 : f64} -> tensor<2x?x8xf32>
  %s = attn.attention query(%c : tensor<2x?x8xf32>) keys(%k : tensor<2x5x8xf32>) values(%k : tensor<2x5x8xf32>)
    captures(%b : tensor<f32>) outs(%d : tensor<2x?x8xf32>)
    score {
    ^bb0(%x: f32, %y: f32):
      %z = arith.addf %x, %y : f32
      attn.yield %z : f32
    }
    {indexing_maps = [affine_map<(b, m, n, k1, k2) -> (b, m, k1)>, affine_map<(b, m, n, k1, k2) -> (b, k2, k1)>,
                      affine_map<(b, m, n, k1, k2) -> (b, k2, n)>, affine_map<(b, m, n, k1, k2) -> ()>,
                      affine_map<(b, m, n, k1, k2) -> (b, m, n)>],
     scale = 1.250000e-01 : f64} -> tensor<2x?x8xf32>
  return %r, %s : tensor<2x?x8xf32>, tensor<2x?x8xf32>
}
