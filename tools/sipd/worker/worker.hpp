// One event loop with its sockets, its UserAgent and its calls. Several of them share nothing: they listen on
// the same ports (SO_REUSEPORT), and a message belongs to one of them, wherever it came in
// (message_router.hpp). Only whole SIP messages ever cross, never media.
//
//   signalling_ sockets of SIP    router_ whose a message is    user_agent_ what it means
//   calls_ the sessions           new_calls_ how they begin     host_ what they may ask of us    closing_ the
//   end
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "call/user_agent.hpp"
#include "net/loop.hpp"
#include "sipd/messages/audio_tap.hpp"
#include "sipd/messages/call_command.hpp"
#include "sipd/messages/call_out.hpp"
#include "sipd/messages/part_line.hpp"
#include "sipd/messages/web_line.hpp"
#include "sipd/worker/closing.hpp"
#include "sipd/worker/message_router.hpp"
#include "sipd/worker/new_calls.hpp"
#include "sipd/worker/session_table.hpp"
#include "sipd/worker/signalling.hpp"
#include "sipd/worker/worker_counters.hpp"
#include "sipd/worker/worker_host.hpp"
#include "sipd/worker/worker_options.hpp"

namespace talky::sipd {

class Session;

class Worker {
 public:
  using Options = WorkerOptions;

  // `options` and `shared` outlive it.
  Worker(net::Loop& loop, const Options& options, const WorkerServices& shared, LiveSettings live,
         std::size_t index);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void introduce(std::vector<Worker*> all) { workers_ = std::move(all); } // before any of them runs
  net::SysResult<> listen(const Endpoint& endpoint) { return signalling_.listen(endpoint); }

  // On the worker's own thread; from another one post() them.
  void post(std::function<void()> task) { loop_.post(std::move(task)); }
  void reload(LiveSettings live);
  // BYE to every call; `done` comes once all have been answered, or after 5 s.
  void shutdown(std::function<void()> done);

  // For the HTTP API, on the worker's own thread.
  net::Loop& loop() { return loop_; }
  std::size_t index() const { return index_; }
  std::vector<CallSnapshot> snapshots() const { return calls_.snapshots(); }
  WorkerCounters totals() const;
  Result<> command(std::string_view uuid, const CallCommand& command);
  // A client of /api/v1/sip/audio. Without a call of that id it is told that its part is lost.
  void take_part(std::string_view uuid, Part part, std::shared_ptr<AudioTap> tap, PartLine line);
  void web_call(WebCall call) { new_calls_.from_browser(std::move(call), net::now()); }
  void call_out(const CallOut& call, const CallPlaced& done) { new_calls_.to_phone(call, done, net::now()); }
  // No new calls (503); when the last one has ended, which `now` makes it do, the sockets are closed and
  // everybody who is registered is forgotten. Then `done`, unless another one has been given meanwhile.
  void stop_sip(bool now, std::function<void()> done);
  net::SysResult<> start_sip(const std::vector<Endpoint>& endpoints); // after `done`

  // For the calls, by way of the WorkerHost.
  call::UserAgent& user_agent() { return *user_agent_; }
  void drain(); // acts on what the UserAgent has to say; after every command to it
  void leg_ended(const call::CallEnded& event);

 private:
  void received(const sip::Flow& flow, std::string_view bytes);
  void hand_over(std::size_t worker, const sip::Flow& flow, std::string_view message);
  void deliver(const sip::Flow& flow, std::string_view bytes);
  void flow_closed(const sip::Flow& flow);
  void close_stalled();
  void announce_move(const std::string& call_id, bool moved);
  void transmit(const sip::Datagram& datagram);
  void close(const sip::Flow& flow);
  void registration_changed(const call::RegistrationChanged& change);
  void act(const call::Output& output, Time now);
  template <class Event>
  void pass(const Event& event, void (Session::*to)(const Event&, Time), Time now);
  void held(call::CallKey call, bool is_held, Time now);
  void ended(const call::CallEnded& event, Time now);
  void make_user_agent();
  void end_sip();
  void expire();
  void arm();

  net::Loop& loop_;
  const Options& options_;
  const WorkerServices& shared_;
  LiveSettings live_;
  const std::size_t index_;
  std::vector<Worker*> workers_;
  std::optional<HepSender> hep_; // nullopt: nobody captures
  std::unique_ptr<call::UserAgent> user_agent_;
  Signalling signalling_;
  MessageRouter router_;
  WorkerHost host_;
  SessionTable calls_;
  Closing closing_;
  NewCalls new_calls_;
  WorkerCounters counters_;
  net::Timer timer_; // of the UserAgent
  std::optional<Time> armed_;
  net::Timer stalls_; // of connections whose message does not end
  bool draining_ = false;
};

} // namespace talky::sipd
