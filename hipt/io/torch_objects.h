#pragma once
// The classes and functions of torch's pickles that are known by name. Internal to hipt/io.

#include <string>

#include "hipt/io/pickle.h"

namespace hipt::io {

// What calling `name` with `arguments` gives: tensors for the functions that rebuild them, dicts for OrderedDict and
// its kin, tuples for torch.Size, a PickleObject for all else. Throws Corrupt when a known function's arguments make no
// sense (a tensor beyond its storage).
PickleData construct(const std::string& name, const PickleTuple& arguments);

// What stands outside the pickle under an id: a storage, or the class of a module.
PickleData persistent_object(const PickleValue& id);

}  // namespace hipt::io
