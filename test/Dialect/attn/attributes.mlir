// RUN: fovea-opt %s | fovea-opt | FileCheck %s
// RUN: fovea-opt %s --emit-bytecode | fovea-opt | FileCheck %s

// CHECK: @causal() attributes {a = #attn.causal, b = #attn.causal<align = end>, c = #attn.causal<offset = 3, shift = 1>}
func.func private @causal() attributes {a = #attn.causal, b = #attn.causal<align = end>, c = #attn.causal<offset = 3, shift = 1>}
// CHECK: @window() attributes {a = #attn.window<left = 127, right = 0>, b = #attn.window<right = 4, align = end>}
func.func private @window() attributes {a = #attn.window<left = 127, right = 0>, b = #attn.window<right = 4, align = end>}
// CHECK: @padding() attributes {a = #attn.padding<begin = 1, end = 0>}
func.func private @padding() attributes {a = #attn.padding<begin = 1, end = 0>}
// CHECK: @combined() attributes {a = #attn.and<#attn.causal, #attn.or<#attn.dense<0>, #attn.window<left = 3>>>}
func.func private @combined() attributes {a = #attn.and<#attn.causal, #attn.or<#attn.dense<0>, #attn.window<left = 3>>>}
// CHECK: @neighborhood() attributes {a = #attn.neighborhood<size = 7>, b = #attn.neighborhood<size = 3, dilation = 2>}
func.func private @neighborhood() attributes {a = #attn.neighborhood<size = 7>, b = #attn.neighborhood<size = 3, dilation = 2>}
// CHECK: @pattern() attributes {a = #attn.pattern<dense<{{\[}}[1], [3]]> : tensor<2x1xi64>>}
func.func private @pattern() attributes {a = #attn.pattern<dense<[[1], [3]]> : tensor<2x1xi64>>}
// CHECK: @prefix() attributes {a = #attn.or<#attn.causal, #attn.prefix<1024>>}
func.func private @prefix() attributes {a = #attn.or<#attn.causal, #attn.prefix<1024>>}
// CHECK: @product() attributes {a = #attn.product<[4, 6], [#attn.neighborhood<size = 3>, #attn.causal]>}
func.func private @product() attributes {a = #attn.product<[4, 6], [#attn.neighborhood<size = 3>, #attn.causal]>}
// CHECK: @segments() attributes {a = #attn.segments<[0, 130, 410]>}
func.func private @segments() attributes {a = #attn.segments<[0, 130, 410]>}
// CHECK: @schedule() attributes {attn.schedule = #attn.schedule<lanes = 16, reduction = [128], register = [8, 0, 32], workgroup = []>}
func.func private @schedule() attributes {attn.schedule = #attn.schedule<workgroup = [], reduction = [128], register = [8, 0, 32], lanes = 16>}
