#pragma once
// The verbs of the program: one function each, in a file of the verb's name. Each turns flags into Options, makes one
// library call and prints. Returns the exit status: 0 all good, 1 failed, 3 some slides failed (an Error is turned into
// 1 or 2 by main).

#include <span>
#include <string>

namespace hipt::cli {

using Arguments = std::span<const std::string>;  // after the verb

int run_bags(Arguments arguments);
int run_checkpoint(Arguments arguments);
int run_doctor(Arguments arguments);
int run_encode(Arguments arguments);
int run_evaluate(Arguments arguments);
int run_info(Arguments arguments);
int run_organise(Arguments arguments);
int run_subtype(Arguments arguments);  // in cli/train; in `hipt` it starts that program
int run_tile(Arguments arguments);
int run_tissue(Arguments arguments);

}  // namespace hipt::cli
