// RUN: fovea-opt %s --pass-pipeline="builtin.module(func.func(fovea-lower-dot-products))" | FileCheck %s

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (k, n)>
#C = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: @rows
// CHECK-COUNT-2: vector.interleave {{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK: %[[PAIR:.*]] = vector.bitcast {{.*}} : vector<2xbf16> to vector<1xi32>
// CHECK: vector.broadcast {{.*}} : i32 to vector<16xi32>
// CHECK-COUNT-6: x86vector.avx512.dot {{.*}} : vector<32xbf16> -> vector<16xf32>
// CHECK-NOT: vector.contract
func.func @rows(%a: vector<3x2xbf16>, %b: vector<2x32xbf16>, %c: vector<3x32xf32>) -> vector<3x32xf32> {
  %0 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a, %b, %c
      : vector<3x2xbf16>, vector<2x32xbf16> into vector<3x32xf32>
  return %0 : vector<3x32xf32>
}

// CHECK-LABEL: @one_row
// CHECK: x86vector.avx512.dot
// CHECK-NOT: vector.contract
func.func @one_row(%a: vector<2xbf16>, %b: vector<2x16xbf16>, %c: vector<16xf32>) -> vector<16xf32> {
  %0 = vector.contract {indexing_maps = [affine_map<(n, k) -> (k)>, affine_map<(n, k) -> (k, n)>, affine_map<(n, k) -> (n)>], iterator_types = ["parallel", "reduction"], kind = #vector.kind<add>} %a, %b, %c
      : vector<2xbf16>, vector<2x16xbf16> into vector<16xf32>
  return %0 : vector<16xf32>
}

// Eight columns take a narrower product.
// CHECK-LABEL: @narrow
// CHECK: x86vector.avx512.dot {{.*}} : vector<16xbf16> -> vector<8xf32>
// CHECK-NOT: vector.contract
func.func @narrow(%a: vector<3x2xbf16>, %b: vector<2x8xbf16>, %c: vector<3x8xf32>) -> vector<3x8xf32> {
  %0 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a, %b, %c
      : vector<3x2xbf16>, vector<2x8xbf16> into vector<3x8xf32>
  return %0 : vector<3x8xf32>
}

// Columns that do not fill any vector, and other layouts, take single steps.
// CHECK-LABEL: @steps
// CHECK-COUNT-2: vector.contract {{.*}} : vector<3x1xbf16>, vector<1x3xbf16> into vector<3x3xf32>
// CHECK-COUNT-2: vector.contract {{.*}} : vector<3x1xbf16>, vector<16x1xbf16> into vector<3x16xf32>
// CHECK-NOT: x86vector
func.func @steps(%a: vector<3x2xbf16>, %b: vector<2x3xbf16>, %c: vector<3x3xf32>, %d: vector<16x2xbf16>, %e: vector<3x16xf32>) -> (vector<3x3xf32>, vector<3x16xf32>) {
  %0 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a, %b, %c
      : vector<3x2xbf16>, vector<2x3xbf16> into vector<3x3xf32>
  %1 = vector.contract {indexing_maps = [#A, affine_map<(m, n, k) -> (n, k)>, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a, %d, %e
      : vector<3x2xbf16>, vector<16x2xbf16> into vector<3x16xf32>
  return %0, %1 : vector<3x3xf32>, vector<3x16xf32>
}

// One step, and other types.
// CHECK-LABEL: @others
// CHECK-COUNT-2: vector.contract
// CHECK-NOT: x86vector
func.func @others(%a1: vector<3x1xbf16>, %b1: vector<1x16xbf16>, %a3: vector<3x2xf16>, %b3: vector<2x16xf16>, %c: vector<3x16xf32>)
    -> (vector<3x16xf32>, vector<3x16xf32>) {
  %0 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a1, %b1, %c
      : vector<3x1xbf16>, vector<1x16xbf16> into vector<3x16xf32>
  %1 = vector.contract {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"], kind = #vector.kind<add>} %a3, %b3, %c
      : vector<3x2xf16>, vector<2x16xf16> into vector<3x16xf32>
  return %0, %1 : vector<3x16xf32>, vector<3x16xf32>
}
