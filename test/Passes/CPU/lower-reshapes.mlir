// RUN: fovea-opt %s --fovea-lower-reshapes | FileCheck %s
// RUN: fovea-opt %s --fovea-lower-reshapes --expand-strided-metadata -o /dev/null

// CHECK-LABEL: func.func @several(
// CHECK-SAME:    %[[X:.*]]: memref<?xf32>, %[[N:[a-z0-9]+]]: index, %[[M:[a-z0-9]+]]: index)
func.func @several(%x: memref<?xf32>, %n: index, %m: index) -> memref<?x3x?xf32> {
  // CHECK: %[[BASE:.*]], %[[O:.*]], %{{.*}}, %[[S:.*]] = memref.extract_strided_metadata %[[X]]
  // CHECK: %[[SM:.*]] = arith.muli %[[S]], %[[M]]
  // CHECK: %[[SM3:.*]] = arith.muli %[[SM]], %{{.*}}
  // CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%[[N]], 3, %[[M]]], strides: [%[[SM3]], %[[SM]], 1]
  %y = memref.expand_shape %x [[0, 1, 2]] output_shape [%n, 3, %m]
      : memref<?xf32> into memref<?x3x?xf32>
  return %y : memref<?x3x?xf32>
}

// One dynamic size per group is upstream's business.
// CHECK-LABEL: func.func @one(
func.func @one(%x: memref<?x?xf32>, %n: index, %m: index) -> memref<?x?x3xf32> {
  // CHECK: memref.expand_shape
  %y = memref.expand_shape %x [[0], [1, 2]] output_shape [%n, %m, 3]
      : memref<?x?xf32> into memref<?x?x3xf32>
  return %y : memref<?x?x3xf32>
}

// CHECK-LABEL: func.func @strided(
func.func @strided(%x: memref<?xf32, strided<[?], offset: ?>>, %n: index, %m: index)
    -> memref<?x?xf32, strided<[?, ?], offset: ?>> {
  // CHECK: %{{.*}}, %[[O:.*]], %{{.*}}, %[[S:.*]] = memref.extract_strided_metadata
  // CHECK: memref.reinterpret_cast %{{.*}} to offset: [%[[O]]], {{.*}}, strides: [%{{.*}}, %[[S]]]
  %y = memref.expand_shape %x [[0, 1]] output_shape [%n, %m]
      : memref<?xf32, strided<[?], offset: ?>> into memref<?x?xf32, strided<[?, ?], offset: ?>>
  return %y : memref<?x?xf32, strided<[?, ?], offset: ?>>
}
