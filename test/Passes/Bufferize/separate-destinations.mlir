// RUN: fovea-opt %s --pass-pipeline="builtin.module(func.func(fovea-separate-destinations))" | FileCheck %s

func.func private @k0(tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
func.func private @k1(tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>

// Each call gets a tensor of its own, next to it.
// CHECK-LABEL: func @calls
// CHECK-NEXT: %[[FIRST:.*]] = tensor.empty
// CHECK-NEXT: %[[A:.*]] = call @k0(%{{.*}}, %[[FIRST]])
// CHECK-NEXT: %[[SECOND:.*]] = tensor.empty
// CHECK-NEXT: call @k0(%[[A]], %[[SECOND]])
func.func @calls(%x: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.entry} {
  %e = tensor.empty() : tensor<8xf32>
  %a = call @k0(%x, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %b = call @k0(%a, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %b : tensor<8xf32>
}

// Sizes at run time stay shared.
// CHECK-LABEL: func @dynamic
// CHECK-COUNT-1: tensor.empty
// CHECK-NOT: tensor.empty
func.func @dynamic(%x: tensor<?xf32>, %n: index) -> tensor<?xf32> attributes {fovea.entry} {
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = call @k1(%x, %e) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  %b = call @k1(%a, %e) : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %b : tensor<?xf32>
}

// A use inside of a loop keeps the tensor outside of it.
// CHECK-LABEL: func @loop
// CHECK: %[[OUTER:.*]] = tensor.empty
// CHECK: scf.for
// CHECK-NOT: tensor.empty
// CHECK: call @k0(%{{.*}}, %[[OUTER]])
// CHECK: tensor.empty
// CHECK-NEXT: call @k0
func.func @loop(%x: tensor<8xf32>, %n: index) -> tensor<8xf32> attributes {fovea.entry} {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %e = tensor.empty() : tensor<8xf32>
  %r = scf.for %i = %zero to %n step %one iter_args(%v = %x) -> (tensor<8xf32>) {
    %a = func.call @k0(%v, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
    scf.yield %a : tensor<8xf32>
  }
  %b = call @k0(%r, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %b : tensor<8xf32>
}

// Kernels are left alone.
// CHECK-LABEL: func @kernel
// CHECK-COUNT-1: tensor.empty
// CHECK-NOT: tensor.empty
func.func @kernel(%x: tensor<8xf32>) -> tensor<8xf32> attributes {fovea.kernel} {
  %e = tensor.empty() : tensor<8xf32>
  %a = call @k0(%x, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %b = call @k0(%a, %e) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %b : tensor<8xf32>
}
