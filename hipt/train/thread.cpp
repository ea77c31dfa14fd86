#include "hipt/train/thread.h"

#include "hipt/train/torch.h"

namespace hipt::train {

void prepare_training_thread() {
  at::set_num_threads(1);
}

}  // namespace hipt::train
