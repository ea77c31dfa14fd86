#pragma once
// What made an output: weights, precision, pixel rule, grid, preset, hash of the coordinates. A run skips an output
// only when its recorded fingerprint equals the one that this run would write.

#include <map>
#include <optional>
#include <string>

#include "hipt/base/options.h"

namespace hipt::cohort {

// Names and values as text, sorted by name; no host, time or path of a machine.
class Fingerprint {
 public:
  void set(std::string name, std::string value);
  void add(const OptionTexts& options);  // every field that affects the output
  const std::map<std::string, std::string>& entries() const { return entries_; }
  bool operator==(const Fingerprint&) const = default;

  // One JSON object, keys sorted: what h5 attributes ("hipt_fingerprint"), .pt records ("hipt.json") and PNG text
  // carry.
  std::string json() const;
  static std::optional<Fingerprint> parse(const std::string& json);

 private:
  std::map<std::string, std::string> entries_;
};

// "patch_size: 256 there, 512 now; weights256: ..." ; empty when equal.
std::string difference(const Fingerprint& there, const Fingerprint& now);

}  // namespace hipt::cohort
