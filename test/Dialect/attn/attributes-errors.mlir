// RUN: fovea-opt %s --split-input-file --verify-diagnostics

// expected-error@+1 {{neither 'left' nor 'right' bounds the window (window_c1)}}
func.func private @window_c1() attributes {mask = #attn.window<offset = 3>}

// -----

// expected-error@+1 {{neither 'begin' nor 'end' names a capture (padding_c1)}}
func.func private @padding_c1() attributes {mask = #attn.padding<>}

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
