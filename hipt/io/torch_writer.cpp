#include <bit>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "hipt/base/error.h"
#include "hipt/io/pickle_opcodes.h"
#include "hipt/io/torch_file.h"
#include "hipt/io/zip_writer.h"

namespace hipt::io {
namespace {

static_assert(std::endian::native == std::endian::little, "the byteorder record says little");

constexpr std::string_view kFolder = "archive";
constexpr std::size_t kBatch = 1000;  // entries a SETITEMS, as Python's pickler

std::string_view storage_type_name(DType dtype) {
  switch (dtype) {
    case DType::Float32:
      return "FloatStorage";
    case DType::Float64:
      return "DoubleStorage";
    case DType::Float16:
      return "HalfStorage";
    case DType::BFloat16:
      return "BFloat16Storage";
    case DType::Bool:
      return "BoolStorage";
    case DType::UInt8:
      return "ByteStorage";
    case DType::Int8:
      return "CharStorage";
    case DType::Int16:
      return "ShortStorage";
    case DType::Int32:
      return "IntStorage";
    case DType::Int64:
      break;
  }
  return "LongStorage";
}

// Writes the pickle (protocol 2) that torch.save writes for tensors, byte for byte in the case of a bare one.
class TorchPickler {
 public:
  TorchPickler() { put({kProto, 2}); }

  void tensor(DType dtype, const Shape& shape, std::size_t storage_key) {
    global("torch._utils", "_rebuild_tensor_v2");
    put({kMark, kMark});
    shared_text("storage");
    global("torch", storage_type_name(dtype));
    text(std::to_string(storage_key));
    shared_text("cpu");
    integer(element_count(shape));
    put({kTuple});
    remember();
    put({kBinPersId});
    integer(0);
    integers(shape);
    integers(row_major_strides(shape));
    put({kNewFalse});  // requires_grad
    global("collections", "OrderedDict");
    put({kEmptyTuple, kReduce});  // no hooks
    remember();
    put({kTuple});
    remember();
    put({kReduce});
    remember();
  }

  void dict(const std::vector<std::pair<std::string, const Array*>>& tensors) {
    put({kEmptyDict});
    remember();
    for (std::size_t first = 0; first < tensors.size(); first += kBatch) {
      const std::size_t last = std::min(first + kBatch, tensors.size());
      const bool is_single = last - first == 1;
      if (!is_single) put({kMark});
      for (std::size_t i = first; i < last; ++i) {
        text(tensors[i].first);
        tensor(tensors[i].second->dtype(), tensors[i].second->shape(), i);
      }
      put({is_single ? kSetItem : kSetItems});
    }
  }

  std::string finish() {
    put({kStop});
    return std::move(text_);
  }

 private:
  static Shape row_major_strides(const Shape& shape) {
    Shape strides(shape.size(), 1);
    for (std::size_t axis = shape.size(); axis-- > 1;) {
      strides[axis - 1] = strides[axis] * std::max<std::int64_t>(shape[axis], 1);
    }
    return strides;
  }

  void put(std::initializer_list<std::uint8_t> codes) { append_opcodes(text_, codes); }
  void number(std::uint64_t value, int bytes) { append_little_endian(text_, value, bytes); }
  void put_index(PickleOpcode short_opcode, PickleOpcode long_opcode, std::uint32_t index) {
    put({index <= 0xff ? short_opcode : long_opcode});
    number(index, index <= 0xff ? 1 : 4);
  }
  void remember() { put_index(kBinPut, kLongBinPut, next_memo_++); }
  void text(std::string_view value) {
    append_text(text_, value);
    remember();
  }
  // What was written before is named again by its place in the memo.
  template <class Write>
  void once(const std::string& key, Write&& write) {
    if (const auto known = memo_.find(key); known != memo_.end()) return put_index(kBinGet, kLongBinGet, known->second);
    memo_.emplace(key, next_memo_);
    write();
  }
  void shared_text(std::string_view value) {
    once(std::string(value), [&] { text(value); });
  }
  void global(std::string_view module, std::string_view name) {
    once(fmt::format("{}\n{}", module, name), [&] {
      append_global(text_, module, name);
      remember();
    });
  }
  void integer(std::int64_t value) {
    if (value <= 0xff) {
      put({kBinInt1});
      number(static_cast<std::uint64_t>(value), 1);
    } else if (value <= 0xffff) {
      put({kBinInt2});
      number(static_cast<std::uint64_t>(value), 2);
    } else if (value <= std::numeric_limits<std::int32_t>::max()) {
      put({kBinInt});
      number(static_cast<std::uint64_t>(value), 4);
    } else {  // two's complement in as few bytes as keep the sign
      const int bytes = (std::bit_width(static_cast<std::uint64_t>(value)) + 8) / 8;
      put({kLong1});
      number(static_cast<std::uint64_t>(bytes), 1);
      number(static_cast<std::uint64_t>(value), bytes);
    }
  }
  void integers(const Shape& values) {
    if (values.empty()) {
      put({kEmptyTuple});
      return;
    }
    if (values.size() > 3) put({kMark});
    for (const std::int64_t value : values) integer(value);
    static constexpr PickleOpcode kOfSize[] = {kTuple1, kTuple2, kTuple3};
    put({values.size() > 3 ? kTuple : kOfSize[values.size() - 1]});
    remember();
  }

  std::string text_;
  std::map<std::string, std::uint32_t> memo_;
  std::uint32_t next_memo_ = 0;
};

std::string in_folder(std::string_view record) {
  return fmt::format("{}/{}", kFolder, record);
}

void write_head(ZipWriter& zip, std::string_view pickle) {
  zip.add(in_folder("data.pkl"), pickle);
  zip.add(in_folder("byteorder"), "little");
}

void write_tail(ZipWriter& zip, const std::vector<std::pair<std::string, std::string>>& extra_records) {
  zip.add(in_folder("version"), "3\n");
  for (const auto& [name, content] : extra_records) zip.add(in_folder(name), content);
  zip.close();
}

}  // namespace

struct TorchTensorWriter::State {
  explicit State(const std::filesystem::path& file) : zip(file) {}

  ZipWriter zip;
  std::vector<std::pair<std::string, std::string>> extra_records;
};

TorchTensorWriter::TorchTensorWriter(const std::filesystem::path& file, DType dtype, Shape shape,
                                     std::vector<std::pair<std::string, std::string>> extra_records)
    : state_(std::make_unique<State>(file)) {
  state_->extra_records = std::move(extra_records);
  TorchPickler pickler;
  pickler.tensor(dtype, shape, 0);
  write_head(state_->zip, pickler.finish());
  state_->zip.begin(in_folder("data/0"), static_cast<std::uint64_t>(element_count(shape)) * size_of(dtype));
}

TorchTensorWriter::~TorchTensorWriter() = default;

void TorchTensorWriter::append(std::span<const std::byte> bytes) {
  state_->zip.append(bytes);
}

void TorchTensorWriter::close() {
  state_->zip.end();
  write_tail(state_->zip, state_->extra_records);
}

void write_torch_tensors(const std::filesystem::path& file,
                         const std::vector<std::pair<std::string, const Array*>>& tensors,
                         std::vector<std::pair<std::string, std::string>> extra_records) {
  TorchPickler pickler;
  pickler.dict(tensors);
  ZipWriter zip(file);
  write_head(zip, pickler.finish());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Array& array = *tensors[i].second;
    zip.begin(in_folder(fmt::format("data/{}", i)), array.byte_size());
    zip.append({array.bytes(), array.byte_size()});
    zip.end();
  }
  write_tail(zip, extra_records);
}

}  // namespace hipt::io
