// RUN: fovea-opt %s --fovea-expand-math | FileCheck %s

// CHECK-LABEL: func @exp2_vector
// CHECK-SAME: %[[X:.*]]: vector<16xf32>
// CHECK-NOT: math.
// CHECK: %[[MAGIC:.*]] = arith.addf %[[X]], %{{.*}} : vector<16xf32>
// CHECK: arith.bitcast %[[MAGIC]] : vector<16xf32> to vector<16xi32>
// CHECK: arith.shli
// CHECK: arith.addi
// CHECK: arith.cmpf ole, %[[X]]
// CHECK: arith.select
// CHECK: arith.cmpf olt, %[[X]]
// CHECK: arith.select
func.func @exp2_vector(%x: vector<16xf32>) -> vector<16xf32> {
  %y = math.exp2 %x : vector<16xf32>
  return %y : vector<16xf32>
}

// CHECK-LABEL: func @scalars
// CHECK-NOT: math.exp
// CHECK-NOT: math.erf
// CHECK-NOT: math.tanh
// CHECK-NOT: math.log
// CHECK: return
func.func @scalars(%x: f32) -> (f32, f32, f32, f32) {
  %0 = math.exp %x : f32
  %1 = math.erf %x : f32
  %2 = math.tanh %x : f32
  %3 = math.log %x : f32
  return %0, %1, %2, %3 : f32, f32, f32, f32
}

// f16 is computed in f32.
// CHECK-LABEL: func @half
// CHECK: arith.extf
// CHECK-NOT: math.exp
// CHECK: arith.truncf
func.func @half(%x: f16) -> f16 {
  %y = math.exp %x : f16
  return %y : f16
}

// f64, and functions that the pass does not know, stay for libm.
// CHECK-LABEL: func @kept
// CHECK: math.exp {{.*}} : f64
// CHECK: math.atan {{.*}} : f32
func.func @kept(%x: f64, %y: f32) -> (f64, f32) {
  %0 = math.exp %x : f64
  %1 = math.atan %y : f32
  return %0, %1 : f64, f32
}

// CHECK-LABEL: func @inside_linalg
// CHECK: linalg.generic
// CHECK-NOT: math.
// CHECK: linalg.yield
func.func @inside_linalg(%x: tensor<?xf32>) -> tensor<?xf32> {
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}
      outs(%x : tensor<?xf32>) {
  ^bb0(%a: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  } -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// CHECK-LABEL: func @square
// CHECK: arith.mulf
// CHECK-NOT: math.powf
func.func @square(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32
  %0 = math.powf %x, %two : f32
  return %0 : f32
}

// A function that only libm has, one element at a time.
// CHECK-LABEL: func @unrolled
// CHECK-COUNT-4: math.asinh {{.*}} : f32
// CHECK-COUNT-2: math.erf {{.*}} : f64
// CHECK: return
func.func @unrolled(%x: vector<2x2xf32>, %y: vector<2xf64>) -> (vector<2x2xf32>, vector<2xf64>) {
  %0 = math.asinh %x : vector<2x2xf32>
  %1 = math.erf %y : vector<2xf64>
  return %0, %1 : vector<2x2xf32>, vector<2xf64>
}
