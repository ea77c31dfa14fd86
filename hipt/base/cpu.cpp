#include "hipt/base/cpu.h"

#include <fstream>
#include <set>
#include <sstream>

#include <sys/resource.h>
#include <unistd.h>

namespace hipt {

CpuFeatures cpu_features() {
  CpuFeatures features;
  std::ifstream stream("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string value = colon + 2 < line.size() ? line.substr(colon + 2) : "";
    if (features.model.empty() && line.starts_with("model name")) features.model = value;
    if (flags.empty() && (line.starts_with("flags") || line.starts_with("Features"))) {
      std::istringstream words(value);
      for (std::string word; words >> word;) flags.insert(word);
    }
  }
  features.avx2 = flags.contains("avx2") && flags.contains("fma");
  features.avx512 = flags.contains("avx512f") && flags.contains("avx512bw") && flags.contains("avx512vl");
  features.avx512_bf16 = flags.contains("avx512_bf16");
  features.avx512_vnni = flags.contains("avx512_vnni");
  features.amx = flags.contains("amx_tile");
  return features;
}

std::uint64_t physical_memory_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(sysconf(_SC_PAGE_SIZE));
}

std::uint64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace hipt
