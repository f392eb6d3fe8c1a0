// A queue for what is mostly empty, and of which there are many: it takes no memory before its first element,
// where a std::deque takes 600 bytes at once. Elements lie in one block, so references into it end with the
// next push_back(). Pushing and popping are constant time over many of them.
#pragma once
#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace talky {

template <class T>
class Fifo {
 public:
  bool empty() const { return head_ == items_.size(); }
  std::size_t size() const { return items_.size() - head_; }

  void push_back(T item) {
    // What has been popped is made room of when it is at least half of all: each element moves once on
    // average.
    if (items_.size() == items_.capacity() && 2 * head_ >= items_.size()) drop_popped();
    items_.push_back(std::move(item));
  }
  // None of these may be called on an empty queue.
  T& front() { return items_[head_]; }
  const T& front() const { return items_[head_]; }
  T& back() { return items_.back(); }
  const T& back() const { return items_.back(); }
  void pop_back() {
    items_.pop_back();
    if (empty()) clear();
  }
  void pop_front() {
    items_[head_] = T(); // what it holds goes now
    if (++head_ == items_.size()) clear();
  }
  T take_front() {
    T item = std::move(items_[head_]);
    pop_front();
    return item;
  }
  // Keeps a little memory for what comes next.
  void clear() {
    head_ = 0;
    items_.clear();
    if (items_.capacity() * sizeof(T) > kKept) items_.shrink_to_fit();
  }

  // From the oldest to the newest.
  T& operator[](std::size_t i) { return items_[head_ + i]; }
  const T& operator[](std::size_t i) const { return items_[head_ + i]; }
  auto begin() { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin() + static_cast<std::ptrdiff_t>(head_); }
  auto end() const { return items_.end(); }
  auto rbegin() const { return items_.rbegin(); }
  auto rend() const { return items_.rend() - static_cast<std::ptrdiff_t>(head_); }

 private:
  static constexpr std::size_t kKept = 1024; // bytes of an empty queue

  void drop_popped() {
    std::move(begin(), end(), items_.begin());
    items_.resize(size());
    head_ = 0;
  }

  std::vector<T> items_;
  std::size_t head_ = 0; // those before it were popped
};

} // namespace talky
