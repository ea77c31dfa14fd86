#include <doctest/doctest.h>

#include "hipt/io/npy.h"

#include "test/support/support.h"

using namespace hipt;
using hipt::test::error_of;

namespace {

// Headers as numpy 1.26 writes them (format version 1.0).
std::string npy_file(std::string_view dictionary, std::string_view data) {
  std::string header(dictionary);
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  return file + header + std::string(data);
}

}  // namespace

TEST_CASE("npy reads what numpy writes") {
  const test::TemporaryFolder folder;
  using namespace std::string_view_literals;
  test::write_text(folder / "a.npy", npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }",
                                              "\x00\x00\x80\x3f\x00\x00\x20\xc0"sv));
  const Array matrix = io::read_npy(folder / "a.npy");
  CHECK(matrix.shape() == Shape{2, 1});
  CHECK(matrix.as<float>()[0] == 1.0f);
  CHECK(matrix.as<float>()[1] == -2.5f);

  test::write_text(folder / "b.npy",
                   npy_file("{'descr': '<i2', 'fortran_order': True, 'shape': (2,), }", "\x01\x00\xff\xff"sv));
  CHECK(io::read_npy(folder / "b.npy").as<std::int16_t>()[1] == -1);

  test::write_text(folder / "c.npy", npy_file("{'descr': '|u1', 'fortran_order': False, 'shape': (), }", "\x07"sv));
  const Array scalar = io::read_npy(folder / "c.npy");
  CHECK(scalar.rank() == 0);
  CHECK(scalar.as<std::uint8_t>()[0] == 7);
}

TEST_CASE("npy writes and reads back every dtype it knows") {
  const test::TemporaryFolder folder;
  for (const DType dtype : {DType::Float32, DType::Float64, DType::Float16, DType::Bool, DType::UInt8, DType::Int8,
                            DType::Int16, DType::Int32, DType::Int64}) {
    for (const Shape& shape : {Shape{}, Shape{5}, Shape{0, 3}, Shape{2, 3, 4}}) {
      Array array(dtype, shape);
      for (std::size_t i = 0; i < array.byte_size(); ++i) array.mutable_bytes()[i] = std::byte{i % 2 == 0};
      io::write_npy(folder / "x.npy", array);
      const Array back = io::read_npy(folder / "x.npy");
      CHECK(back.dtype() == dtype);
      CHECK(back.shape() == shape);
      CHECK(std::equal(back.bytes(), back.bytes() + back.byte_size(), array.bytes()));
    }
  }
  CHECK(error_of([&] { io::write_npy(folder / "x.npy", Array(DType::BFloat16, {1})); }) == ErrorCode::Unsupported);
}

TEST_CASE("npy refuses broken and foreign files by name") {
  const test::TemporaryFolder folder;
  const auto code = [&](std::string_view text) {
    test::write_text(folder / "x.npy", text);
    std::string message;
    const ErrorCode result = error_of([&] { io::read_npy(folder / "x.npy"); }, &message);
    CHECK(message.find("x.npy") != std::string::npos);
    return result;
  };
  CHECK(error_of([&] { io::read_npy(folder / "absent.npy"); }) == ErrorCode::NotFound);
  CHECK(code("") == ErrorCode::Corrupt);
  CHECK(code("hello, this is text") == ErrorCode::Corrupt);
  CHECK(code(npy_file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "1234")) == ErrorCode::Unsupported);
  CHECK(code(npy_file("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", "1234")) == ErrorCode::Unsupported);
  CHECK(code(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "1234")) ==
        ErrorCode::Unsupported);
  CHECK(code(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "1234")) == ErrorCode::Corrupt);
  CHECK(code(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "1234")) == ErrorCode::Corrupt);
  CHECK(code(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "1234")) ==
        ErrorCode::Corrupt);
  CHECK(code(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }", "1234")) ==
        ErrorCode::Corrupt);
  CHECK(code(npy_file("{'descr': '<f4', 'shape': (1,), }", "1234")) == ErrorCode::Corrupt);
}

TEST_CASE("npy reads a file cut anywhere as an error") {
  const test::TemporaryFolder folder;
  const std::string whole = npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "1234");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    test::write_text(folder / "x.npy", whole.substr(0, size));
    CHECK(error_of([&] { io::read_npy(folder / "x.npy"); }) == ErrorCode::Corrupt);
  }
}
