// The voices that the agent can speak with, and a sample of each: asked of its program when somebody first
// wants to know, and kept, the samples on disk as well for as long as the program's version stays. It runs
// beside us, so nothing waits for it but the answer.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.hpp"
#include "core/time.hpp"
#include "sipd/agent/agent_program.hpp"
#include "sipd/api/route_table.hpp"
#include "sipd/api/sample_cache.hpp"

namespace talky::sipd {

class Voices {
 public:
  // agent_command "": there is no program to ask; cache "": no samples on disk.
  Voices(net::Loop& loop, std::string agent_command, std::string cache, log::Sink log);
  void add_routes(RouteTable& routes);

 private:
  struct Voice {
    std::string name, description;
    std::string key; // of the cache: what the program says of the voice, and the text; "": not to be cached
    std::string wav; // "": not spoken yet
  };
  // One question to the program that several requests may wait for.
  struct Question {
    std::optional<AgentRun> run;
    std::vector<std::function<void()>> waiting;
    std::optional<Time> failed; // the last time it was asked
    std::string why;
  };

  using Take = std::function<bool(const AgentRun::Result&)>; // false: it is of no use
  void ask(const std::string& key, std::vector<std::string> arguments, std::size_t max_output, Take take,
           const http::Reply& reply, std::function<void()> then);
  void with_list(const http::Reply& reply, std::function<void()> then);
  void list(const http::Reply& reply);
  void sample(const std::string& name, const http::Reply& reply);

  net::Loop& loop_;
  std::string command_;
  SampleCache cache_;
  log::Sink log_;
  std::vector<Voice> voices_;
  std::map<std::string, Question> questions_; // by voice; "": the list
};

} // namespace talky::sipd
