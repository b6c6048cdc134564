// RUN: fovea-opt %s --pass-pipeline="builtin.module(func.func(fovea-lower-vectors))" | FileCheck %s

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (k, n)>
#C = affine_map<(m, n, k) -> (m, n)>
// CHECK-LABEL: func.func @contraction
// CHECK-COUNT-2: vector.fma {{.*}} : vector<16xf32>
// CHECK-NOT:     vector.contract
func.func @contraction(%a: vector<2x1xf32>, %b: vector<1x16xf32>, %c: vector<2x16xf32>) -> vector<2x16xf32> {
  %0 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>}
    %a, %b, %c : vector<2x1xf32>, vector<1x16xf32> into vector<2x16xf32>
  return %0 : vector<2x16xf32>
}

// CHECK-LABEL: func.func @row
// CHECK:         vector.store {{.*}} : memref<4x16xf32>, vector<16xf32>
func.func @row(%v: vector<16xf32>, %m: memref<4x16xf32>, %i: index) {
  %c0 = arith.constant 0 : index
  vector.transfer_write %v, %m[%i, %c0] {in_bounds = [true]} : vector<16xf32>, memref<4x16xf32>
  return
}
