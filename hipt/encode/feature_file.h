#pragma once
// Files of features: <slide>.pt (a bare tensor, as CLAM and HIPT users load it) and <slide>.h5 beside it (features,
// coords, attributes). Streamed in blocks of rows, committed together, equal in their numbers.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hipt/base/array.h"
#include "hipt/cohort/fingerprint.h"
#include "hipt/encode/options.h"
#include "hipt/io/hdf5.h"
#include "hipt/tiling/tiling.h"

namespace hipt::encode {

struct FeatureFileSpec {
  std::filesystem::path pt;                          // empty: not wanted
  std::filesystem::path h5;                          // empty: not wanted
  Shape shape;                                       // of the tensor: [M, dim], [M, patches, dim] or [dim] of a slide
  std::string name;                                  // slide id
  std::string encoder;                               // "vit_small"
  const tiling::Coordinates* coordinates = nullptr;  // of the rows
  io::Attributes coordinate_attributes;              // of the dataset coords (those of patches/<slide>.h5)
  cohort::Fingerprint fingerprint;
};

class FeatureFile {
 public:
  explicit FeatureFile(FeatureFileSpec spec);
  ~FeatureFile();
  FeatureFile(FeatureFile&&) noexcept;

  void append(std::span<const float> row);  // the next row (a slide's vector: all of it)
  void commit();                            // closes and renames into place

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The features of a .pt (CLAM's and HIPT's too) or .h5, float32 [rows, ...]. A .pt is mapped, an .h5 read when asked:
// memory does not grow with the file. Throws Corrupt, naming the file, when it holds no rows of float32.
struct FeatureRows {
  Shape shape;
  std::function<Array(std::int64_t first, std::int64_t count)> read;  // safe from many threads
};
FeatureRows open_feature_rows(const std::filesystem::path& file);

// The fingerprint that a .pt, .h5 or .png of ours carries; nothing when the file is absent or carries none.
std::optional<cohort::Fingerprint> recorded_fingerprint(const std::filesystem::path& file);

// True when every file is there and carries `now`; false when one is missing. Throws InvalidArgument when one was made
// otherwise, naming the file, the difference and --no_auto_skip.
bool all_present(const std::vector<std::filesystem::path>& files, const cohort::Fingerprint& now);

}  // namespace hipt::encode
