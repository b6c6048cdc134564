// RUN: fovea-opt %s --fovea-lower-assertions | FileCheck %s

// CHECK-DAG: llvm.func @fovea_rt_assert_failed(!llvm.ptr)
// CHECK-DAG: llvm.mlir.global internal constant @[[TEXT:.*]]("index out of range\00")
// One text, however often it is used.
// CHECK-NOT: llvm.mlir.global

// CHECK-LABEL: func.func @twice(
// CHECK-SAME:    %[[A:.*]]: i1, %[[B:.*]]: i1)
func.func @twice(%a: i1, %b: i1) -> i32 {
  // CHECK:   cf.cond_br %[[A]], ^[[AFTER:.*]], ^[[FAIL:.*]]
  // CHECK: ^[[FAIL]]:
  // CHECK:   %[[P:.*]] = llvm.mlir.addressof @[[TEXT]]
  // CHECK:   llvm.call @fovea_rt_assert_failed(%[[P]])
  // CHECK:   cf.br ^[[AFTER]]
  // CHECK: ^[[AFTER]]:
  // CHECK:   cf.cond_br %[[B]]
  cf.assert %a, "index out of range"
  %c = arith.constant 1 : i32
  cf.assert %b, "index out of range"
  // CHECK:   return
  return %c : i32
}
