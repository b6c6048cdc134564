// RUN: fovea-opt %s --fovea-plan-arena --allow-unregistered-dialect | FileCheck %s

// %a and %c are never alive together and share their place; %b lies beside
// both. The result is the caller's and stays on the heap.

// CHECK:       func.func private @fovea_rt_arena(i64) -> memref<?xi8> attributes {llvm.emit_c_interface}
// CHECK-LABEL: func.func @main
// CHECK-SAME:    fovea.arena = array<i64: 192, 192>
// CHECK:         %[[SIZE:.*]] = arith.constant 192 : i64
// CHECK:         %[[ARENA:.*]] = call @fovea_rt_arena(%[[SIZE]])
// CHECK:         %[[O0:.*]] = arith.constant 0 : index
// CHECK:         memref.view %[[ARENA]][%[[O0]]][] : memref<?xi8> to memref<32xf32>
// CHECK:         %[[O1:.*]] = arith.constant 128 : index
// CHECK:         memref.view %[[ARENA]][%[[O1]]][] : memref<?xi8> to memref<4xf32>
// CHECK:         %[[O2:.*]] = arith.constant 0 : index
// CHECK:         memref.view %[[ARENA]][%[[O2]]][] : memref<?xi8> to memref<5xf32>
// CHECK:         memref.alloc() : memref<4xf32>
// CHECK-NOT:     memref.dealloc
func.func @main() -> memref<4xf32> attributes {fovea.entry} {
  %a = memref.alloc() : memref<32xf32>
  %b = memref.alloc() : memref<4xf32>
  "test.use"(%a, %b) : (memref<32xf32>, memref<4xf32>) -> ()
  memref.dealloc %a : memref<32xf32>
  %c = memref.alloc() : memref<5xf32>
  "test.use"(%c, %b) : (memref<5xf32>, memref<4xf32>) -> ()
  memref.dealloc %b : memref<4xf32>
  memref.dealloc %c : memref<5xf32>
  %r = memref.alloc() : memref<4xf32>
  return %r : memref<4xf32>
}

// Buffers of one loop body are alive at the same time; a buffer whose size
// would overflow an offset stays where it is.

// CHECK-LABEL: func.func @nested
// CHECK:         arith.constant 128 : i64
// CHECK:         scf.for
// CHECK-COUNT-2:   memref.view
// CHECK:         memref.alloc() : memref<1099511627776xf32>
func.func @nested(%n: index) attributes {fovea.entry} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    %a = memref.alloc() : memref<4xf32>
    %b = memref.alloc() : memref<4xf32>
    "test.use"(%a, %b) : (memref<4xf32>, memref<4xf32>) -> ()
    memref.dealloc %a : memref<4xf32>
    memref.dealloc %b : memref<4xf32>
  }
  %h = memref.alloc() : memref<1099511627776xf32>
  memref.dealloc %h : memref<1099511627776xf32>
  return
}
