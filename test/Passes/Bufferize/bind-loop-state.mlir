// RUN: fovea-opt %s --fovea-bind-loop-state | FileCheck %s

// The old maximum is read after the new one exists: the state of every
// iteration would get a buffer of its own.
// CHECK-LABEL: func.func private @running_max
// CHECK:         scf.for {{.*}} iter_args(%[[OLD:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK:           %[[NEW:.*]] = linalg.max
// CHECK:           %[[SUM:.*]] = linalg.sub
// CHECK:           %[[W:.*]] = bufferization.materialize_in_destination %[[NEW]] in %[[OLD]]
// CHECK:           scf.yield %[[W]], %[[SUM]]
func.func private @running_max(%x: tensor<?x8xf32>, %n: index, %m0: tensor<8xf32>, %s0: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%m = %m0, %s = %s0) -> (tensor<8xf32>, tensor<8xf32>) {
    %row = tensor.extract_slice %x[%i, 0] [1, 8] [1, 1] : tensor<?x8xf32> to tensor<8xf32>
    %e = tensor.empty() : tensor<8xf32>
    %new = linalg.max ins(%m, %row : tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) -> tensor<8xf32>
    %d = linalg.sub ins(%m, %new : tensor<8xf32>, tensor<8xf32>) outs(%s : tensor<8xf32>) -> tensor<8xf32>
    scf.yield %new, %d : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// What is updated in place already, and states that change places, are left.
// CHECK-LABEL: func.func private @in_place
// CHECK-NOT:     materialize_in_destination
func.func private @in_place(%x: f32, %n: index, %a0: tensor<8xf32>, %b0: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %a0, %b = %b0) -> (tensor<8xf32>, tensor<8xf32>) {
    %u = tensor.insert %x into %a[%i] : tensor<8xf32>
    scf.yield %b, %u : tensor<8xf32>, tensor<8xf32>
  }
  return %r#0, %r#1 : tensor<8xf32>, tensor<8xf32>
}

// A state may change its size.
// CHECK-LABEL: func.func private @grows
// CHECK-NOT:     materialize_in_destination
func.func private @grows(%n: index, %a0: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %a0) -> (tensor<?xf32>) {
    %new = tensor.concat dim(0) %a, %a : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %new : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// A kernel's result has the size of its destination, and so of the state.
// CHECK-LABEL: func.func private @run_time_size
// CHECK:         scf.for {{.*}} iter_args(%[[S:.*]] = %{{.*}})
// CHECK:           %[[R:.*]] = func.call @k0
// CHECK:           %[[W:.*]] = bufferization.materialize_in_destination %[[R]] in %[[S]]
// CHECK:           scf.yield %[[W]]
func.func private @run_time_size(%n: index, %d: index, %x: f32) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %e = tensor.empty(%d) : tensor<?xf32>
  %init = linalg.fill ins(%x : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%s = %init) -> (tensor<?xf32>) {
    %new = func.call @k0(%s, %e) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %new : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
func.func private @k0(%s: tensor<?xf32>, %out: tensor<?xf32>) -> tensor<?xf32> attributes {fovea.kernel} {
  %r = linalg.exp ins(%s : tensor<?xf32>) outs(%out : tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}

// CHECK-LABEL: func.func private @until
// CHECK:         } do {
// CHECK:         ^bb0(%[[S:.*]]: tensor<4xf32>):
// CHECK:           bufferization.materialize_in_destination %{{.*}} in %[[S]]
func.func private @until(%init: tensor<4xf32>, %limit: f32) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %r = scf.while (%s = %init) : (tensor<4xf32>) -> tensor<4xf32> {
    %first = tensor.extract %s[%c0] : tensor<4xf32>
    %go = arith.cmpf olt, %first, %limit : f32
    scf.condition(%go) %s : tensor<4xf32>
  } do {
  ^bb0(%s: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %new = linalg.exp ins(%s : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %new : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
