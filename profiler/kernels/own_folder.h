// A folder that is its owner's as long as the owner lives.
//
// The owner, and whoever else works there, holds a shared lock (flock) on the folder itself; that it has an owner at all its sticky bit
// says, which is set when the lock is held.  So one that can be locked alone is left over of somebody who was killed, and is taken away by
// whoever makes the next.
#pragma once

#include <string>

#include "compiler/base/result.h"

namespace ravelin::kernels {

class OwnFolder {
 public:
  // A new one, named `prefix` and six characters that mean nothing; what is left over of that prefix goes first.
  static Result<OwnFolder> Make(const std::string& prefix);
  // Of this very name; kNotFound where something stands there that is not left over.
  static Result<OwnFolder> MakeAt(const std::string& path);
  OwnFolder(OwnFolder&& other) noexcept;
  OwnFolder& operator=(OwnFolder&&) = delete;
  ~OwnFolder();  // removes it, with everything in it

  const std::string& path() const { return path_; }

 private:
  OwnFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  static Result<OwnFolder> Take(std::string path);

  std::string path_;
  int lock_ = -1;
};

}  // namespace ravelin::kernels
