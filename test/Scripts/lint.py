# RUN: %python %s %source/scripts/lint
"""The lint finds what it is there for: each case is a small tree with one fault (or none)."""

import os
import subprocess
import sys
import tempfile
import unittest

LINT = sys.argv.pop(1)
PASS_TD = """
def TilePass : Pass<"attn-tile", "func::FuncOp"> {
  let summary = "Tile";
  let description = [{ Tiles attention because a whole score matrix does not fit into any cache level.
    ```mlir
    ```
  }];
}
"""


def lint(check, files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w") as f:
                f.write(text)
        got = subprocess.run([sys.executable, LINT, "--root", root, check], capture_output=True, text=True)
        assert got.stderr == "", got.stderr
        return got.returncode, got.stdout


class Lint(unittest.TestCase):

    def fails(self, check, files, *words):
        code, out = lint(check, files)
        self.assertEqual(code, 1, out)
        for word in words:
            self.assertIn(word, out)

    def passes(self, check, files):
        code, out = lint(check, files)
        self.assertEqual(code, 0, out)

    def test_upward_arrow(self):
        self.fails("arrows", {"dialects/attn/A.cpp": '#include "fovea/passes/Tile/Passes.h"\n'}, "A.cpp:1:",
                   "dialects includes")
        self.fails("arrows", {"lib/Schedule/S.cpp": '\n#include "fovea/Pipelines/P.h"\n'}, "S.cpp:2:")
        self.fails("arrows", {"include/fovea/Target/T.h": '#include "fovea/Package/P.h"\n'}, "T.h:1:")

    def test_sideways_arrow(self):
        self.fails("arrows", {"lib/Import/I.cpp": '#include "fovea/Pipelines/P.h"\n'}, "no lower layer")

    def test_runtime_depends_on_nothing(self):
        self.fails("arrows", {"lib/Runtime/R.c": '#include "fovea/Target/T.h"\n'}, "depends on no other")
        self.fails("borders", {"lib/Runtime/R.c": '#include "llvm/Support/X.h"\n'}, "links no LLVM")

    def test_downward_arrow(self):
        self.passes(
            "arrows", {
                "tools/fovea-opt/o.cpp": '#include "fovea/Pipelines/P.h"\n#include "mlir/IR/X.h"\n',
                "passes/Tile/T.cpp": '#include "fovea/passes/Tile/Passes.h"\n#include "fovea/dialects/attn/Attn.h"\n',
            })

    def test_onnx_border(self):
        self.fails("borders", {"passes/Fuse/F.cpp": "#include <onnx/onnx_pb.h>\n"}, "only lib/Import")
        self.passes("borders", {"lib/Import/ONNX/I.cpp": "#include <onnx/onnx_pb.h>\n"})

    def test_sizes(self):
        self.fails("size", {"passes/Tile/T.cpp": "\n" * 500}, "500 lines")
        self.fails("size", {"tools/fovea-opt/o.cpp": "\n" * 300}, "under 300")
        self.passes("size", {"passes/Tile/T.cpp": "\n" * 499})

    def test_function_length(self):
        body = "  f(\"}\"); // }\n" * 78
        self.fails("functions", {"lib/Target/T.cpp": "namespace a {\nvoid f() {\n" + body + "}\n}\n"}, "T.cpp:2:",
                   "'f' has 80")
        self.passes("functions", {"lib/Target/T.cpp": "namespace a {\nvoid f() {\n" + body[15:] + "}\n" * 2})
        method = "struct S {\n  S(int a)\n      : a(a) {\n" + body + "  }\n};\n"
        self.fails("functions", {"lib/Target/T.cpp": method}, "'S'")

    def test_licence(self):
        self.fails("licence", {"lib/Target/T.cpp": "int x;\n"}, "lacks")
        text = "//===- T.cpp - x\n// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
        self.passes("licence", {"lib/Target/T.cpp": text})
        self.fails("licence", {"lib/Target/U.cpp": text}, "does not name")

    def test_todo(self):
        self.fails("todo", {"lib/Target/T.cpp": "// TO" + "DO: more\n"}, "because")

    def test_pass_has_test_and_description(self):
        self.fails("pass-tests", {"passes/Tile/Passes.td": PASS_TD}, "test/Passes/Tile/attn-tile.mlir")
        self.passes("pass-tests", {"passes/Tile/Passes.td": PASS_TD, "test/Passes/Tile/attn-tile.mlir": ""})
        self.passes("pass-descriptions", {"passes/Tile/Passes.td": PASS_TD})
        self.fails("pass-descriptions", {"passes/Tile/Passes.td": PASS_TD.replace("```", "")}, "no example")

    def test_op_has_test(self):
        td = 'def Attn_FooOp : Attn_Op<"foo"> {}\n'
        self.fails("op-tests", {"dialects/attn/Ops.td": td}, "'attn.foo'")
        self.passes("op-tests", {"dialects/attn/Ops.td": td, "test/Dialect/attn/foo.mlir": "attn.foo\n"})


if __name__ == "__main__":
    unittest.main()
