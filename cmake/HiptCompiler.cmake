# How every file of the project is compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(hipt_compile_options INTERFACE)
target_compile_options(hipt_compile_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 takes "text" + std::string() for an overlapping copy (GCC bug 105651).
  target_compile_options(hipt_compile_options INTERFACE -Wno-restrict)
endif()
if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A class of a .cpp file may hold types of its anonymous namespace; in a unity file g++ takes the .cpp for a header.
  target_compile_options(hipt_compile_options INTERFACE -Wno-subobject-linkage)
endif()
# Only of the compiler that the project is tested with: a newer one may warn of more, and must not stop a user's build.
if(HIPT_WERROR AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(hipt_compile_options INTERFACE -Werror)
endif()
# The weight formula and CLAM's rounding must give the same bits on every machine: no fused multiply-add outside kernels.
add_library(hipt_exact_arithmetic INTERFACE)
target_compile_options(hipt_exact_arithmetic INTERFACE -ffp-contract=off)

if(HIPT_SANITIZE)
  add_compile_options(-fsanitize=${HIPT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${HIPT_SANITIZE})
endif()
