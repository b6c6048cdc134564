// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=x86_64-linux-gnu target-cpu=x86-64-v4 cores=4" | FileCheck %s --check-prefixes=CHECK,V4
// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=x86_64-linux-gnu target-cpu=x86-64-v3 cores=4" | FileCheck %s --check-prefixes=CHECK,V3
// RUN: fovea-opt %s --fovea-schedule-kernels="target-triple=aarch64-linux-gnu target-cpu=neoverse-n1 cores=4" | FileCheck %s --check-prefixes=CHECK,NEON

#A = affine_map<(m, n, k) -> (m, k)>
#B = affine_map<(m, n, k) -> (k, n)>
#C = affine_map<(m, n, k) -> (m, n)>
#m2 = affine_map<(i, j) -> (i, j)>
#t2 = affine_map<(i, j) -> (j, i)>
#m1 = affine_map<(i, j) -> (i)>

// A constant operand is packed into panels as wide as a register tile.
// CHECK-LABEL: func.func private @matmul
// V4:   attn.schedule = #attn.schedule<columns = 1, pack = 64, reduction = [0, 0, 1], register = [6, 64, 0], workgroup = [0, 64, 0]>
// V3:   attn.schedule = #attn.schedule<columns = 1, pack = 16, reduction = [0, 0, 1], register = [6, 16, 0], workgroup = [0, 16, 0]>
// NEON: attn.schedule = #attn.schedule<columns = 1, pack = 16, reduction = [0, 0, 1], register = [6, 16, 0], workgroup = [0, 16, 0]>
func.func private @matmul(%x: tensor<197x768xf32>, %w: tensor<768x2304xf32>, %out: tensor<197x2304xf32>) -> tensor<197x2304xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<197x2304xf32>) -> tensor<197x2304xf32>
  %m = linalg.generic {indexing_maps = [#A, #B, #C], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<197x768xf32>, tensor<768x2304xf32>) outs(%f : tensor<197x2304xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<197x2304xf32>
  return %m : tensor<197x2304xf32>
}
func.func @main(%x: tensor<197x768xf32>) -> tensor<197x2304xf32> {
  %w = arith.constant dense<1.0> : tensor<768x2304xf32>
  %e = tensor.empty() : tensor<197x2304xf32>
  %r = call @matmul(%x, %w, %e) : (tensor<197x768xf32>, tensor<768x2304xf32>, tensor<197x2304xf32>) -> tensor<197x2304xf32>
  return %r : tensor<197x2304xf32>
}

// Rows of a normalisation run in parallel, never their columns.
// CHECK-LABEL: func.func private @rows
// V4:   attn.schedule = #attn.schedule<strip = 64, workgroup = [1, 0]>
// V3:   attn.schedule = #attn.schedule<strip = 32, workgroup = [1, 0]>
// NEON: attn.schedule = #attn.schedule<strip = 16, workgroup = [1, 0]>
func.func private @rows(%x: tensor<3x70xf32>, %out: tensor<3x70xf32>) -> tensor<3x70xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %s = linalg.generic {indexing_maps = [#m2, #m1], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<3x70xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %a, %o : f32
    linalg.yield %n : f32
  } -> tensor<3xf32>
  %r = linalg.generic {indexing_maps = [#m2, #m1, #m2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<3x70xf32>, tensor<3xf32>) outs(%out : tensor<3x70xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<3x70xf32>
  return %r : tensor<3x70xf32>
}

// CHECK-LABEL: func.func private @transpose
// V4: attn.schedule = #attn.schedule<register = [16, 16], workgroup = [16, 64]>
func.func private @transpose(%x: tensor<64x128xf32>, %out: tensor<128x64xf32>) -> tensor<128x64xf32> attributes {fovea.kernel} {
  %r = linalg.generic {indexing_maps = [#t2, #m2], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<64x128xf32>) outs(%out : tensor<128x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<128x64xf32>
  return %r : tensor<128x64xf32>
}

// A stencil has two vectors in a row, and as many rows as leave half of the
// registers to what rows share; the last tile of a row overlaps. A tile pads
// whole planes, or blocks of rows where planes are too large for its scratch.
#window = affine_map<(c, r, l, i, j) -> (c, r + i, l + j)>
#taps = affine_map<(c, r, l, i, j) -> (c, i, j)>
#image = affine_map<(c, r, l, i, j) -> (c, r, l)>
// CHECK-LABEL: func.func private @depthwise
// V4:   attn.schedule = #attn.schedule<overlap = 2, register = [1, 8, 32, 0, 0], workgroup = [1, 0, 0, 0, 0]>
// V3:   attn.schedule = #attn.schedule<overlap = 2, register = [1, 4, 16, 0, 0], workgroup = [1, 0, 0, 0, 0]>
// NEON: attn.schedule = #attn.schedule<overlap = 2, register = [1, 8, 8, 0, 0], workgroup = [1, 0, 0, 0, 0]>
func.func private @depthwise(%x: tensor<96x56x56xf32>, %w: tensor<96x3x3xf32>, %out: tensor<96x56x56xf32>) -> tensor<96x56x56xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<96x58x58xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<96x58x58xf32>) -> tensor<96x58x58xf32>
  %padded = tensor.insert_slice %x into %border[0, 1, 1] [96, 56, 56] [1, 1, 1] : tensor<96x56x56xf32> into tensor<96x58x58xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<96x56x56xf32>) -> tensor<96x56x56xf32>
  %0 = linalg.generic {indexing_maps = [#window, #taps, #image], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<96x58x58xf32>, tensor<96x3x3xf32>) outs(%f : tensor<96x56x56xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<96x56x56xf32>
  return %0 : tensor<96x56x56xf32>
}

// CHECK-LABEL: func.func private @large_planes
// V4:   attn.schedule = #attn.schedule<overlap = 2, register = [1, 8, 32, 0, 0], workgroup = [1, 56, 0, 0, 0]>
func.func private @large_planes(%x: tensor<96x224x224xf32>, %w: tensor<96x3x3xf32>, %out: tensor<96x224x224xf32>) -> tensor<96x224x224xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %p = tensor.empty() : tensor<96x226x226xf32>
  %border = linalg.fill ins(%zero : f32) outs(%p : tensor<96x226x226xf32>) -> tensor<96x226x226xf32>
  %padded = tensor.insert_slice %x into %border[0, 1, 1] [96, 224, 224] [1, 1, 1] : tensor<96x224x224xf32> into tensor<96x226x226xf32>
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<96x224x224xf32>) -> tensor<96x224x224xf32>
  %0 = linalg.generic {indexing_maps = [#window, #taps, #image], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%padded, %w : tensor<96x226x226xf32>, tensor<96x3x3xf32>) outs(%f : tensor<96x224x224xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<96x224x224xf32>
  return %0 : tensor<96x224x224xf32>
}

// With output channels in the lanes, register tiles are those of a matmul: rows
// are neighbouring outputs, several short rows of the image at a time. Long
// sums are taken in blocks of channels.
#cwindow = affine_map<(r, l, f, c, i, j) -> (c, r + i, l + j)>
#ctaps = affine_map<(r, l, f, c, i, j) -> (c, i, j, f)>
#cimage = affine_map<(r, l, f, c, i, j) -> (r, l, f)>
// CHECK-LABEL: func.func private @channels
// V4:   attn.schedule = #attn.schedule<block = 32, columns = 2, register = [2, 7, 32, 0, 0, 0], workgroup = [0, 0, 32, 0, 0, 0]>
// V3:   attn.schedule = #attn.schedule<block = 32, columns = 2, register = [1, 6, 16, 0, 0, 0], workgroup = [0, 0, 16, 0, 0, 0]>
func.func private @channels(%x: tensor<256x9x9xf32>, %w: tensor<256x3x3x512xf32>, %out: tensor<7x7x512xf32>) -> tensor<7x7x512xf32> attributes {fovea.kernel} {
  %zero = arith.constant 0.0 : f32
  %f = linalg.fill ins(%zero : f32) outs(%out : tensor<7x7x512xf32>) -> tensor<7x7x512xf32>
  %0 = linalg.generic {indexing_maps = [#cwindow, #ctaps, #cimage], iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<256x9x9xf32>, tensor<256x3x3x512xf32>) outs(%f : tensor<7x7x512xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %m = arith.mulf %a, %c : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<7x7x512xf32>
  return %0 : tensor<7x7x512xf32>
}
