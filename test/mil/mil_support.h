#pragma once
// What the tests of the models share: the oracle's weights and bags by formula.

#include <string>
#include <string_view>
#include <vector>

#include "hipt/mil/model.h"

#include "test/support/oracle_picture.h"

namespace hipt::test {

// A model with the oracle's weights.
mil::Model oracle_model(const mil::ModelOptions& options);
// Formula features "bag384_37" [37, 384].
mil::Bag oracle_bag(const std::string& name, Shape shape);
// Formula integers: word >> 33 modulo bound.
std::vector<std::int64_t> oracle_integers(std::string_view name, std::int64_t count, std::int64_t bound);

// check_close against the golden array of a case, within its tolerance.
void check_mil_case(const std::string& id, const Array& actual);

}  // namespace hipt::test
