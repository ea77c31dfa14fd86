#include "hipt/io/hdf5.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "hipt/io/hdf5_internal.h"

namespace hipt::io {
namespace {

// Deflate, the densest of HDF5's own filters, gains a little more than a thousandfold at best.
constexpr std::uint64_t kMaxCompressionRatio = 1100;

// One dataset, open.
struct Dataset {
  Handle id;
  Handle type;
  Handle space;

  Shape shape() const { return shape_of(space.get()); }
};

Dataset open_dataset(hid_t file, const std::string& name) {
  H5L_info_t link{};
  if (name.find('/') != std::string::npos || H5Lget_info(file, name.c_str(), &link, H5P_DEFAULT) < 0) {
    throw Error(ErrorCode::NotFound, fmt::format("has no dataset \"{}\"", name));
  }
  // A link into another file could make this one read whatever the user may read.
  if (link.type != H5L_TYPE_HARD) {
    throw Error(ErrorCode::Unsupported, fmt::format("\"{}\" is a link to elsewhere, not a dataset", name));
  }
  Dataset dataset{{H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose}, {}, {}};
  require_hdf5(bool(dataset.id), ErrorCode::Corrupt, fmt::format("dataset \"{}\"", name));
  dataset.type = {H5Dget_type(dataset.id.get()), H5Tclose};
  dataset.space = {H5Dget_space(dataset.id.get()), H5Sclose};
  require_hdf5(dataset.type && dataset.space, ErrorCode::Corrupt, fmt::format("dataset \"{}\"", name));
  return dataset;
}

// The bytes that the dataset's chunks must have together when no filter changes their size; 0 when it has no chunks.
std::uint64_t expected_chunk_bytes(const Dataset& dataset, const Handle& properties) {
  if (H5Pget_layout(properties.get()) != H5D_CHUNKED || H5Pget_nfilters(properties.get()) > 0) return 0;
  std::vector<hsize_t> chunk(dataset.shape().size());
  hsize_t chunks = 0;
  require_hdf5(H5Pget_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data()) >= 0 &&
                   H5Dget_num_chunks(dataset.id.get(), dataset.space.get(), &chunks) >= 0,
               ErrorCode::Corrupt, "chunks");
  std::uint64_t bytes = chunks * H5Tget_size(dataset.type.get());
  for (const hsize_t side : chunk) bytes *= side;
  return bytes;
}

// Refuses a shape that promises more data than the file stores, before memory is taken for it, and chunks whose sizes
// contradict the dataset: HDF5 1.10 would read beyond them.
void check_storage(const Dataset& dataset, DType dtype) {
  const Handle properties(H5Dget_create_plist(dataset.id.get()), H5Pclose);
  require_hdf5(bool(properties), ErrorCode::Corrupt, "creation properties");
  if (H5Pget_layout(properties.get()) == H5D_VIRTUAL || H5Pget_external_count(properties.get()) > 0) {
    throw Error(ErrorCode::Unsupported, "its data lie in another file");
  }
  const std::uint64_t stored = H5Dget_storage_size(dataset.id.get());
  const Handle file(H5Iget_file_id(dataset.id.get()), H5Fclose);
  hsize_t file_size = 0;
  H5Fget_filesize(file.get(), &file_size);
  const std::uint64_t chunk_bytes = expected_chunk_bytes(dataset, properties);
  if (stored > file_size || (chunk_bytes != 0 && chunk_bytes != stored)) {
    throw Error(ErrorCode::Corrupt, fmt::format("{} bytes of data, which contradicts its file or its chunks", stored));
  }
  // Unfiltered data at most double in memory (dtype_of).
  const std::uint64_t ratio = H5Pget_nfilters(properties.get()) > 0 ? kMaxCompressionRatio : 2;
  if (static_cast<std::uint64_t>(element_count(dataset.shape())) > stored * ratio / size_of(dtype)) {
    throw Error(ErrorCode::Corrupt,
                fmt::format("shape {} promises more than the {} bytes stored", to_string(dataset.shape()), stored));
  }
}

Handle dataset_properties() {
  Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

bool is_dataset(hid_t file, const std::string& name) {
  H5L_info_t link{};
  if (name.find('/') != std::string::npos || H5Lget_info(file, name.c_str(), &link, H5P_DEFAULT) < 0) return false;
  if (link.type != H5L_TYPE_HARD) return false;
  const Handle object(H5Oopen(file, name.c_str(), H5P_DEFAULT), H5Oclose);
  return object && H5Iget_type(object.get()) == H5I_DATASET;
}

// Every file is written under a temporary name of its own, so HDF5's file locks (which some network file systems lack)
// protect nothing.
Handle access_properties() {
  Handle properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_libver_bounds(properties.get(), H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST);
  H5Pset_fclose_degree(properties.get(), H5F_CLOSE_STRONG);
  H5Pset_file_locking(properties.get(), false, true);
  return properties;
}

}  // namespace

struct Hdf5File::State {
  std::filesystem::path path;
  Handle file;
  std::set<std::string, std::less<>> sound;  // datasets that passed check_storage: it walks all their chunks

  ~State() {
    const Hdf5Call call;
    file = Handle();
  }

  void check_once(const std::string& name, const Dataset& dataset, DType dtype) {
    if (sound.contains(name)) return;
    check_storage(dataset, dtype);
    sound.insert(name);
  }

  // Runs `body` under the lock; errors gain the file's name.
  template <class Body>
  decltype(auto) locked(Body&& body) {
    return with_context(path.string(), [&]() -> decltype(auto) {
      const Hdf5Call call;
      if (!file) throw Error(ErrorCode::Internal, "used after close");
      return body();
    });
  }
};

Hdf5File::Hdf5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5File::~Hdf5File() = default;
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File& Hdf5File::operator=(Hdf5File&&) noexcept = default;

Hdf5File Hdf5File::create(const std::filesystem::path& file) {
  auto state = std::make_unique<State>();
  state->path = file;
  {
    const Hdf5Call call;
    const Handle access = access_properties();
    const Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_obj_track_times(creation.get(), false);
    state->file = {H5Fcreate(file.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose};
    require_hdf5(bool(state->file), ErrorCode::Io, fmt::format("{}: cannot be created", file.string()));
  }
  return Hdf5File(std::move(state));
}

Hdf5File Hdf5File::open(const std::filesystem::path& file) {
  if (access(file.c_str(), R_OK) != 0) {
    throw Error(errno == ENOENT ? ErrorCode::NotFound : ErrorCode::Io,
                fmt::format("{}: cannot be opened for reading: {}", file.string(), std::strerror(errno)));
  }
  auto state = std::make_unique<State>();
  state->path = file;
  {
    const Hdf5Call call;
    const Handle properties = access_properties();
    state->file = {H5Fopen(file.c_str(), H5F_ACC_RDONLY, properties.get()), H5Fclose};
    require_hdf5(bool(state->file), ErrorCode::Corrupt, fmt::format("{}: is not a readable HDF5 file", file.string()));
  }
  return Hdf5File(std::move(state));
}

void Hdf5File::create_dataset(const std::string& name, DType dtype, const Shape& row_shape, std::int64_t chunk_rows) {
  state_->locked([&] {
    Shape shape = row_shape;
    shape.insert(shape.begin(), 0);
    std::vector<hsize_t> maximum = to_hsizes(shape);
    maximum[0] = H5S_UNLIMITED;
    std::vector<hsize_t> chunk = to_hsizes(shape);
    chunk[0] = static_cast<hsize_t>(chunk_rows);
    const Handle properties = dataset_properties();
    require_hdf5(H5Pset_chunk(properties.get(), static_cast<int>(chunk.size()), chunk.data()) >= 0,
                 ErrorCode::InvalidArgument, fmt::format("dataset \"{}\": {} rows a chunk", name, chunk_rows));
    const Handle space = simple_space(shape, maximum.data());
    const Handle type = hdf5_type(dtype);
    const Handle dataset(H5Dcreate2(state_->file.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                                    properties.get(), H5P_DEFAULT),
                         H5Dclose);
    require_hdf5(bool(dataset), ErrorCode::Io, fmt::format("dataset \"{}\" cannot be created", name));
  });
}

void Hdf5File::append_rows(const std::string& name, const Array& rows) {
  state_->locked([&] {
    Dataset dataset = open_dataset(state_->file.get(), name);
    Shape shape = dataset.shape();
    const bool fits = !shape.empty() && rows.rank() == shape.size() && dtype_of(dataset.type.get()) == rows.dtype() &&
                      std::equal(shape.begin() + 1, shape.end(), rows.shape().begin() + 1);
    if (!fits) {
      throw Error(ErrorCode::Internal,
                  fmt::format("rows of {} {} do not fit dataset \"{}\" {}", to_string(rows.dtype()),
                              to_string(rows.shape()), name, to_string(shape)));
    }
    std::vector<hsize_t> start(shape.size(), 0);
    start[0] = static_cast<hsize_t>(shape[0]);
    const std::vector<hsize_t> count = to_hsizes(rows.shape());
    shape[0] += rows.dim(0);
    const std::string what = fmt::format("dataset \"{}\" cannot be extended", name);
    require_hdf5(H5Dset_extent(dataset.id.get(), to_hsizes(shape).data()) >= 0, ErrorCode::Io, what);
    const Handle space(H5Dget_space(dataset.id.get()), H5Sclose);
    const Handle memory = simple_space(rows.shape());
    const Handle type = hdf5_type(rows.dtype());
    require_hdf5(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr) >= 0 &&
                     H5Dwrite(dataset.id.get(), type.get(), memory.get(), space.get(), H5P_DEFAULT, rows.bytes()) >= 0,
                 ErrorCode::Io, what);
  });
}

void Hdf5File::write_dataset(const std::string& name, const Array& values) {
  state_->locked([&] {
    const Handle space = simple_space(values.shape());
    const Handle type = hdf5_type(values.dtype());
    const Handle properties = dataset_properties();
    const Handle dataset(H5Dcreate2(state_->file.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                                    properties.get(), H5P_DEFAULT),
                         H5Dclose);
    require_hdf5(dataset && H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.bytes()) >= 0,
                 ErrorCode::Io, fmt::format("dataset \"{}\" cannot be written", name));
  });
}

bool Hdf5File::has_dataset(const std::string& name) const {
  return state_->locked([&] { return is_dataset(state_->file.get(), name); });
}

std::vector<std::string> Hdf5File::dataset_names() const {
  return state_->locked([&] {
    std::vector<std::string> names;
    const auto collect = [](hid_t, const char* name, const H5L_info_t*, void* out) -> herr_t {
      static_cast<std::vector<std::string>*>(out)->emplace_back(name);
      return 0;
    };
    require_hdf5(H5Literate(state_->file.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) >= 0,
                 ErrorCode::Corrupt, "the root group");
    std::erase_if(names, [&](const std::string& name) { return !is_dataset(state_->file.get(), name); });
    std::sort(names.begin(), names.end());
    return names;
  });
}

Shape Hdf5File::dataset_shape(const std::string& name) const {
  return state_->locked([&] { return open_dataset(state_->file.get(), name).shape(); });
}

DType Hdf5File::dataset_dtype(const std::string& name) const {
  return state_->locked([&] { return dtype_of(open_dataset(state_->file.get(), name).type.get()); });
}

Array Hdf5File::read_dataset(const std::string& name) const {
  return state_->locked([&] {
    const Dataset dataset = open_dataset(state_->file.get(), name);
    return with_context(fmt::format("dataset \"{}\"", name), [&] {
      const DType dtype = dtype_of(dataset.type.get());
      state_->check_once(name, dataset, dtype);
      Array values(dtype, dataset.shape());
      if (values.empty()) return values;
      const Handle type = hdf5_type(dtype);
      require_hdf5(H5Dread(dataset.id.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.mutable_bytes()) >= 0,
                   ErrorCode::Corrupt, "cannot be read");
      return values;
    });
  });
}

Array Hdf5File::read_rows(const std::string& name, std::int64_t first, std::int64_t count) const {
  return state_->locked([&] {
    const Dataset dataset = open_dataset(state_->file.get(), name);
    return with_context(fmt::format("dataset \"{}\"", name), [&] {
      const DType dtype = dtype_of(dataset.type.get());
      state_->check_once(name, dataset, dtype);
      Shape shape = dataset.shape();
      if (shape.empty() || first < 0 || count < 0 || first > shape[0] || count > shape[0] - first) {
        throw Error(ErrorCode::InvalidArgument,
                    fmt::format("rows {} to {} of shape {}", first, first + count, to_string(shape)));
      }
      shape[0] = count;
      Array values(dtype, shape);
      if (values.empty()) return values;
      std::vector<hsize_t> start(shape.size(), 0);
      start[0] = static_cast<hsize_t>(first);
      const Handle memory = simple_space(shape);
      const Handle type = hdf5_type(dtype);
      require_hdf5(H5Sselect_hyperslab(dataset.space.get(), H5S_SELECT_SET, start.data(), nullptr,
                                       to_hsizes(shape).data(), nullptr) >= 0 &&
                       H5Dread(dataset.id.get(), type.get(), memory.get(), dataset.space.get(), H5P_DEFAULT,
                               values.mutable_bytes()) >= 0,
                   ErrorCode::Corrupt, "cannot be read");
      return values;
    });
  });
}

void Hdf5File::write_attributes(const std::string& object, const Attributes& attributes) {
  state_->locked([&] {
    const Handle target(H5Oopen(state_->file.get(), object.c_str(), H5P_DEFAULT), H5Oclose);
    require_hdf5(bool(target), ErrorCode::Internal, fmt::format("object \"{}\"", object));
    write_attributes_of(target.get(), attributes);
  });
}

Attributes Hdf5File::read_attributes(const std::string& object) const {
  return state_->locked([&] {
    const Handle target = object == "/" ? Handle(H5Oopen(state_->file.get(), "/", H5P_DEFAULT), H5Oclose)
                                        : std::move(open_dataset(state_->file.get(), object).id);
    require_hdf5(bool(target), ErrorCode::Corrupt, fmt::format("object \"{}\"", object));
    return with_context(fmt::format("\"{}\"", object), [&] { return read_attributes_of(target.get()); });
  });
}

void Hdf5File::close() {
  state_->locked([&] {
    require_hdf5(H5Fflush(state_->file.get(), H5F_SCOPE_LOCAL) >= 0, ErrorCode::Io, "cannot be flushed");
    require_hdf5(H5Fclose(state_->file.release()) >= 0, ErrorCode::Io, "cannot be closed");
  });
}

}  // namespace hipt::io
