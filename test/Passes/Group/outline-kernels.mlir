// RUN: fovea-opt %s --fovea-outline-kernels --canonicalize --cse --split-input-file | FileCheck %s

// A contraction takes its elementwise epilogue with it, not the row reduction
// that follows.

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>
// CHECK-LABEL: func.func @main
// CHECK:         %[[H:.*]] = call @k0_matmul(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}})
// CHECK:         %[[S:.*]] = call @k1_rows(%[[H]], %{{.*}})
// CHECK:         return %[[S]]
// CHECK-LABEL: func.func private @k0_matmul
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<5x8xf32>, %[[W:[a-z0-9]+]]: tensor<8x4xf32>, %[[B:[a-z0-9]+]]: tensor<4xf32>, %[[D:[a-z0-9]+]]: tensor<5x4xf32>
// CHECK-SAME:    attributes {fovea.kernel}
// CHECK:         linalg.fill
// CHECK:         linalg.matmul
// CHECK:         linalg.generic {{.*}} outs(%[[D]] :
// CHECK-LABEL: func.func private @k1_rows
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT:     linalg.generic
func.func @main(%x: tensor<5x8xf32>, %w: tensor<8x4xf32>, %b: tensor<4xf32>) -> tensor<5x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5x4xf32>) -> tensor<5x4xf32>
  %m = linalg.matmul ins(%x, %w : tensor<5x8xf32>, tensor<8x4xf32>) outs(%f : tensor<5x4xf32>) -> tensor<5x4xf32>
  %h = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%m, %b : tensor<5x4xf32>, tensor<4xf32>) outs(%e : tensor<5x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.addf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  %er = tensor.empty() : tensor<5xf32>
  %fr = linalg.fill ins(%zero : f32) outs(%er : tensor<5xf32>) -> tensor<5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%h : tensor<5x4xf32>) outs(%fr : tensor<5xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %o : f32
    linalg.yield %s : f32
  } -> tensor<5xf32>
  %n = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%h, %sum : tensor<5x4xf32>, tensor<5xf32>) outs(%e : tensor<5x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %s = arith.divf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<5x4xf32>
  return %n : tensor<5x4xf32>
}

// -----

// A slice is taken inside the kernel, which is given the whole tensor; a
// reshape of a whole tensor stays outside.

// CHECK-LABEL: func.func @sliced(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<6x8xf32>, %[[Y:[a-z0-9]+]]: tensor<16xf32>
// CHECK:         %[[E:.*]] = tensor.expand_shape %[[Y]]
// CHECK:         call @k0_elementwise(%[[X]], %[[E]], %{{.*}})
// CHECK-LABEL: func.func private @k0_elementwise
// CHECK:         tensor.extract_slice
#id2 = affine_map<(i, j) -> (i, j)>
func.func @sliced(%x: tensor<6x8xf32>, %y: tensor<16xf32>) -> tensor<2x8xf32> {
  %s = tensor.extract_slice %x[2, 0] [2, 8] [1, 1] : tensor<6x8xf32> to tensor<2x8xf32>
  %r = tensor.expand_shape %y [[0, 1]] output_shape [2, 8] : tensor<16xf32> into tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %0 = linalg.generic {indexing_maps = [#id2, #id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%s, %r : tensor<2x8xf32>, tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    linalg.yield %m : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// A producer with a user outside is a kernel of its own.

// CHECK-LABEL: func.func @two_users(
// CHECK:         %[[A:.*]] = call @k0_elementwise
// CHECK:         %[[B:.*]] = call @k1_elementwise(%[[A]]
// CHECK:         return %[[A]], %[[B]]
#v = affine_map<(i) -> (i)>
func.func @two_users(%x: tensor<?xf32>, %n: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %e = tensor.empty(%n) : tensor<?xf32>
  %0 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = math.exp %a : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  %1 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%0 : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.negf %a : f32
    linalg.yield %m : f32
  } -> tensor<?xf32>
  return %0, %1 : tensor<?xf32>, tensor<?xf32>
}

// -----

// What is read through windows is padded inside the kernel.

// CHECK-LABEL: func.func @padded(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<4x8xf32>
// CHECK-NOT:     tensor.insert_slice
// CHECK:         call @k0_matmul(%[[X]], %{{.*}})
// CHECK-LABEL: func.func private @k0_matmul
// CHECK:         tensor.insert_slice %{{.*}} into %{{.*}}[0, 1] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x10xf32>
#window = affine_map<(c, i, k) -> (c, i + k)>
#tap = affine_map<(c, i, k) -> (k)>
#to = affine_map<(c, i, k) -> (c, i)>
func.func @padded(%x: tensor<4x8xf32>, %w: tensor<3xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<4x10xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<4x10xf32>) -> tensor<4x10xf32>
  %padded = tensor.insert_slice %x into %border[0, 1] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<4x10xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = linalg.generic {indexing_maps = [#window, #tap, #to], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%padded, %w : tensor<4x10xf32>, tensor<3xf32>) outs(%f : tensor<4x8xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// A convolution whose lanes are output channels joins the operation that moves
// them back.

// CHECK-LABEL: func.func @channels(
// CHECK:         call @k0_matmul(
// CHECK-NOT:     call
// CHECK-LABEL: func.func private @k0_matmul
// CHECK:         tensor.insert_slice
// CHECK-COUNT-2: linalg.generic
#window = affine_map<(i, f, k) -> (i + k)>
#tap = affine_map<(i, f, k) -> (k, f)>
#to = affine_map<(i, f, k) -> (i, f)>
#id = affine_map<(f, i) -> (f, i)>
#turned = affine_map<(f, i) -> (i, f)>
func.func @channels(%x: tensor<8xf32>, %w: tensor<3x4xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<10xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<10xf32>) -> tensor<10xf32>
  %padded = tensor.insert_slice %x into %border[1] [8] [1] : tensor<8xf32> into tensor<10xf32>
  %e = tensor.empty() : tensor<8x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x4xf32>) -> tensor<8x4xf32>
  %0 = linalg.generic {indexing_maps = [#window, #tap, #to], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%padded, %w : tensor<10xf32>, tensor<3x4xf32>) outs(%f : tensor<8x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<8x4xf32>
  %r = tensor.empty() : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [#turned, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<8x4xf32>) outs(%r : tensor<4x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.negf %a : f32
    linalg.yield %m : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
