#pragma once
// Workspaces: working memory that calls borrow, so that an engine allocates once a thread and not once a picture.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace hipt::kernels {

// There come to be as many workspaces as there were calls at once. Safe from many threads.
template <class Workspace>
class Workspaces {
 public:
  // Runs body(workspace) on one that nobody else holds.
  template <class Body>
  void lend(Body&& body) {
    std::unique_ptr<Workspace> lent = take();
    body(*lent);
    const std::scoped_lock lock(mutex_);
    free_.push_back(std::move(lent));
  }

 private:
  std::unique_ptr<Workspace> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    std::unique_ptr<Workspace> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

}  // namespace hipt::kernels
