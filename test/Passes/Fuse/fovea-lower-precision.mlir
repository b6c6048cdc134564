// RUN: fovea-opt %s --fovea-lower-precision | FileCheck %s

// The weight is rounded at compile time (1.00390625 lies between two bf16: ties to even), the other operand where it is used.
// CHECK-LABEL: @linear
// CHECK: %[[ZERO:.*]] = linalg.fill
// CHECK: %[[X:.*]] = linalg.generic {{.*}} ins(%arg0 : tensor<5x64xf32>) outs(%{{.*}} : tensor<5x64xbf16>)
// CHECK: arith.truncf %{{.*}} : f32 to bf16
// CHECK: %[[W:.*]] = arith.constant dense<1.000000e+00> : tensor<64x8xbf16>
// CHECK: linalg.generic {{.*}} ins(%[[X]], %[[W]] : tensor<5x64xbf16>, tensor<64x8xbf16>) outs(%[[ZERO]] : tensor<5x8xf32>)
// CHECK: arith.extf
// CHECK: arith.extf
// CHECK: arith.mulf %{{.*}} : f32
// CHECK: arith.addf %{{.*}} : f32
func.func @linear(%x: tensor<5x64xf32>) -> tensor<5x8xf32> {
  %w = arith.constant dense<1.00390625> : tensor<64x8xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5x8xf32>) -> tensor<5x8xf32>
  %y = linalg.matmul ins(%x, %w : tensor<5x64xf32>, tensor<64x8xf32>) outs(%f : tensor<5x8xf32>) -> tensor<5x8xf32>
  return %y : tensor<5x8xf32>
}

// Few steps, f64, and what is not a contraction stay.
// CHECK-LABEL: @others
// CHECK-NOT: bf16
// CHECK: return
func.func @others(%p: tensor<40x1xf32>, %q: tensor<1x16xf32>, %f: tensor<40x16xf32>, %x: tensor<5x64xf64>, %y: tensor<64x8xf64>, %g: tensor<5x8xf64>)
    -> (tensor<40x16xf32>, tensor<5x8xf64>, tensor<40x16xf32>) {
  %a = linalg.matmul ins(%p, %q : tensor<40x1xf32>, tensor<1x16xf32>) outs(%f : tensor<40x16xf32>) -> tensor<40x16xf32>
  %b = linalg.matmul ins(%x, %y : tensor<5x64xf64>, tensor<64x8xf64>) outs(%g : tensor<5x8xf64>) -> tensor<5x8xf64>
  %c = linalg.add ins(%a, %f : tensor<40x16xf32>, tensor<40x16xf32>) outs(%f : tensor<40x16xf32>) -> tensor<40x16xf32>
  return %a, %b, %c : tensor<40x16xf32>, tensor<5x8xf64>, tensor<40x16xf32>
}
