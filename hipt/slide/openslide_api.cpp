#include "hipt/slide/openslide_api.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <vector>

#include <dlfcn.h>
#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/slide/slide.h"

namespace hipt::slide {
namespace {

struct Loaded {
  std::optional<OpenSlideApi> api;
  std::string failure;
};

template <class Function>
void find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function == nullptr) throw Error(ErrorCode::Unsupported, fmt::format("has no function {}", name));
}

OpenSlideApi table_of(void* library) {
  OpenSlideApi api;
  find(library, "openslide_get_version", api.get_version);
  find(library, "openslide_open", api.open);
  find(library, "openslide_close", api.close);
  find(library, "openslide_get_error", api.get_error);
  find(library, "openslide_get_level_count", api.get_level_count);
  find(library, "openslide_get_level_dimensions", api.get_level_dimensions);
  find(library, "openslide_get_level_downsample", api.get_level_downsample);
  find(library, "openslide_read_region", api.read_region);
  find(library, "openslide_get_property_names", api.get_property_names);
  find(library, "openslide_get_property_value", api.get_property_value);
  find(library, "openslide_get_associated_image_names", api.get_associated_image_names);
  find(library, "openslide_get_associated_image_dimensions", api.get_associated_image_dimensions);
  find(library, "openslide_read_associated_image", api.read_associated_image);
  api.version = api.get_version();
  Dl_info where{};
  if (dladdr(reinterpret_cast<void*>(api.open), &where) != 0 && where.dli_fname != nullptr) api.file = where.dli_fname;
  return api;
}

// OpenSlide 3.4.1 leaves libtiff's messages about damaged tiles on standard error; it reports the failure itself as
// well. The shared library it brought along is told to be silent. False when there is none (openslide-bin has its own
// inside).
bool silence_libtiff(void* library) {
  using SetHandler = void* (*)(void* handler);
  bool found = false;
  for (const char* name : {"TIFFSetErrorHandler", "TIFFSetWarningHandler"}) {
    const auto set_handler = reinterpret_cast<SetHandler>(dlsym(library, name));
    if (set_handler == nullptr) continue;
    set_handler(nullptr);
    found = true;
  }
  return found;
}

bool is_before_4_0_1(const std::string& version) {
  std::array<int, 3> parts{};
  const char* at = version.data();
  const char* const end = at + version.size();
  for (int& part : parts) {
    const auto [next, failure] = std::from_chars(at, end, part);
    if (failure != std::errc{} || next == end) break;
    at = next + 1;  // past the dot
  }
  return parts < std::array{4, 0, 1};
}

Loaded load() {
  Loaded loaded;
  const char* chosen = std::getenv("HIPT_OPENSLIDE");
  const bool is_chosen = chosen != nullptr && *chosen != '\0';
  const std::vector<std::string> names =
      is_chosen ? std::vector<std::string>{chosen} : std::vector<std::string>{"libopenslide.so.1", "libopenslide.so.0"};
  for (const std::string& name : names) {
    // Never closed: OpenSlide brings GLib, which cannot be unloaded.
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      loaded.failure += (loaded.failure.empty() ? "" : "; ") + std::string(dlerror());
      continue;
    }
    try {
      loaded.api = table_of(library);
      const bool shared_libtiff = silence_libtiff(library);
      loaded.api->misreads_small_tiff_levels = shared_libtiff && is_before_4_0_1(loaded.api->version);
      return loaded;
    } catch (const Error& error) {
      loaded.failure += fmt::format("{}{} {}", loaded.failure.empty() ? "" : "; ", name, error.what());
    }
  }
  loaded.failure = fmt::format(
      "no OpenSlide library can be loaded{} ({}): install libopenslide0 (Debian, Ubuntu), or pip "
      "install openslide-bin and name its libopenslide.so.1 in HIPT_OPENSLIDE",
      is_chosen ? " from HIPT_OPENSLIDE" : "", loaded.failure);
  return loaded;
}

const Loaded& loaded_once() {
  static const Loaded loaded = load();
  return loaded;
}

}  // namespace

const OpenSlideApi* openslide_api() {
  return loaded_once().api ? &*loaded_once().api : nullptr;
}

const std::string& openslide_failure() {
  return loaded_once().failure;
}

std::optional<OpenSlideLibrary> openslide_library() {
  const OpenSlideApi* api = openslide_api();
  if (api == nullptr) return std::nullopt;
  return OpenSlideLibrary{api->version, api->file};
}

}  // namespace hipt::slide
