# Everything the project links to. What each is for, and why it was chosen: docs/architecture.md, "Dependencies".
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(CLI11 REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(hwy REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS CXX)  # threads of oneDNN and FAISS, which the callers switch off
find_package(faiss CONFIG REQUIRED)
find_package(TIFF REQUIRED)
find_package(PNG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(LibArchive REQUIRED)
find_package(HDF5 REQUIRED COMPONENTS C)
pkg_check_modules(jpeg REQUIRED IMPORTED_TARGET libturbojpeg libjpeg)

# A library without a CMake package: an imported target made from a header and a library file.
function(hipt_find_library target header library)
  cmake_parse_arguments(arg "" "" "PATH_SUFFIXES" ${ARGN})
  string(MAKE_C_IDENTIFIER ${target} id)
  find_path(${id}_INCLUDE_DIR ${header} PATH_SUFFIXES ${arg_PATH_SUFFIXES} REQUIRED)
  find_library(${id}_LIBRARY ${library} REQUIRED)
  add_library(${target} UNKNOWN IMPORTED)
  set_target_properties(${target} PROPERTIES IMPORTED_LOCATION ${${id}_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${${id}_INCLUDE_DIR})
endfunction()

# Debian's dnnl-config.cmake asks for OpenCL headers that libdnnl-dev does not bring.
hipt_find_library(DNNL::dnnl oneapi/dnnl/dnnl.hpp dnnl)
# Debian keeps OpenCVConfig.cmake in the whole libopencv-dev, of which two modules are wanted.
hipt_find_library(opencv::core opencv2/core.hpp opencv_core PATH_SUFFIXES opencv4)
hipt_find_library(opencv::imgproc opencv2/imgproc.hpp opencv_imgproc PATH_SUFFIXES opencv4)
hipt_find_library(csv::csv csv.h csv)
hipt_find_library(geos::c geos_c.h geos_c)

# OpenSlide's header only: the library is loaded at run time (hipt/slide).
find_path(OPENSLIDE_INCLUDE_DIR openslide.h PATH_SUFFIXES openslide REQUIRED)
add_library(openslide::header INTERFACE IMPORTED)
set_target_properties(openslide::header PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${OPENSLIDE_INCLUDE_DIR})
