// RUN: fovea-opt %s --fovea-balance-loops | FileCheck %s

// The inner loop is as long as the iteration says, by way of a table.
// CHECK-LABEL: @ragged
// CHECK: omp.wsloop schedule(dynamic) {
func.func @ragged(%x: memref<64x8xf32>, %ends: memref<64xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  omp.parallel {
    omp.wsloop {
      omp.loop_nest (%i) : index = (%c0) to (%c64) step (%c1) {
        %e = memref.load %ends[%i] : memref<64xi32>
        %end = arith.index_cast %e : i32 to index
        scf.for %j = %c0 to %end step %c1 {
          scf.for %k = %c0 to %c8 step %c1 {
            %v = memref.load %x[%j, %k] : memref<64x8xf32>
            memref.store %v, %x[%i, %k] : memref<64x8xf32>
          }
        }
        omp.yield
      }
    }
    omp.terminator
  }
  return
}

// Equal iterations, but for the innermost loop at the end of a tensor.
// CHECK-LABEL: @equal
// CHECK: omp.wsloop {
func.func @equal(%x: memref<64x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c64 = arith.constant 64 : index
  omp.parallel {
    omp.wsloop {
      omp.loop_nest (%i) : index = (%c0) to (%c64) step (%c1) {
        scf.for %j = %c0 to %c64 step %c1 {
          %end = arith.minui %i, %c8 : index
          scf.for %k = %c0 to %end step %c1 {
            %v = memref.load %x[%j, %k] : memref<64x8xf32>
            memref.store %v, %x[%i, %k] : memref<64x8xf32>
          }
        }
        omp.yield
      }
    }
    omp.terminator
  }
  return
}
