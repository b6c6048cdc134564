// RUN: fovea-opt %s --fovea-hoist-scratch | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK:         %[[T:.*]] = memref.alloc() {alignment = 64 : i64} : memref<8xf32>
// CHECK:         call @k0(%{{.*}}, %{{.*}}, %[[T]])
// CHECK:         memref.dealloc %[[T]]
func.func @main(%x: memref<8xf32>, %n: index) attributes {fovea.entry} {
  call @k0(%x, %n) : (memref<8xf32>, index) -> ()
  return
}

// The buffer of run-time size stays.
// CHECK-LABEL: func.func private @k0
// CHECK-SAME:    %{{[a-z0-9]+}}: memref<8xf32>, %{{[a-z0-9]+}}: index, %[[A:[a-z0-9]+]]: memref<8xf32>
// CHECK:         %[[D:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK-NOT:     memref.alloc()
// CHECK:         memref.copy %{{.*}}, %[[A]]
// CHECK:         memref.dealloc %[[D]]
// CHECK-NOT:     memref.dealloc
func.func private @k0(%x: memref<8xf32>, %n: index) attributes {fovea.kernel} {
  %t = memref.alloc() : memref<8xf32>
  %d = memref.alloc(%n) : memref<?xf32>
  memref.copy %x, %t : memref<8xf32> to memref<8xf32>
  memref.copy %t, %x : memref<8xf32> to memref<8xf32>
  memref.dealloc %d : memref<?xf32>
  memref.dealloc %t : memref<8xf32>
  return
}
