#include "hipt/base/version.h"

namespace hipt {

std::string_view version() {
  return HIPT_VERSION;
}

}  // namespace hipt
