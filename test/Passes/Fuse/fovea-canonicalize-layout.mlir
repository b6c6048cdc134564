// RUN: fovea-opt %s --fovea-canonicalize-layout --split-input-file | FileCheck %s

// Packed queries, keys and values, taken by index from a 5-D transpose.

// CHECK-LABEL: func @packed(
// CHECK: %[[X:.+]] = tensor.expand_shape %arg0
// CHECK: %[[S:.+]] = tensor.extract_slice %[[X]][0, 0, 1, 0, 0] [2, 10, 1, 4, 8] [1, 1, 1, 1, 1] : tensor<2x10x3x4x8xf32> to tensor<2x10x4x8xf32>
// CHECK: %[[T:.+]] = linalg.transpose ins(%[[S]] : tensor<2x10x4x8xf32>) outs(%{{.+}} : tensor<2x4x10x8xf32>) permutation = [0, 2, 1, 3]
// CHECK: return %[[T]]
func.func @packed(%x: tensor<2x10x96xf32>) -> tensor<2x4x10x8xf32> {
  %e = tensor.empty() : tensor<3x2x4x10x8xf32>
  %x5 = tensor.expand_shape %x [[0], [1], [2, 3, 4]] output_shape [2, 10, 3, 4, 8] : tensor<2x10x96xf32> into tensor<2x10x3x4x8xf32>
  %t = linalg.transpose ins(%x5 : tensor<2x10x3x4x8xf32>) outs(%e : tensor<3x2x4x10x8xf32>) permutation = [2, 0, 3, 1, 4]
  %q = tensor.extract_slice %t[1, 0, 0, 0, 0] [1, 2, 4, 10, 8] [1, 1, 1, 1, 1] : tensor<3x2x4x10x8xf32> to tensor<2x4x10x8xf32>
  return %q : tensor<2x4x10x8xf32>
}

// -----

// A transpose that is also used as a whole stays where it is.

// CHECK-LABEL: func @other_user(
// CHECK: linalg.transpose
// CHECK: tensor.extract_slice
func.func @other_user(%x: tensor<4x6xf32>) -> (tensor<6x4xf32>, tensor<2x4xf32>) {
  %e = tensor.empty() : tensor<6x4xf32>
  %t = linalg.transpose ins(%x : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) permutation = [1, 0]
  %s = tensor.extract_slice %t[0, 0] [2, 4] [1, 1] : tensor<6x4xf32> to tensor<2x4xf32>
  return %t, %s : tensor<6x4xf32>, tensor<2x4xf32>
}

// -----

// Sizes and offsets known at run time.

// CHECK-LABEL: func @dynamic(
// CHECK: tensor.extract_slice %arg0[0, %arg1] [%{{.+}}, %arg2] [1, 1]
// CHECK: linalg.transpose
func.func @dynamic(%x: tensor<?x?xf32>, %o: index, %n: index) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d0 = tensor.dim %x, %c0 : tensor<?x?xf32>
  %d1 = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%d1, %d0) : tensor<?x?xf32>
  %t = linalg.transpose ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) permutation = [1, 0]
  %s = tensor.extract_slice %t[%o, 0] [%n, %d0] [1, 1] : tensor<?x?xf32> to tensor<?x?xf32>
  return %s : tensor<?x?xf32>
}
