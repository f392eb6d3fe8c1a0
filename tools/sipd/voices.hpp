// The voices that the agent can speak with, and a sample of each: asked of its program when somebody first
// wants to know, and kept. It runs beside us, so nothing waits for it but the answer.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent_program.hpp"
#include "api_routes.hpp"
#include "core/time.hpp"

namespace talky::sipd {

class Voices {
 public:
  Voices(net::Loop& loop, std::string agent_command); // "": there is no program to ask
  void add_routes(const AddRoute& add);

 private:
  struct Voice {
    std::string name, description;
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
           const net::HttpReply& reply, std::function<void()> then);
  void with_list(const net::HttpReply& reply, std::function<void()> then);
  void list(const net::HttpReply& reply);
  void sample(const std::string& name, const net::HttpReply& reply);

  net::Loop& loop_;
  std::string command_;
  std::vector<Voice> voices_;
  std::map<std::string, Question> questions_; // by voice; "": the list
};

} // namespace talky::sipd
