// The HTTP API of the daemon (man talky-api): a loop and a thread of its own. The workers post to it what
// happens; it posts commands and questions to the worker that owns the call (worker_questions.hpp), and gives
// up on one that does not answer in time. No request ever runs on a media loop.
//
// A request comes to the server, is counted, and finds its path and who may use it in the RouteTable; each
// part of the API has its own paths there:
//
//   sip_ status, start, stop    calls_ the calls that are up    readers_ events    audio_clients_ who listens
//   web_callers_ calls from browsers    history_ past calls    voices_    pages_ the web page
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/server.hpp"
#include "sipd/api/api_access.hpp"
#include "sipd/api/api_events.hpp"
#include "sipd/api/api_state.hpp"
#include "sipd/api/audio_clients.hpp"
#include "sipd/api/call_control.hpp"
#include "sipd/api/history.hpp"
#include "sipd/api/metrics.hpp"
#include "sipd/api/pages.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/sip_service.hpp"
#include "sipd/api/snapshots.hpp"
#include "sipd/api/voices.hpp"
#include "sipd/api/web_callers.hpp"
#include "sipd/api/worker_questions.hpp"
#include "sipd/sinks/call_sink.hpp"

namespace talky::sipd {

class Worker;
struct WorkerServices;

class Api : public CallWatcher {
 public:
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
  Api(Options options, const WorkerServices& shared);
  ~Api() override;
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  net::SysResult<Endpoint> listen(const Endpoint& endpoint); // before start()
  void start(std::vector<Worker*> workers, std::vector<Endpoint> listening, SipService::Probe probe);
  void closing(); // the daemon ends: not ready any more
  // Ends the connections in good order, and the thread. The workers' loops no longer run by then.
  void stop();

  // What happens in the daemon; from any thread.
  void happened(const std::shared_ptr<const CallFacts>& call, const CallEvent& event,
                const Moment& now) override;
  void registered(const call::RegistrationChanged& change) override;

 private:
  void add_routes();
  http::Reply counted(const http::Request& request, const http::Reply& reply);
  std::string metrics_text();
  void on_event(const ApiState::Event& event);
  void count(const CallFacts& call, const CallEvent& event);

  const WorkerServices& shared_;
  log::Sink log_;
  net::Loop loop_;
  Access access_;
  RouteTable routes_;
  Metrics metrics_;
  ApiState state_;
  WorkerQuestions workers_;
  Snapshots snapshots_;
  SipService sip_;
  CallControl calls_;
  EventReaders readers_;
  AudioClients audio_clients_;
  WebCallers web_callers_;
  Pages pages_;
  Voices voices_;
  History history_;
  Endpoint endpoint_; // where it is served
  bool closing_ = false;
  std::unique_ptr<http::Server> server_;
  std::thread thread_;
};

} // namespace talky::sipd
