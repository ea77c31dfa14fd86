#pragma once

namespace hipt::train {

// To run once in each thread that trains: torch must not start threads of its own there. Sums then have one order, so
// that the same seed gives the same numbers on any number of processors; folds run side by side instead.
void prepare_training_thread();

}  // namespace hipt::train
