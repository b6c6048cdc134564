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

// Operands of f16 are widened where upstream knows f32 only: with a batch, and
// as products of rows with each other.
#BA = affine_map<(b, m, n, k) -> (b, m, k)>
#BB = affine_map<(b, m, n, k) -> (b, n, k)>
#BC = affine_map<(b, m, n, k) -> (b, m, n)>
// CHECK-LABEL: func.func @batch_of_halves
// CHECK:         arith.extf
// CHECK-NOT:     vector.contract
// CHECK:         return
func.func @batch_of_halves(%a: vector<2x3x4xf16>, %b: vector<2x5x4xf16>, %c: vector<2x3x5xf32>) -> vector<2x3x5xf32> {
  %0 = vector.contract {indexing_maps = [#BA, #BB, #BC], iterator_types = ["parallel", "parallel", "parallel", "reduction"], kind = #vector.kind<add>}
    %a, %b, %c : vector<2x3x4xf16>, vector<2x5x4xf16> into vector<2x3x5xf32>
  return %0 : vector<2x3x5xf32>
}

// -----

// Transposes of a few rows go through registers in blocks of 16 by 16.

// CHECK-LABEL: func.func @transpose_rows
// CHECK:         vector.shuffle {{.*}} : vector<16xf32>, vector<16xf32>
func.func @transpose_rows(%x: memref<14x32xf32>, %y: memref<32x14xf32>) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %x[%c0, %c0], %zero {in_bounds = [true, true]} : memref<14x32xf32>, vector<14x32xf32>
  %t = vector.transpose %v, [1, 0] : vector<14x32xf32> to vector<32x14xf32>
  vector.transfer_write %t, %y[%c0, %c0] {in_bounds = [true, true]} : vector<32x14xf32>, memref<32x14xf32>
  return
}

// Positions, as masks compare them, have no width here.
// CHECK-LABEL: @transpose_positions
// CHECK-NOT: vector.transpose
func.func @transpose_positions(%x: vector<8x32xindex>) -> vector<32x8xindex> {
  %y = vector.transpose %x, [1, 0] : vector<8x32xindex> to vector<32x8xindex>
  return %y : vector<32x8xindex>
}
