# RUN: %python %s
"""Sequences and optionals as inputs, as outputs, in branches and loops, of lengths and sizes known at run time only."""

import numpy as np
from onnx import TensorProto, helper

from Execution.harness import case, main, node, sequence_of

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
f32 = np.float32
rows = lambda *sizes: [np.arange(3 * n, dtype=f32).reshape(n, 3) + 10 * i for i, n in enumerate(sizes)]
number = lambda value: np.array(value, np.int64)
rows_type = sequence_of(FLOAT, ["n", 3])
any_type = sequence_of(FLOAT)
info = helper.make_tensor_value_info
seq_info = helper.make_value_info


def optional(inner):
    return helper.make_optional_type_proto(inner)


def graph(nodes, inputs, outputs):
    return helper.make_graph(nodes, "g", inputs, outputs)


# What comes in goes out: any length, any sizes, any rank.
mixed = [np.array(3, f32), np.ones((2, 0, 3), f32), np.arange(5, dtype=f32)]
case("identity", [("Identity", ["x"], ["y"])], {"x": mixed}, {"y": mixed},
     types={"x": any_type, "y": any_type},
     sets=[({"x": []}, {"y": []}), ({"x": mixed[2:]}, {"y": mixed[2:]})])
for np_type in (np.int8, np.uint16, np.float16, np.float64, np.bool_):
    typed = [np.arange(n).astype(np_type) for n in (3, 1, 0)]
    case(f"identity_{np.dtype(np_type).name}", [("Identity", ["x"], ["y"])], {"x": typed}, {"y": typed})

# Length, element, insertion and erasure at places known at run time.
for n in (-3, -1, 0, 2):
    x = rows(2, 0, 4)
    new = np.full((1, 3), 7, f32)
    before, after = list(x), list(x)
    before.insert(n if n >= 0 else n + 3, new)
    del after[n]
    case(f"at_{n + 3}", [
        ("SequenceLength", ["x"], ["length"]),
        ("SequenceAt", ["x", "i"], ["at"]),
        ("Mul", ["at", "at"], ["square"]),
        ("SequenceInsert", ["x", "new", "i"], ["inserted"]),
        ("SequenceInsert", ["x", "new"], ["appended"]),
        ("SequenceErase", ["x", "i"], ["erased"]),
        ("SequenceErase", ["x"], ["shorter"])
    ], {"x": x, "i": number(n), "new": new}, {
        "length": number(3), "square": x[n]**2, "inserted": before, "appended": x + [new], "erased": after,
        "shorter": x[:-1]
    }, types={n: rows_type for n in ("x", "inserted", "appended", "erased", "shorter")})
case("one", [("SequenceErase", ["x"], ["none"]), ("SequenceInsert", ["none", "t"], ["y"])], {
    "x": rows(2), "t": np.ones((0, 3), f32)
}, {"none": [], "y": [np.ones((0, 3), f32)]}, types={n: rows_type for n in ("x", "none", "y")})
case("erase_any", [("SequenceErase", ["x", "i"], ["y"])], {"x": mixed, "i": number(0)}, {"y": mixed[1:]},
     types={"x": any_type, "y": any_type}, sets=[({"x": mixed, "i": number(-1)}, {"y": mixed[:-1]})])

# A list of the graph at a place known at run time.
case("list_at", [
    ("SequenceConstruct", ["a", "b"], ["s"]), ("SequenceAt", ["s", "i"], ["y"]),
    ("SequenceErase", ["s", "i"], ["t"]), ("SequenceInsert", ["s", "b", "i"], ["u"])
], {"a": rows(2)[0], "b": rows(3)[0], "i": number(0)}, {
    "y": rows(2)[0], "t": rows(3), "u": [rows(3)[0], rows(2)[0], rows(3)[0]]
}, shapes={"y": ["k", 3]}, sets=[({"a": rows(2)[0], "b": rows(3)[0], "i": number(-1)},
                                 {"y": rows(3)[0], "t": rows(2), "u": [rows(2)[0], rows(3)[0], rows(3)[0]]})])

# Concatenation.
for axis in (0, 1, -1):
    parts = [np.random.default_rng(n).random((n, 3, n) if axis else (n, 3, 4), f32) for n in (2, 5)]
    parts = [p.reshape(-1)[:12].reshape(((1, 3, 4), (3, 1, 4), (3, 4, 1))[axis]) for p in parts]
    dims = [3, 3, 4]
    dims[axis] = None
    case(f"concat_{axis + 1}", [helper.make_node("ConcatFromSequence", ["x"], ["y"], axis=axis)], {"x": parts},
         {"y": np.concatenate(parts, axis)}, types={"x": sequence_of(FLOAT, ["a", "b", "c"])},
         shapes={"y": ["a", "b", "c"]}, sets=[({"x": parts[:1]}, {"y": parts[0]})])
case("concat_sizes", [helper.make_node("ConcatFromSequence", ["x"], ["y"], axis=0)], {"x": rows(2, 0, 5)},
     {"y": np.concatenate(rows(2, 0, 5))}, types={"x": rows_type}, shapes={"y": ["n", 3]})
for axis in (0, 1, 2):
    case(f"stack_{axis}", [helper.make_node("ConcatFromSequence", ["x"], ["y"], axis=axis, new_axis=1)],
         {"x": rows(2, 2, 2)}, {"y": np.stack(rows(2, 2, 2), axis)}, types={"x": rows_type},
         shapes={"y": ["a", "b", "c"]})

# Splitting, by numbers known at run time.
wide = np.arange(24, dtype=f32).reshape(3, 8)
split = lambda sizes: np.split(wide, np.cumsum(sizes)[:-1], 1)
case("split_each", [helper.make_node("SplitToSequence", ["x", "n"], ["y"], axis=1)], {"x": wide, "n": number(3)},
     {"y": split([3, 3, 2])}, sets=[({"x": wide, "n": number(8)}, {"y": [wide]}),
                                    ({"x": wide, "n": number(9)}, {"y": [wide]})])
case("split_sizes", [helper.make_node("SplitToSequence", ["x", "n"], ["y"], axis=1)],
     {"x": wide, "n": number([3, 0, 5])},
     {"y": split([3, 0, 5])}, sets=[({"x": wide, "n": number([0, 1, 7])}, {"y": split([0, 1, 7])})])
case("split_count", [helper.make_node("SplitToSequence", ["x", "n"], ["y"], axis=1)], {"x": wide, "n": number([3, 5])},
     {"y": split([3, 5])}, shapes={"n": ["k"]},
     sets=[({"x": wide, "n": number([1, 2, 0, 5])}, {"y": split([1, 2, 0, 5])})])
case("split_axis", [helper.make_node("SplitToSequence", ["x"], ["y"], axis=1, keepdims=0)], {"x": wide},
     {"y": list(wide.T)}, shapes={"x": [3, "m"]}, sets=[({"x": wide[:, :0]}, {"y": []})])
long = np.arange(600, dtype=f32).reshape(2, 300)
case("split_long", [helper.make_node("SplitToSequence", ["x"], ["y"], axis=1)], {"x": long},
     {"y": np.split(long, 300, 1)})
case("split_long_2", [helper.make_node("SplitToSequence", ["x", "n"], ["y"], axis=1)], {"x": long},
     {"y": np.split(long, 150, 1)}, constants={"n": number(2)})
case("split_erase", [helper.make_node("SplitToSequence", ["x"], ["s"], axis=0), ("SequenceErase", ["s", "i"], ["y"])],
     {"x": wide, "i": number(1)}, {"y": [wide[:1], wide[2:]]}, shapes={"x": ["m", 8]})

# SequenceMap: over a sequence and a tensor, over two sequences, with results of other types and sizes.
double = graph([node("Add", ["a", "a"], ["b"])], [info("a", FLOAT, ["n", 3])], [info("b", FLOAT, ["n", 3])])
case("map", [helper.make_node("SequenceMap", ["x"], ["y"], body=double)], {"x": rows(2, 1)},
     {"y": [2 * v for v in rows(2, 1)]},
     types={"x": rows_type, "y": rows_type}, sets=[({"x": []}, {"y": []}), ({"x": rows(0)}, {"y": rows(0)})])
both = graph([node("MatMul", ["a", "w"], ["p"]), node("Add", ["p", "b"], ["q"]), node("Shape", ["b"], ["r"])],
             [info("a", FLOAT, ["n", 3]), info("b", FLOAT, ["n", 2])],
             [info("q", FLOAT, ["n", 2]), info("r", INT64, [2])])
w = np.arange(6, dtype=f32).reshape(3, 2)
pairs = [np.full((n, 2), n, f32) for n in (4, 1, 2)]
case("map_2", [helper.make_node("SequenceMap", ["x", "z"], ["y", "s"], body=both)], {"x": rows(4, 1, 2), "z": pairs},
     {"y": [a @ w + b for a, b in zip(rows(4, 1, 2), pairs)], "s": [number(b.shape) for b in pairs]},
     constants={"w": w}, types={"x": rows_type, "z": sequence_of(FLOAT, ["n", 2]), "y": sequence_of(FLOAT, ["n", 2]),
                                "s": sequence_of(INT64, [2])})

# Loops: append what differs in size; insert in front; a queue; read while it grows; stop early.
go = node("Identity", ["go"], ["going"])
loop_inputs = [info("i", INT64, []), info("go", BOOL, [])]


def loop(name, nodes, inputs, want, given="x", sequence=rows_type, sets=None, extra=None, constants=None):
    """A loop of n iterations that carries the sequence s and makes r of it."""
    body = graph([go] + nodes, loop_inputs + [seq_info("s", sequence)],
                 [info("going", BOOL, []), seq_info("r", sequence)])
    case(name, (extra or []) + [helper.make_node("Loop", ["n", "", given], ["y"], body=body)], inputs, {"y": want},
         types={"x": sequence, "y": sequence}, sets=sets, constants=constants)


sliced = [node("Add", ["i", "one"], ["k"]), node("Unsqueeze", ["k", "zero"], ["end"]),
          node("Slice", ["t", "zero", "end"], ["p"])]
t = rows(6)[0]
c = {"one": number(1), "zero": number([0]), "two": number(2), "first": number(0)}
loop("loop_append", sliced + [node("SequenceInsert", ["s", "p"], ["r"])], {"x": rows(2), "n": number(3), "t": t},
     rows(2) + [t[:k] for k in (1, 2, 3)], constants=c,
     sets=[({"x": [], "n": number(2), "t": t}, {"y": [t[:1], t[:2]]}),
           ({"x": rows(1, 2), "n": number(0), "t": t}, {"y": rows(1, 2)})])
loop("loop_front", sliced + [node("SequenceInsert", ["s", "p", "first"], ["r"])], {"n": number(3), "t": t},
     [t[:k] for k in (3, 2, 1)], given="e", extra=[("SequenceEmpty", [], ["e"])], constants=c)
loop("loop_queue", sliced + [node("SequenceInsert", ["s", "p"], ["q"]), node("SequenceErase", ["q", "first"], ["r"])],
     {"x": rows(2, 0), "n": number(5), "t": t}, [t[:4], t[:5]], constants=c,
     sets=[({"x": rows(1), "n": number(4), "t": t}, {"y": [t[:4]]})])
loop("loop_read", [node("SequenceAt", ["s", "minus"], ["last"]), node("SequenceLength", ["s"], ["len"]),
                   node("Cast", ["len"], ["flen"], to=FLOAT), node("Mul", ["last", "flen"], ["p"]),
                   node("SequenceInsert", ["s", "p"], ["r"])], {"x": rows(2), "n": number(3)},
     [rows(2)[0] * k for k in (1, 1, 2, 6)], constants={"minus": number(-1)})
fixed = graph([go, node("SequenceInsert", ["s", "t"], ["r"]), node("SequenceLength", ["s"], ["l"])],
              loop_inputs + [seq_info("s", rows_type)],
              [info("going", BOOL, []), seq_info("r", rows_type), info("l", INT64, [])])
case("loop_counts", [("SequenceConstruct", ["t"], ["x"]),
                     helper.make_node("Loop", ["n", "", "x"], ["y", "ls"], body=fixed)],
     {"t": rows(2)[0], "n": number(3)}, {"y": 4 * rows(2), "ls": number([1, 2, 3])}, shapes={"ls": ["n"]})
again = graph([go, node("SequenceConstruct", ["t"], ["r"])], loop_inputs + [seq_info("s", rows_type)],
              [info("going", BOOL, []), seq_info("r", rows_type)])
case("loop_replaces", [helper.make_node("Loop", ["n", "", "x"], ["y"], body=again)],
     {"x": rows(2, 2), "t": t, "n": number(3)}, {"y": [t]}, types={"x": rows_type, "y": rows_type},
     sets=[({"x": rows(2, 2), "t": t, "n": number(0)}, {"y": rows(2, 2)})])

# What is packed inside of a loop is made of values outside and inside.
pick = lambda *names: graph([node("SequenceConstruct", names, ["b"])], [], [seq_info("b", rows_type)])
loop("loop_branch", [
    node("Equal", ["i", "first"], ["begins"]),
    node("Add", ["t", "t"], ["t2"]),
    helper.make_node("If", ["begins"], ["l"], then_branch=pick("t", "t2"), else_branch=pick("t2")),
    node("SequenceAt", ["l", "minus"], ["p"]),
    node("SequenceInsert", ["s", "p"], ["q"]),
    node("SequenceInsert", ["q", "t", "i"], ["r"])
], {"x": rows(2), "n": number(2), "t": t}, [t, t, *rows(2), 2 * t, 2 * t],
     constants={"minus": number(-1), "first": number(0)})

# Nothing, known at compile time to be nothing.
case("nothing", [
    ("SequenceEmpty", [], ["e"]), helper.make_node("SequenceMap", ["e"], ["mapped"], body=double),
    ("SequenceInsert", ["e", "t", "i"], ["one"]), ("SequenceErase", ["one", "i"], ["none"]),
    ("SequenceInsert", ["none", "z"], ["left"]), ("SequenceInsert", ["left", "z", "i"], ["y"]),
    ("SequenceAt", ["y", "i"], ["a"])
], {"t": t, "z": t[:0], "i": number(0)}, {"mapped": [], "none": [], "y": [t[:0], t[:0]], "a": t[:0]},
     types={"mapped": rows_type, "none": rows_type, "y": rows_type})

# Branches: lists of one length, of two lengths, of run-time length; a sequence or nothing.
seq_out = [seq_info("b", rows_type)]
make = lambda *names: graph([node("SequenceConstruct", names, ["b"])], [], [seq_info("b", rows_type)])
u, v = rows(2)[0], rows(3)[0]
for name, then, other in (("same", ["u"], ["v"]), ("lengths", ["u", "v"], ["v"])):
    values = {"u": u, "v": v}
    case(f"if_{name}", [helper.make_node("If", ["c"], ["y"], then_branch=make(*then), else_branch=make(*other))],
         {"c": np.array(True), **values}, {"y": [values[n] for n in then]}, types={"y": rows_type},
         sets=[({"c": np.array(False), **values}, {"y": [values[n] for n in other]})])
case("if_inputs", [helper.make_node("If", ["c"], ["y"],
                                    then_branch=graph([node("SequenceInsert", ["x", "u"], ["b"])], [], seq_out),
                                    else_branch=graph([node("Identity", ["x"], ["b"])], [], seq_out))],
     {"c": np.array(True), "x": rows(1, 0), "u": u}, {"y": rows(1, 0) + [u]}, types={"x": rows_type, "y": rows_type},
     sets=[({"c": np.array(False), "x": rows(3), "u": u}, {"y": rows(3)})])
maybe = optional(rows_type)
some = graph([node("SequenceConstruct", ["u"], ["l"]), node("Optional", ["l"], ["b"])], [], [seq_info("b", maybe)])
none = graph([helper.make_node("Optional", [], ["b"], type=rows_type)], [], [seq_info("b", maybe)])
case("if_optional", [helper.make_node("If", ["c"], ["y"], then_branch=some, else_branch=none),
                     ("OptionalHasElement", ["y"], ["has"])], {"c": np.array(True), "u": u},
     {"y": [u], "has": np.array(True)}, types={"y": maybe},
     sets=[({"c": np.array(False), "u": u}, {"y": None, "has": np.array(False)})])

# Optionals.
tensor_type = optional(helper.make_tensor_type_proto(FLOAT, ["n", 3]))
case("optional", [("Identity", ["x"], ["y"]), ("OptionalHasElement", ["x"], ["has"])], {"x": u},
     {"y": u, "has": np.array(True)}, types={"x": tensor_type, "y": tensor_type},
     sets=[({"x": None}, {"y": None, "has": np.array(False)})])
case("optional_sequence", [("Identity", ["x"], ["y"]), ("OptionalHasElement", ["x"], ["has"])], {"x": rows(2, 1)},
     {"y": rows(2, 1), "has": np.array(True)}, types={"x": maybe, "y": maybe},
     sets=[({"x": []}, {"y": [], "has": np.array(True)}), ({"x": None}, {"y": None, "has": np.array(False)})])
get = graph([node("OptionalGetElement", ["x"], ["b"])], [], [info("b", FLOAT, ["n", 3])])
keep = graph([node("Neg", ["u"], ["b"])], [], [info("b", FLOAT, ["n", 3])])
case("optional_default", [("OptionalHasElement", ["x"], ["has"]),
                          helper.make_node("If", ["has"], ["y"], then_branch=get, else_branch=keep)],
     {"x": v, "u": u}, {"y": v}, types={"x": tensor_type}, shapes={"y": ["n", 3]},
     sets=[({"x": None, "u": u}, {"y": -u})])
case("optional_get", [("OptionalGetElement", ["x"], ["t"]), ("Add", ["t", "t"], ["y"])], {"x": u}, {"y": 2 * u},
     types={"x": tensor_type}, shapes={"y": ["n", 3]})
case("optional_made", [("Optional", ["u"], ["y"])], {"u": u}, {"y": u},
     types={"y": optional(helper.make_tensor_type_proto(FLOAT, [2, 3]))})

main()
