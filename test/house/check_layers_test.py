"""tools/check_layers finds what it is there to find: each fault is planted in a small project of its own."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOL = pathlib.Path(__file__).parents[2] / "tools/check_layers"

TABLE = """# A house
## Allowed arrows
| folder | may include | state |
|---|---|---|
| base | - | |
| io, image | base | |
| slide | base io image | |
| heatmap | base slide | planned |
| cli, test | anything; nothing includes them | |
## Another table
| folder | may include | state |
| nonsense | everything | |
"""

FILES = {
    "docs/architecture.md": TABLE,
    "CMakeLists.txt": "hipt_module(base LIBS fmt)\nhipt_module(io USES base LIBS hdf5\n  archive)\n"
                      "hipt_module(image USES base NO_UNITY)\nhipt_module(slide USES base io\n  image)\n",
    "hipt/base/error.h": "#pragma once\n#include <string>\n",
    "hipt/io/npy.h": '#include "hipt/base/error.h"\n',
    "hipt/io/npy.cpp": '#include "hipt/io/npy.h"\n#include <nlohmann/json.hpp>\n',
    "hipt/image/image.h": '#include "hipt/base/error.h"\n',
    "hipt/slide/slide.cpp": '// #include "hipt/heatmap/map.h" and printf("in a comment")\n'
                            '#include "hipt/io/npy.h"\nconst char* text = "exit(1)";\n',
    "cli/main.cpp": '#include "hipt/slide/slide.h"\n',
}


class CheckLayers(unittest.TestCase):
    def faults(self, **changes):
        """Lines that the tool prints for the small project with some files changed."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**FILES, **changes}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, TOOL, folder], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        lines = done.stdout.splitlines()
        if done.returncode == 0:
            self.assertEqual(len(lines), 1, lines)
            return []
        self.assertEqual(done.returncode, 1)
        return lines

    def check_one(self, expected, **changes):
        lines = self.faults(**changes)
        self.assertEqual(len(lines), 1, lines)
        self.assertTrue(lines[0].startswith(expected), lines[0])

    def test_clean(self):
        self.assertEqual(self.faults(), [])

    def test_arrow_against_the_table(self):
        self.check_one("hipt/image/image.h:2: image may not include io",
                       **{"hipt/image/image.h": '\n#include "hipt/io/npy.h"\n'})

    def test_arrow_from_the_bottom_to_the_top(self):
        self.check_one("hipt/base/error.h:1: base may not include slide",
                       **{"hipt/base/error.h": '#include "hipt/slide/slide.h"\n'})

    def test_program_included(self):
        self.check_one("hipt/io/npy.cpp:1: cli/main.h: nothing under hipt/ includes cli/",
                       **{"hipt/io/npy.cpp": '#include "cli/main.h"\n'})

    def test_torch(self):
        self.check_one("hipt/io/npy.cpp:1: <torch/torch.h>: torch is included by hipt/train/torch.h alone",
                       **{"hipt/io/npy.cpp": "#include <torch/torch.h>\n"})
        self.check_one("cli/main.cpp:1: <ATen/ATen.h>: torch is included by hipt/train/torch.h alone",
                       **{"cli/main.cpp": "#include <ATen/ATen.h>\n"})

    def test_torch_header(self):
        half = {"docs/architecture.md": TABLE.replace("| heatmap |", "| train | base | |\n| heatmap |"),
                "CMakeLists.txt": FILES["CMakeLists.txt"] + "hipt_module(train USES base)\n",
                "hipt/train/torch.h": "#include <ATen/ATen.h>\n",
                "hipt/train/layers_torch.h": '#include "hipt/train/torch.h"\n',
                "hipt/train/layers.cpp": '#include "hipt/train/layers_torch.h"\n'}
        self.assertEqual(self.faults(**half), [])
        self.check_one("hipt/train/step.h:1: hipt/train/layers_torch.h brings torch",
                       **half, **{"hipt/train/step.h": '#include "hipt/train/layers_torch.h"\n'})
        self.check_one("hipt/io/npy.cpp:1: io may not include train",
                       **half, **{"hipt/io/npy.cpp": '#include "hipt/train/layers_torch.h"\n'})

    def test_heavy_header(self):
        for header in ("nlohmann/json.hpp", "opencv2/core.hpp", "png.h"):
            self.check_one(f"hipt/image/image.h:1: <{header}>: heavy headers",
                           **{"hipt/image/image.h": f"#include <{header}>\n"})
        self.assertEqual(self.faults(**{"hipt/image/image.h": "#include <nlohmann/json_fwd.hpp>\n"}), [])

    def test_library_of_another_folder(self):
        for header in ("hdf5.h", "CLI/CLI.hpp", "openslide.h", "oneapi/dnnl/dnnl.hpp", "openssl/evp.h"):
            self.check_one(f"hipt/image/image.cpp:1: <{header}>: image does not know this library",
                           **{"hipt/image/image.cpp": f"#include <{header}>\n"})
        self.assertEqual(self.faults(**{"hipt/slide/api.h": "#include <openslide.h>\n"}), [])

    def test_private_header(self):
        private = {"hipt/io/file_internal.h": "#include <hdf5.h>\n", "hipt/io/npy.cpp": '#include "hipt/io/file_internal.h"\n'}
        self.assertEqual(self.faults(**private), [])
        self.check_one("hipt/io/npy.h:1: hipt/io/file_internal.h is for the .cpp files of io alone",
                       **private, **{"hipt/io/npy.h": '#include "hipt/io/file_internal.h"\n'})
        self.check_one("hipt/slide/slide.cpp:1: hipt/io/file_internal.h is for the .cpp files of io alone",
                       **private, **{"hipt/slide/slide.cpp": '#include "hipt/io/file_internal.h"\n'})

    def test_relative_and_missing_include(self):
        self.check_one('hipt/io/npy.cpp:1: "npy.h": ours are', **{"hipt/io/npy.cpp": '#include "npy.h"\n'})
        self.check_one("hipt/io/npy.cpp:1: hipt/io/gone.h does not exist",
                       **{"hipt/io/npy.cpp": '#include "hipt/io/gone.h"\n'})

    def test_banned_calls(self):
        for call in ('std::cout << 1;', 'printf("%d", 1);', "std::exit(1);", "abort();", 'throw std::runtime_error("no");',
                     "double x = strtod(text, nullptr);", "int x = std::stoi(text);", "using namespace std;"):
            self.assertEqual(len(self.faults(**{"hipt/io/npy.cpp": call + "\n"})), 1, call)
        for call in ("std::snprintf(text, 9, format);", "throw Error(code, message);", "std::exit(1);  // allow: it is a test",
                     "using namespace std::string_view_literals;", "/* exit(1) */ int x;", "on_exit_requested();"):
            self.assertEqual(self.faults(**{"hipt/io/npy.cpp": call + "\n"}), [], call)

    def test_cmake(self):
        changed = FILES["CMakeLists.txt"].replace("USES base io\n", "USES base\n")
        self.check_one("CMakeLists.txt:5: hipt_module(slide) USES base image; the table says base image io",
                       **{"CMakeLists.txt": changed})
        self.check_one("CMakeLists.txt:1: hipt/image has no hipt_module",
                       **{"CMakeLists.txt": FILES["CMakeLists.txt"].replace("hipt_module(image USES base NO_UNITY)\n", "")})

    def test_table_and_folders(self):
        self.check_one('docs/architecture.md:1: hipt/viewer has no row', **{"hipt/viewer/page.h": ""})
        self.check_one('docs/architecture.md:1: hipt/io exists, but its row says "planned"',
                       **{"docs/architecture.md": TABLE.replace("| io, image | base | |", "| io | base | planned |\n| image | base | |"),
                          "CMakeLists.txt": FILES["CMakeLists.txt"].replace("USES base io\n", "USES base\n")})
        self.check_one("docs/architecture.md:6: io, image may include slide, which no row above names",
                       **{"docs/architecture.md": TABLE.replace("| io, image | base |", "| io, image | base slide |"),
                          "CMakeLists.txt": FILES["CMakeLists.txt"].replace("USES base LIBS hdf5", "USES base slide LIBS hdf5")
                                                                   .replace("USES base NO", "USES base slide NO")})


if __name__ == "__main__":
    unittest.main()
