// One call: a voice session between a peer (a socket or stdin and stdout) and the engines. It paces what
// comes in, holds a lockstep session back while an engine works, keeps journal and cassette, and ends in an
// orderly way.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "captions.hpp"
#include "cli/logger.hpp"
#include "engine/speech.hpp"
#include "flow/flow.hpp"
#include "ipc/control.hpp"
#include "line_files.hpp"
#include "net/lifetime.hpp"
#include "net/loop.hpp"
#include "voice/cassette.hpp"
#include "voice/session.hpp"

namespace talky::agent {

// What all calls share. Exactly one of `speech` and `cassette` is there.
struct Context {
  net::Loop& loop;
  const cli::Logger& log;
  LineFiles& files;
  std::shared_ptr<const flow::Flow> flow = nullptr;
  std::string voice = {}; // --voice: of calls that choose none; "" for the flow's
  engine::Speech* speech = nullptr;
  std::shared_ptr<const voice::Cassette> cassette = nullptr; // to be played
  voice::Config config = {};
  std::optional<std::uint64_t> seed = std::nullopt;
  // Paths, "" for none. With `folders` they are folders, and each call has a file of its own there.
  std::string journal = {}, record = {};
  bool folders = false;
  bool force = false;
};

// Today's date and the time of day.
voice::Moment local_moment();

// The other side of a call, seen from it.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual void audio(std::span<const std::int16_t> pcm) = 0; // 16 kHz
  virtual void control(const ipc::FromAgent& message) = 0;
  virtual std::size_t queued() const = 0; // bytes that wait to be written
  virtual void pause(bool pause) = 0;     // stop reading: more has come than may be processed
  // The call has ended; nothing more comes. May be called from within any function of Call, which may not be
  // destroyed there: destroy it later, from the loop.
  virtual void ended(std::string_view cause) = 0;
};

class Call {
 public:
  Call(Context& context, Peer& peer, std::string name); // name: of files and in the log
  ~Call();                                              // says nothing to the peer
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool started() const { return session_.has_value(); }
  // `reports`: the peer answers marks and clears.
  void start(voice::in::Start start, bool reports);
  // Audio at 16 kHz in pieces of any size; what comes before start() waits.
  void receive(std::span<const std::int16_t> pcm);
  void control(const voice::Control& control);
  // The caller is gone, or the input has ended: what has come is still processed, then the call ends.
  void end_of_input(std::string_view cause);
  // The peer's write queue has become shorter.
  void drained() { run(); }
  void end(std::string_view cause);

 private:
  void run();
  bool may_process();
  void pump();
  void handle(voice::Output& output);
  void take_answers();
  void ask(const voice::Request& request);
  void note(const std::string& line);
  void close_files();
  std::string file_path(const std::string& path, const char* ending) const;
  std::optional<LineFiles::File> open_file(const std::string& path, const char* ending);

  Context& context_;
  Peer& peer_;
  std::string name_;

  std::vector<std::int16_t> input_; // samples from input_head_ on are to be processed
  std::size_t input_head_ = 0;
  bool paused_ = false;
  std::string input_end_; // cause; "" while more may come
  std::string hangup_;    // reason, once the agent has hung up
  Captions captions_;
  bool over_ = false;

  std::unique_ptr<voice::VoiceActivity> vad_, recording_vad_;
  std::optional<voice::CassetteWriter> recorder_;
  std::optional<voice::Session> session_;
  std::unique_ptr<voice::Engine> engine_;
  std::set<voice::RequestId> open_; // requests without their last answer

  Time credit_from_{};                // pacing: audio up to now - credit_from_ may have been processed
  std::optional<Time> waiting_since_; // held back by an engine or by the peer's queue
  net::Timer timer_;
  std::optional<LineFiles::File> journal_, record_;
  std::size_t turns_ = 0;
  // Tells what was posted to the loop that the call is gone.
  net::Lifetime lifetime_;
};

} // namespace talky::agent
