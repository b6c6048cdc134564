// RUN: fovea-opt %s --attn-lower-online --canonicalize | FileCheck %s

// CHECK-LABEL: @tile
// The capture is transposed once, block by block.
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<16x16xf32>) outs(%{{.*}} : tensor<16x16xf32>)
// Scores of 8 keys and all rows, and their maximum.
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c64{{.*}} step %c8
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c24{{.*}} step %c1
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<8x1xf32>, tensor<1x32xf32>) outs(%{{.*}} : tensor<8x32xf32>)
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<8x32xf32>) outs(%{{.*}} : tensor<8x32xf32>)
// CHECK: arith.addf
// CHECK: linalg.generic
// CHECK: arith.maxnumf
// Probabilities and their sum.
// CHECK: math.exp2
// CHECK: arith.addf
// Nine columns of the output in register tiles of 5 and 4.
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<1x5xf32>, tensor<1x32xf32>) outs(%{{.*}} : tensor<5x32xf32>)
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<1x4xf32>, tensor<1x32xf32>) outs(%{{.*}} : tensor<4x32xf32>)
func.func @tile(%q: tensor<24x32xf32>, %k: tensor<64x24xf32>, %v: tensor<64x9xf32>, %bias: tensor<32x64xf32>, %acc: tensor<9x32xf32>, %max: tensor<32xf32>, %sum: tensor<32xf32>)
    -> (tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>) {
  %r:3 = attn.online query(%q : tensor<24x32xf32>) key(%k : tensor<64x24xf32>) value(%v : tensor<64x9xf32>) captures(%bias : tensor<32x64xf32>)
    outs(%acc, %max, %sum : tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>)
    score {
    ^bb0(%s: f32, %b: f32):
      %x = arith.addf %s, %b : f32
      attn.yield %x : f32
    }
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (k1, m)>, affine_map<(m, n, k1, k2) -> (k2, k1)>, affine_map<(m, n, k1, k2) -> (k2, n)>,
                      affine_map<(m, n, k1, k2) -> (m, k2)>,
                      affine_map<(m, n, k1, k2) -> (n, m)>, affine_map<(m, n, k1, k2) -> (m)>, affine_map<(m, n, k1, k2) -> (m)>],
     attn.schedule = #attn.schedule<register = [8, 8], lanes = 16>} -> tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>
  return %r#0, %r#1, %r#2 : tensor<9x32xf32>, tensor<32xf32>, tensor<32xf32>
}

// Rows outermost in the accumulator: keys lie in the lanes. 16 keys share one reduction across lanes, then the rows share
// the values that are read.
// CHECK-LABEL: @rows
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c16
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c3{{.*}} step %c1
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<16x16xf32>, tensor<16xf32>) outs(%{{.*}} : tensor<16x16xf32>)
// CHECK: linalg.generic {{.*}}"reduction"]} ins(%{{.*}} : tensor<16x16xf32>) outs(%{{.*}} : tensor<1x16xf32>)
// CHECK: arith.maxnumf
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<3x1xf32>, tensor<1x8xf32>) outs(%{{.*}} : tensor<3x8xf32>)
func.func @rows(%q: tensor<3x32xf32>, %k: tensor<32x32xf32>, %v: tensor<32x8xf32>, %acc: tensor<3x8xf32>, %max: tensor<3xf32>, %sum: tensor<3xf32>)
    -> (tensor<3x8xf32>, tensor<3xf32>, tensor<3xf32>) {
  %r:3 = attn.online query(%q : tensor<3x32xf32>) key(%k : tensor<32x32xf32>) value(%v : tensor<32x8xf32>)
    outs(%acc, %max, %sum : tensor<3x8xf32>, tensor<3xf32>, tensor<3xf32>)
    {indexing_maps = [affine_map<(m, n, k1, k2) -> (m, k1)>, affine_map<(m, n, k1, k2) -> (k2, k1)>, affine_map<(m, n, k1, k2) -> (k2, n)>,
                      affine_map<(m, n, k1, k2) -> (m, n)>, affine_map<(m, n, k1, k2) -> (m)>, affine_map<(m, n, k1, k2) -> (m)>],
     attn.schedule = #attn.schedule<register = [8, 8], lanes = 16>} -> tensor<3x8xf32>, tensor<3xf32>, tensor<3xf32>
  return %r#0, %r#1, %r#2 : tensor<3x8xf32>, tensor<3xf32>, tensor<3xf32>
}
