// RUN: fovea-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{neither 'left' nor 'right' bounds the window (window_c1)}}
func.func private @window_c1() attributes {mask = #attn.window<offset = 3>}

// -----

// expected-error@+1 {{neither 'begin' nor 'end' names a capture (padding_c1)}}
func.func private @padding_c1() attributes {mask = #attn.padding<>}

// -----

// expected-error@+1 {{'size' and 'dilation' have to be above 0 (neighborhood_c1)}}
func.func private @neighborhood_c1() attributes {mask = #attn.neighborhood<size = 3, dilation = 0>}

// -----

// expected-error@+1 {{'bits' is no matrix of i64 (pattern_c1)}}
func.func private @pattern_c1() attributes {mask = #attn.pattern<dense<[1, 3]> : tensor<2xi64>>}

// -----

// expected-error@+1 {{'count' is negative (prefix_c1)}}
func.func private @prefix_c1() attributes {mask = #attn.prefix<-1>}

// -----

// expected-error@+1 {{needs one mask for each axis and lengths above 0 (product_c1)}}
func.func private @product_c1() attributes {mask = #attn.product<[4, 6], [#attn.causal]>}

// -----

// expected-error@+1 {{needs one mask for each axis and lengths above 0 (product_c1)}}
func.func private @product_c1_length() attributes {mask = #attn.product<[0], [#attn.causal]>}

// -----

// expected-error@+1 {{the mask of an axis reads a capture (product_c2)}}
func.func private @product_c2() attributes {mask = #attn.product<[4], [#attn.padding<end = 0>]>}

// -----

// expected-error@+1 {{'starts' does not begin with 0 and increase (segments_c1)}}
func.func private @segments_c1() attributes {mask = #attn.segments<[0, 3, 3]>}

// -----

// expected-error@+1 {{'starts' does not begin with 0 and increase (segments_c1)}}
func.func private @segments_c1_first() attributes {mask = #attn.segments<[1, 3]>}

// -----

// expected-error@+1 {{level 'workgroup' has the negative tile size -8 (schedule_c1)}}
func.func private @schedule_c1() attributes {schedule = #attn.schedule<workgroup = [1, -8]>}

// -----

// expected-error@+1 {{entry 'lanes' occurs twice (schedule_c2)}}
func.func private @schedule_c2() attributes {schedule = #attn.schedule<lanes = 8, lanes = 16>}

// -----

// expected-error@+1 {{has an attribute 'attn.schedule' that is not an #attn.schedule}}
func.func private @schedule_type() attributes {attn.schedule = 3 : i64}

// -----

// expected-error@+1 {{has the unknown attribute 'attn.colour' of the dialect attn}}
func.func private @unknown() attributes {attn.colour = 3 : i64}
