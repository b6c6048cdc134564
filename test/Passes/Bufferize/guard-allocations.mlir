// RUN: fovea-opt %s --fovea-guard-allocations | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME:    %{{.*}}: index, %[[M:.*]]: index
// CHECK:         memref.alloc() : memref<8xf32>
// CHECK:         %[[STATIC:.*]] = arith.constant 1.200000e+01 : f64
// CHECK:         %[[I:.*]] = arith.index_cast %[[N:.*]] : index to i64
// CHECK:         %[[F:.*]] = arith.uitofp %[[I]] : i64 to f64
// CHECK:         %[[P:.*]] = arith.mulf %[[STATIC]], %[[F]]
// CHECK:         %[[Q:.*]] = arith.mulf %[[P]], %{{.*}}
// CHECK:         %[[LIMIT:.*]] = arith.constant 0x42F0000000000000 : f64
// CHECK:         %[[OK:.*]] = arith.cmpf olt, %[[Q]], %[[LIMIT]]
// CHECK:         cf.assert %[[OK]], "a tensor would have an absurd number of elements"
// CHECK:         memref.alloc(%[[N]], %[[M]]) : memref<?x3x?xf32>
// CHECK:         scf.forall
// CHECK-NOT:       cf.assert
// CHECK:           %[[T:.*]] = memref.alloc(%[[M]]) : memref<?xf32>
// CHECK:           %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[T]]
// CHECK:           %[[THERE:.*]] = arith.cmpi ne, %[[ADDRESS]], %{{.*}} : index
// CHECK:           scf.if %[[THERE]] {
// CHECK-NEXT:        memref.store %{{.*}}, %[[T]]
// CHECK-NEXT:        memref.dealloc %[[T]]
// CHECK-NEXT:      }
// CHECK:         return
func.func @main(%n: index, %m: index, %x: f32) {
  %s = memref.alloc() : memref<8xf32>
  %d = memref.alloc(%n, %m) : memref<?x3x?xf32>
  memref.dealloc %d : memref<?x3x?xf32>
  scf.forall (%i) in (%n) {
    %t = memref.alloc(%m) : memref<?xf32>
    memref.store %x, %t[%i] : memref<?xf32>
    memref.dealloc %t : memref<?xf32>
  }
  memref.dealloc %s : memref<8xf32>
  return
}
