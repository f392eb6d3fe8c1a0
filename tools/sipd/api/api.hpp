// The HTTP API of the daemon (man talky-api): a loop and a thread of its own. The workers post to it what
// happens; it posts commands and questions to the worker that owns the call, and gives up on one that does
// not answer in time. No request ever runs on a media loop, and however many clients ask, each worker is
// asked for its calls four times a second at most.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/router.hpp"
#include "http/server.hpp"
#include "sipd/api/api_access.hpp"
#include "sipd/api/api_audio.hpp"
#include "sipd/api/api_events.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/history.hpp"
#include "sipd/api/metrics.hpp"
#include "sipd/api/pages.hpp"
#include "sipd/api/speaker.hpp"
#include "sipd/api/voices.hpp"
#include "sipd/messages/web_line.hpp"
#include "sipd/worker/worker_counters.hpp"

namespace talky::sipd {

class WebCaller;
class Worker;
struct Shared;

class Api {
 public:
  // Whether a port is free for UDP and TCP.
  using Probe = std::function<net::SysResult<>(Endpoint&)>;

  struct Options {
    std::size_t max_calls = 500, workers = 1;
    std::string bridge;                   // where no route fits, as it was written
    std::string web;                      // folder of the web page; "": none
    std::string agent_command;            // "": there is no program to ask
    std::string samples;                  // folder of the voices' samples; "": none are kept
    std::optional<store::Location> cdr;   // nullopt: no call records
    std::string recordings;               // their folder; "": nothing is recorded
    std::shared_ptr<const Tokens> tokens; // null: nobody is asked for one
  };

  // `shared` is only read from start() on, and outlives the Api.
  Api(Options options, const Shared& shared);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  net::SysResult<Endpoint> listen(const Endpoint& endpoint); // before start()
  void start(std::vector<Worker*> workers, std::vector<Endpoint> listening, Probe probe);
  void closing(); // the daemon ends: not ready any more
  // Ends the connections in good order, and the thread. The workers' loops no longer run by then.
  void stop();

  // What happens in the daemon; from any thread.
  void began(CallBegan event);
  void answered(CallAnsweredAt event);
  void happened(CallHappening event);
  void ended(CallOver event);
  void turned(CallTurn event);
  void registered(const call::RegistrationChanged& change);

 private:
  enum class Sip : std::uint8_t { running, draining, stopped, starting };
  using Then = std::function<void(bool fresh)>;

  void add_routes();
  void route(http::Method method, const char* pattern, Role role, http::Handler handler);
  void handle(http::Request request, const http::Reply& reply);
  http::Reply counted(const http::Request& request, const http::Reply& reply);

  void refresh(Then then);
  void gathered(std::uint64_t round, std::size_t worker, const std::vector<CallSnapshot>& calls,
                const WorkerCounters& counters);
  void finish_refresh(bool fresh);

  void command(const http::Request& request, const http::Reply& reply, CallCommand what);
  void command(const std::string& uuid, const http::Reply& reply, CallCommand command);
  void call_out(const http::Request& request, const http::Reply& reply);
  void play(const http::Request& request, const http::Reply& reply);
  void say(const http::Request& request, const http::Reply& reply);
  void say_beside(const std::string& uuid, const http::Reply& reply, const ipc::Say& text);
  void take_part(const http::Request& request, const http::Reply& reply); // api_listen.cpp
  std::shared_ptr<void> claim(const std::string& uuid, Part part);        // null: somebody else has it
  void web_call(const http::Request& request, const http::Reply& reply);  // api_web.cpp
  void web_call(const std::shared_ptr<http::WebSocket>& socket, WebCall call);
  void answer(std::uint64_t id, http::Response response);
  std::uint64_t remember(const http::Reply& reply); // it gets 504 if nobody answers

  void start_sip(const http::Request& request, const http::Reply& reply);
  void stop_sip(const http::Request& request, const http::Reply& reply);
  void worker_stopped();
  std::string status_json();
  std::string index_json() const;
  std::string metrics_text();
  void on_event(const ApiState::Event& event);

  const Options options_;
  const Shared& shared_;
  log::Sink log_;
  net::Loop loop_;
  Metrics metrics_;
  ApiState state_;
  EventReaders readers_;
  std::set<std::shared_ptr<AudioClient>> audio_clients_;
  using Parts = std::set<std::pair<std::string, Part>>;
  std::shared_ptr<Parts> parts_ = std::make_shared<Parts>(); // that are taken, by call
  std::uint64_t listener_drops_ = 0;                         // frames, of those who have left
  std::set<std::shared_ptr<WebCaller>> web_callers_;
  std::size_t next_web_worker_ = 0;
  Pages pages_;
  Voices voices_;
  Speaker speaker_;
  History history_;
  http::Router router_;
  std::map<std::pair<http::Method, std::string>, Role> roles_;
  Endpoint endpoint_;
  std::vector<Worker*> workers_;
  std::vector<WorkerCounters> worker_counters_; // as last told
  std::vector<Endpoint> listening_;
  std::size_t next_out_worker_ = 0;
  Probe probe_;
  std::int64_t started_us_ = 0;
  bool closing_ = false;

  Sip sip_ = Sip::running;
  std::size_t workers_to_stop_ = 0;

  std::vector<Then> waiting_;
  std::uint64_t round_ = 0;
  std::size_t missing_ = 0; // workers that have not told their calls yet
  Time refreshed_{};
  net::Timer refresh_limit_;

  struct Pending {
    http::Reply reply;
    std::unique_ptr<net::Timer> limit;
  };
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t last_pending_ = 0;

  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

} // namespace talky::sipd
