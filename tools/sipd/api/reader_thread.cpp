#include "sipd/api/reader_thread.hpp"

#include <utility>

#include "net/background_thread.hpp"

namespace talky::sipd {

ReaderThread::ReaderThread(net::Loop& loop, std::optional<store::Location> place)
    : loop_(loop), place_(std::move(place)) {}

ReaderThread::~ReaderThread() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void ReaderThread::ask(const http::Reply& reply, Question question) {
  if (replies_.size() >= kMaxWaiting) {
    auto busy = http::problem(503, "too many questions about past calls wait already");
    busy.headers.add("Retry-After", "1");
    return reply(std::move(busy));
  }
  const std::uint64_t id = ++last_id_;
  replies_.emplace(id, reply);
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back({id, std::move(question)});
  }
  wake_.notify_one();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void ReaderThread::answer(std::uint64_t id, http::Response response) {
  auto node = replies_.extract(id);
  if (!node.empty()) node.mapped()(std::move(response));
}

ReaderThread::Database ReaderThread::open() {
  if (!place_) return nullptr;
  if (!database_) {
    auto opened = store::open_database(*place_, store::Access::read);
    if (!opened) return tl::unexpected(opened.error());
    database_ = std::move(*opened);
  }
  return database_.get();
}

void ReaderThread::run() {
  net::begin_background_thread();
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    http::Response response = job.question(open());
    loop_.post(lifetime_.guard(
        [this, id = job.id, response = std::move(response)]() mutable { answer(id, std::move(response)); }));
    lock.lock();
  }
}

} // namespace talky::sipd
