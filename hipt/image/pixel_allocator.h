#pragma once
// Memory of pictures.

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace hipt::image {

// `bytes` of memory, large amounts on huge pages where the system has them: fewer first touches of a page. Throws
// std::bad_alloc.
void* allocate_pixels(std::size_t bytes);
void free_pixels(void* pixels);

// For std::vector, which with it leaves new elements unwritten unless it is given a value.
template <class T>
struct PixelAllocator {
  using value_type = T;

  PixelAllocator() = default;
  template <class Other>
  PixelAllocator(const PixelAllocator<Other>&) {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(allocate_pixels(count * sizeof(T)));  // std::vector has bounded `count` by then
  }
  void deallocate(T* pixels, std::size_t) { free_pixels(pixels); }

  template <class Element>
  void construct(Element* element) {
    ::new (static_cast<void*>(element)) Element;
  }
  template <class Element, class... Arguments>
  void construct(Element* element, Arguments&&... arguments) {
    std::construct_at(element, std::forward<Arguments>(arguments)...);
  }

  template <class Other>
  bool operator==(const PixelAllocator<Other>&) const {
    return true;
  }
};

}  // namespace hipt::image
