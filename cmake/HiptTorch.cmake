# LibTorch, for the training half alone: of the pip package torch, in the environment that `tools/setup --train` makes,
# or wherever CMAKE_PREFIX_PATH leads to (python -c 'import torch; print(torch.utils.cmake_prefix_path)').
file(GLOB torch_cmake_path ${CMAKE_SOURCE_DIR}/.cache/venv/lib/python3*/site-packages/torch/share/cmake)
list(APPEND CMAKE_PREFIX_PATH ${torch_cmake_path})
find_package(Torch QUIET)
if(NOT Torch_FOUND)
  message(FATAL_ERROR "HIPT_TRAIN needs LibTorch: run tools/setup --train, or set CMAKE_PREFIX_PATH to the share/cmake "
                      "folder of a torch 2.13 package; -DHIPT_TRAIN=OFF builds the rest without it")
endif()

# Its include folder has an fmt of its own, newer than the system's, whose compiled part lies in no library.
add_library(hipt_torch INTERFACE)
target_link_libraries(hipt_torch INTERFACE torch)
target_compile_definitions(hipt_torch INTERFACE FMT_HEADER_ONLY)

# It has a BLAS and a oneDNN of its own, but looks for some of their symbols among all libraries, and takes those of the
# first. Behind the system's BLAS (FAISS brings it, for one thread at a time) it multiplied by that one, and folds
# trained side by side got wrong numbers; behind the system's oneDNN it takes parts of another version. Options stand
# before all libraries.
target_link_options(hipt_torch INTERFACE "LINKER:--no-as-needed,$<TARGET_FILE:torch_cpu>,--as-needed")
