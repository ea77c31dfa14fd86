#include <cmath>

#include "hipt/mil/network_torch.h"

namespace hipt::mil {
namespace {

// From this ratio of probabilities on, the published loss is the hard one: the soft one would lose its precision.
constexpr double kHardRatio = 1000.0;

}  // namespace

// z_j = x_j + [j is not y] - x_y; the loss is log sum exp z, or the largest z where one score leads clearly.
at::Tensor smooth_svm_loss(const at::Tensor& scores, const at::Tensor& labels) {
  const at::Tensor own = labels.unsqueeze(1);
  const at::Tensor margin = at::ones_like(scores).scatter(1, own, 0.0);
  const at::Tensor z = scores + margin - scores.gather(1, own);
  const at::Tensor hard = z.amax(1);
  if (scores.size(1) < 2) return hard.mean();
  const at::Tensor best_two = std::get<0>(scores.detach().topk(2, 1));
  const at::Tensor is_clear = (best_two.select(1, 0) - best_two.select(1, 1)).ge(std::log(kHardRatio));
  return at::where(is_clear, hard, at::logsumexp(z, 1)).mean();
}

at::Tensor classification_loss(LossKind kind, const at::Tensor& scores, const at::Tensor& labels) {
  return kind == LossKind::SmoothSvm ? smooth_svm_loss(scores, labels) : at::cross_entropy_loss(scores, labels);
}

}  // namespace hipt::mil
