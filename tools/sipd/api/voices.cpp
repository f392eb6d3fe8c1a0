#include "sipd/api/voices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audio/frame.hpp"
#include "file/wav.hpp"
#include "json/json.hpp"
#include "sipd/api/api_json.hpp"

namespace talky::sipd {
namespace {

using http::Reply;
using http::Request;
using http::Response;

constexpr std::uint32_t kRate = audio::kBridgeRate;
constexpr std::size_t kMaxList = 64 << 10;                      // bytes
constexpr std::size_t kMaxSample = std::size_t{2} * kRate * 30; // bytes
constexpr std::size_t kMaxVoices = 100;
constexpr auto kAskAgain = std::chrono::seconds(5); // after it went wrong

std::string sample_text(std::string_view name) {
  return fmt::format("Hello, this is {}. I answer the telephone, at any time. What can I do for you?", name);
}

std::string wav_of(const audio::Samples& samples) {
  const auto header =
      file::make_wav_header(file::SampleFormat::s16le, kRate, 1, samples.size() * sizeof(samples[0]));
  std::string out(as_text(header));
  out.reserve(out.size() + 2 * samples.size());
  for (const std::int16_t sample : samples) {
    const auto bits = static_cast<std::uint16_t>(sample);
    out += static_cast<char>(bits & 0xff);
    out += static_cast<char>(bits >> 8);
  }
  return out;
}

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

} // namespace

Voices::Voices(net::Loop& loop, std::string agent_command, std::string cache, log::Sink log)
    : loop_(loop), command_(std::move(agent_command)), cache_(std::move(cache)), log_(std::move(log)) {}

void Voices::add_routes(RouteTable& routes) {
  routes.get("/api/v1/web/voices", Role::read, [this](const Request&, const Reply& reply) { list(reply); });
  routes.get("/api/v1/web/voices/{name}/sample", Role::read,
             [this](const Request& request, const Reply& reply) {
               sample(std::string(request.parameter("name")), reply);
             });
}

void Voices::ask(const std::string& key, std::vector<std::string> arguments, std::size_t max_output,
                 Take take, const Reply& reply, std::function<void()> then) {
  Question& question = questions_[key];
  const auto refuse = [reply](const std::string& why) {
    auto answer = http::problem(503, fmt::format("the agent's program does not speak: {}", why));
    answer.headers.add("Retry-After", "5");
    reply(std::move(answer));
  };
  if (command_.empty()) return refuse("no --agent-command is set");
  if (question.failed && net::now() - *question.failed < kAskAgain) return refuse(question.why);
  question.waiting.emplace_back([this, key, refuse, then = std::move(then)] {
    const Question& asked = questions_[key];
    if (asked.failed) return refuse(asked.why);
    then();
  });
  if (question.run) return;
  question.run.emplace(loop_, command_, std::move(arguments), max_output,
                       [this, key, take = std::move(take)](const AgentRun::Result& result) {
                         Question& asked = questions_[key];
                         const bool good = result.good && take(result);
                         asked.failed = good ? std::nullopt : std::optional(net::now());
                         asked.why = result.good ? "what it wrote makes no sense" : result.how;
                         const auto waiting = std::exchange(asked.waiting, {});
                         asked.run.reset();
                         for (const auto& go_on : waiting)
                           go_on();
                       });
}

void Voices::with_list(const Reply& reply, std::function<void()> then) {
  if (!voices_.empty()) return then();
  const auto take = [this](const AgentRun::Result& result) {
    std::string_view rest = result.output;
    while (!rest.empty() && voices_.size() < kMaxVoices) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      json::error_code error;
      const json::value line = json::parse({rest.data(), end}, error);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (error || !line.is_object()) continue;
      std::string name = text_of(line.get_object(), "name");
      if (name.empty()) continue;
      Voice voice{name, text_of(line.get_object(), "description"), {}, {}};
      // Without a version nobody knows whether it still sounds like that.
      if (!text_of(line.get_object(), "version").empty())
        voice.key = fmt::format("{}\n{}", json::serialize(line), sample_text(name));
      voices_.push_back(std::move(voice));
    }
    return !voices_.empty();
  };
  ask("", {"voices", "--json"}, kMaxList, take, reply, std::move(then));
}

void Voices::list(const Reply& reply) {
  with_list(reply, [this, reply] {
    json::array out;
    for (const Voice& voice : voices_) {
      out.push_back(
          {{"name", voice.name},
           {"description", voice.description},
           {"sample", fmt::format("/api/v1/web/voices/{}/sample", http::percent_encoded(voice.name))}});
    }
    reply(json_answer(200, json::compact(out) + "\n"));
  });
}

void Voices::sample(const std::string& name, const Reply& reply) {
  with_list(reply, [this, name, reply] {
    const auto find = [this, name] {
      return std::find_if(voices_.begin(), voices_.end(),
                          [&](const Voice& voice) { return voice.name == name; });
    };
    if (find() == voices_.end()) return reply(http::problem(404, "there is no voice of that name"));
    const auto give = [find, reply] {
      Response response = Response::text(200, "audio/wav", find()->wav);
      response.headers.add("Cache-Control", "no-cache");
      response.headers.add("Accept-Ranges", "bytes");
      response.headers.add(
          "ETag", fmt::format("\"{:x}-{:x}\"", find()->wav.size(), std::hash<std::string>{}(find()->wav)));
      reply(std::move(response));
    };
    if (find()->wav.empty() && !find()->key.empty())
      find()->wav = cache_.find(name, find()->key).value_or("");
    if (!find()->wav.empty()) return give();
    const auto take = [this, find](const AgentRun::Result& result) {
      const audio::Samples samples = pcm_of(result.output);
      if (samples.size() < kRate / 2) return false;
      find()->wav = wav_of(samples);
      if (find()->key.empty()) return true;
      if (const auto kept = cache_.keep(find()->name, find()->key, find()->wav); !kept)
        log_(log::Level::warn, log::Line("voice.not_kept").add("why", kept.error().what).str());
      return true;
    };
    ask(name, {"say", "--voice", name, sample_text(name)}, kMaxSample, take, reply, give);
  });
}

} // namespace talky::sipd
