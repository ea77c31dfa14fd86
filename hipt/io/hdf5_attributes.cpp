#include <algorithm>

#include <fmt/format.h>

#include "hipt/io/hdf5_internal.h"

namespace hipt::io {
namespace {

Handle text_type() {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

void write_attribute(hid_t object, const std::string& name, const Handle& type, const Handle& space, const void* data) {
  const Handle attribute(H5Acreate2(object, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  require_hdf5(attribute && (data == nullptr || H5Awrite(attribute.get(), type.get(), data) >= 0), ErrorCode::Io,
               fmt::format("attribute \"{}\" cannot be written", name));
}

struct AttributeWriter {
  hid_t object;
  const std::string& name;

  void operator()(std::int64_t value) const { numbers(hdf5_type(DType::Int64), {}, &value); }
  void operator()(double value) const { numbers(hdf5_type(DType::Float64), {}, &value); }
  void operator()(const std::vector<std::int64_t>& values) const { vector(hdf5_type(DType::Int64), values); }
  void operator()(const std::vector<double>& values) const { vector(hdf5_type(DType::Float64), values); }
  void operator()(const std::string& value) const {
    if (value.find('\0') != std::string::npos) {
      throw Error(ErrorCode::InvalidArgument, fmt::format("attribute \"{}\": a text with a zero byte", name));
    }
    const char* text = value.c_str();
    numbers(text_type(), {}, &text);
  }

 private:
  template <class T>
  void vector(const Handle& type, const std::vector<T>& values) const {
    numbers(type, {static_cast<std::int64_t>(values.size())}, values.empty() ? nullptr : values.data());
  }
  void numbers(const Handle& type, const Shape& shape, const void* data) const {
    write_attribute(object, name, type, simple_space(shape), data);
  }
};

std::string read_text(hid_t attribute, hid_t type) {
  if (H5Tis_variable_str(type) > 0) {
    char* text = nullptr;
    require_hdf5(H5Aread(attribute, type, static_cast<void*>(&text)) >= 0, ErrorCode::Corrupt, "text");
    std::string result = text == nullptr ? "" : text;
    H5free_memory(text);
    return result;
  }
  if (H5Tget_size(type) > H5Aget_storage_size(attribute))
    throw Error(ErrorCode::Corrupt, "text longer than its storage");
  std::string text(H5Tget_size(type), '\0');
  require_hdf5(H5Aread(attribute, type, text.data()) >= 0, ErrorCode::Corrupt, "text");
  text.resize(std::min(text.find('\0'), text.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

template <class T>
AttributeValue read_numbers(hid_t attribute, DType dtype, const Shape& shape) {
  if (static_cast<std::uint64_t>(element_count(shape)) > H5Aget_storage_size(attribute)) {
    throw Error(ErrorCode::Corrupt, "more elements than stored bytes");
  }
  std::vector<T> values(static_cast<std::size_t>(element_count(shape)));
  const Handle type = hdf5_type(dtype);
  require_hdf5(values.empty() || H5Aread(attribute, type.get(), values.data()) >= 0, ErrorCode::Corrupt, "numbers");
  if (shape.empty()) return values.at(0);
  return values;
}

// Nothing for a value that AttributeValue cannot hold (arrays of text, compounds, references, matrices).
std::optional<AttributeValue> read_attribute(hid_t object, const std::string& name) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  const Handle type(attribute ? H5Aget_type(attribute.get()) : -1, H5Tclose);
  const Handle space(attribute ? H5Aget_space(attribute.get()) : -1, H5Sclose);
  require_hdf5(type && space, ErrorCode::Corrupt, "attribute");
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return std::nullopt;
  const Shape shape = shape_of(space.get());
  if (shape.size() > 1) return std::nullopt;
  switch (H5Tget_class(type.get())) {
    case H5T_INTEGER:
    case H5T_ENUM:
      return read_numbers<std::int64_t>(attribute.get(), DType::Int64, shape);
    case H5T_FLOAT:
      return read_numbers<double>(attribute.get(), DType::Float64, shape);
    case H5T_STRING:
      if (!shape.empty()) return std::nullopt;
      return read_text(attribute.get(), type.get());
    default:
      return std::nullopt;
  }
}

std::vector<std::string> attribute_names(hid_t object) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  // HDF5 1.10 follows a null pointer when iteration meets an attribute it cannot decode; looking for a name that is not
  // there decodes them all and fails as it should.
  require_hdf5(H5Aexists(object, "\x01") >= 0, ErrorCode::Corrupt, "attributes");
  require_hdf5(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names) >= 0, ErrorCode::Corrupt,
               "attributes");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

void write_attributes_of(hid_t object, const Attributes& attributes) {
  for (const auto& [name, value] : attributes) std::visit(AttributeWriter{object, name}, value);
}

Attributes read_attributes_of(hid_t object) {
  Attributes attributes;
  for (const std::string& name : attribute_names(object)) {
    with_context(fmt::format("attribute \"{}\"", name), [&] {
      if (auto value = read_attribute(object, name)) attributes.emplace_back(name, std::move(*value));
    });
  }
  return attributes;
}

}  // namespace hipt::io
