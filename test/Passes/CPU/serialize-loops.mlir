// RUN: fovea-opt %s --fovea-serialize-loops=min-work=1000 | FileCheck %s

// CHECK-LABEL: func.func @little
// CHECK-NOT:     scf.forall
// CHECK:         scf.for
func.func @little(%x: memref<8xf32>) {
  scf.forall (%i) in (8) {
    %v = memref.load %x[%i] : memref<8xf32>
    memref.store %v, %x[%i] : memref<8xf32>
  }
  return
}

// The loop inside runs on the threads of the loop around it.
// CHECK-LABEL: func.func @much
// CHECK:         scf.forall
// CHECK-NOT:     scf.forall
// CHECK:         scf.for
func.func @much(%x: memref<800x16xf32>) {
  scf.forall (%i) in (800) {
    scf.forall (%j) in (16) {
      %v = memref.load %x[%i, %j] : memref<800x16xf32>
      memref.store %v, %x[%i, %j] : memref<800x16xf32>
    }
  }
  return
}

// CHECK-LABEL: func.func @unknown
// CHECK:         scf.forall
func.func @unknown(%x: memref<?xf32>, %n: index) {
  scf.forall (%i) in (%n) {
    %v = memref.load %x[%i] : memref<?xf32>
    memref.store %v, %x[%i] : memref<?xf32>
  }
  return
}
