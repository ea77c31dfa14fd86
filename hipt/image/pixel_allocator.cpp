#include "hipt/image/pixel_allocator.h"

#include <cstdlib>

#include <sys/mman.h>

namespace hipt::image {

void* allocate_pixels(std::size_t bytes) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  constexpr std::size_t kLarge = 2 * kHugePage;
  void* pixels = nullptr;
  if (bytes < kLarge) {
    pixels = std::malloc(bytes);
  } else if (posix_memalign(&pixels, kHugePage, bytes) == 0) {
    madvise(pixels, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);  // advice: a refusal costs time alone
  } else {
    pixels = nullptr;
  }
  if (pixels == nullptr && bytes > 0) throw std::bad_alloc();
  return pixels;
}

void free_pixels(void* pixels) {
  std::free(pixels);
}

}  // namespace hipt::image
