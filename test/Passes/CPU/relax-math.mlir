// RUN: fovea-opt %s --fovea-relax-math | FileCheck %s

// What was allowed stays allowed; NaN and infinities are never assumed away.
// CHECK-LABEL: func @relaxed
// CHECK:         arith.addf %{{.*}}, %{{.*}} fastmath<reassoc,nsz,arcp,contract,afn> : f32
// CHECK:         arith.mulf %{{.*}}, %{{.*}} fastmath<reassoc,nnan,nsz,arcp,contract,afn> : f32
// CHECK:         math.exp %{{.*}} fastmath<reassoc,nsz,arcp,contract,afn> : f32
// CHECK:         arith.addi %{{.*}}, %{{.*}} : i32
func.func @relaxed(%x: f32, %i: i32) -> (f32, i32) {
  %a = arith.addf %x, %x : f32
  %m = arith.mulf %a, %x fastmath<nnan> : f32
  %e = math.exp %m : f32
  %j = arith.addi %i, %i : i32
  return %e, %j : f32, i32
}
