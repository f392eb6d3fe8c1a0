#include "sipd/api/history.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <ctime>
#include <filesystem>
#include <utility>

#include "json/json.hpp"
#include "sipd/api/api_json.hpp"
#include "sipd/sinks/records.hpp"

namespace talky::sipd {
namespace {

namespace fs = std::filesystem;
using http::Reply;
using http::Request;
using http::Response;
using store::CallRecord;

constexpr std::int64_t kClosingForS = 10; // so long after its last change a file may not be whole yet

struct RecordedPart {
  const char *name, *ending, *type;
};
constexpr RecordedPart kParts[] = {{"wav", ".wav", "audio/wav"},
                                   {"journal", ".jsonl", "application/x-ndjson"},
                                   {"pcap", ".pcap", "application/vnd.tcpdump.pcap"}};

Response refusal(const store::Error& error) {
  using store::Fault;
  if (error.fault == Fault::invalid) return http::problem(422, fmt::format("expected {}", error.text));
  if (error.fault == Fault::refused) return http::problem(422, "the database does not take this question");
  auto out = http::problem(503, error.fault == Fault::busy ? "the call records are locked at present"
                                                           : "the call records cannot be read at present");
  out.headers.add("Retry-After", "1");
  return out;
}

json::array said_json(const CallRecord& record) {
  json::array out;
  for (const store::Utterance& one : record.said)
    out.push_back({{"who", one.who}, {"begin_ms", one.begin_ms}, {"text", one.text}, {"cut", one.cut != 0}});
  return out;
}

// As the database has it, but with addresses of this API in the place of paths of this machine.
json::object record_json(const CallRecord& record, bool with_said) {
  json::object out = store::to_json(record, true);
  out["id"] = record.uuid;
  out["duration_ms"] = record.duration_ms() ? json::value(*record.duration_ms()) : json::value(nullptr);
  out.erase("transcript");
  json::array files;
  for (const store::RecordedFile& file : record.files) {
    files.push_back({{"kind", file.kind},
                     {"bytes", file.bytes},
                     {"sha256", file.sha256},
                     {"repaired", file.repaired != 0},
                     {"url", fmt::format("/api/v1/sip/recordings/{}?part={}", record.uuid, file.kind)}});
  }
  out["files"] = std::move(files);
  out.erase("said");
  if (with_said) out["said"] = said_json(record);
  return out;
}

bool wants(const Request& request, std::string_view type) {
  return request.headers.get("Accept").find(type) != std::string_view::npos;
}

// The same question, from behind this page on.
std::string link_to_next(std::string_view query, const std::string& next) {
  std::string rest;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.empty() && !pair.starts_with("after=")) rest.append(pair).append("&");
  }
  return fmt::format("</api/v1/sip/history?{}after={}>; rel=\"next\"", rest, next);
}

Response page_response(const store::Page& page, bool csv) {
  if (csv) {
    std::string text = store::csv_header() + "\r\n";
    for (const CallRecord& call : page.calls)
      text.append(store::to_csv(call)).append("\r\n");
    return Response::text(200, "text/csv; charset=utf-8; header=present", std::move(text));
  }
  json::array calls;
  calls.reserve(page.calls.size());
  for (const CallRecord& call : page.calls)
    calls.push_back(record_json(call, false));
  json::object out{{"calls", std::move(calls)}};
  out["next"] = page.next.empty() ? json::value(nullptr) : json::value(page.next);
  out["total"] = page.total ? json::value(*page.total) : json::value(nullptr);
  return json_answer(200, json::compact(out) + "\n");
}

// "recording", "repaired" or "complete"; `record` is what the database has of the call, if there is one.
const char* state_of(const std::string& path, std::string_view kind, bool up,
                     const std::optional<CallRecord>& record) {
  if (up) return "recording";
  if (record) {
    for (const store::RecordedFile& file : record->files) {
      if (file.kind == kind && file.repaired != 0) return "repaired";
    }
    return "complete";
  }
  struct stat status {};
  const bool fresh =
      ::stat(path.c_str(), &status) == 0 && std::time(nullptr) - status.st_mtime < kClosingForS;
  return fresh ? "recording" : "complete";
}

std::string transcript_text(const CallRecord& record) {
  std::string out;
  for (const store::Utterance& one : record.said) {
    out += fmt::format("{:>4}:{:02}.{} {}: {}{}\n", one.begin_ms / 60'000, one.begin_ms / 1000 % 60,
                       one.begin_ms / 100 % 10, one.who, one.text, one.cut != 0 ? " --" : "");
  }
  return out;
}

// What both sides have said, from the record of the call or, while there is none, from its journal.
Response transcript(const std::string& uuid, const std::string& base, bool up, bool as_text,
                    std::optional<CallRecord> record) {
  bool complete = record.has_value();
  if (!record) {
    const auto journal = base.empty() ? std::nullopt : read_journal(base + ".jsonl");
    if (!journal && !up) return http::problem(404, "there is no such call");
    record.emplace();
    if (journal) complete = fold_journal(*journal, *record) && !up;
    store::tidy(*record);
  }
  if (as_text) return Response::text(200, "text/plain; charset=utf-8", transcript_text(*record));
  return json_answer(
      200,
      json::compact(json::object{{"id", uuid}, {"complete", complete}, {"said", said_json(*record)}}) + "\n");
}

} // namespace

History::History(net::Loop& loop, std::optional<store::Location> place, std::string recordings,
                 std::function<bool(std::string_view)> is_up)
    : keeps_records_(place.has_value()),
      recordings_(std::move(recordings)),
      is_up_(std::move(is_up)),
      reader_(loop, std::move(place)) {}

void History::add_routes(RouteTable& routes) {
  routes.get("/api/v1/sip/history", Role::read,
             [this](const Request& request, const Reply& reply) { list(request, reply); });
  routes.get("/api/v1/sip/history/{id}", Role::read,
             [this](const Request& request, const Reply& reply) { one(request, reply); });
  routes.get("/api/v1/sip/recordings/{id}", Role::read,
             [this](const Request& request, const Reply& reply) { recording(request, reply); });
}

void History::list(const Request& request, const Reply& reply) {
  auto parsed = parse_history_query(request.query, net::wall_clock_us() / 1000);
  if (!parsed) return reply(http::problem(422, parsed.error()));
  if (!keeps_records_) return reply(http::problem(404, "no call records are kept (--cdr '')"));
  const bool csv = parsed->csv.value_or(wants(request, "text/csv"));
  reader_.ask(reply,
              [query = parsed->query, csv, text = request.query](const ReaderThread::Database& database) {
                if (!database) return refusal(database.error());
                const auto page = (*database)->list(query);
                if (!page) return refusal(page.error());
                Response response = page_response(*page, csv);
                response.headers.add("Vary", "Accept");
                if (!page->next.empty()) response.headers.add("Link", link_to_next(text, page->next));
                return response;
              });
}

void History::one(const Request& request, const Reply& reply) {
  const std::string uuid(request.parameter("id"));
  if (!keeps_records_) return reply(http::problem(404, "no call records are kept (--cdr '')"));
  if (!store::is_uuid(uuid)) return reply(http::problem(404, "there is no such call"));
  const char* const why = is_up_(uuid) ? "the call goes on: see /api/v1/sip/calls" : "there is no such call";
  reader_.ask(reply, [uuid, why](const ReaderThread::Database& database) {
    if (!database) return refusal(database.error());
    const auto found = (*database)->find(uuid);
    if (!found) return refusal(found.error());
    if (!*found) return http::problem(404, why);
    return json_answer(200, json::compact(record_json(**found, true)) + "\n");
  });
}

void History::recording(const Request& request, const Reply& reply) {
  const std::string uuid(request.parameter("id"));
  const std::string wish = request.query_value("part").value_or("wav");
  const bool transcript_wanted = wish == "transcript";
  const RecordedPart* part = nullptr;
  for (const RecordedPart& known : kParts) {
    if (wish == known.name) part = &known;
  }
  if (!part && !transcript_wanted)
    return reply(http::problem(422, "part is wav, journal, pcap or transcript"));
  if (!store::is_uuid(uuid)) return reply(http::problem(404, "there is no such call"));
  // The name is made here, of a uuid: nothing that a client sends or a database holds leads to another file.
  const std::string base = recordings_.empty() ? "" : (fs::path(recordings_) / uuid).string();
  const bool up = is_up_(uuid);
  if (transcript_wanted) {
    const bool as_text = wants(request, "text/plain") && !wants(request, "application/json");
    reader_.ask(reply, [uuid, base, up, as_text](const ReaderThread::Database& database) {
      // Where the database is locked or away, the journal still tells.
      store::Outcome<std::optional<CallRecord>> found = std::nullopt;
      if (database && *database) found = (*database)->find(uuid);
      return transcript(uuid, base, up, as_text, found ? std::move(*found) : std::nullopt);
    });
    return;
  }
  if (base.empty()) return reply(http::problem(404, "nothing is recorded (--record '')"));
  const bool download = request.query_value("download").has_value();
  reader_.ask(
      reply, [uuid, path = base + part->ending, up, part, download](const ReaderThread::Database& database) {
        std::error_code error;
        if (!fs::is_regular_file(path, error)) return http::problem(404, "there is no such recording");
        store::Outcome<std::optional<CallRecord>> found = std::nullopt;
        if (database && *database) found = (*database)->find(uuid);
        Response response;
        response.headers.add("Content-Type", part->type);
        response.headers.add(
            "Content-Disposition",
            fmt::format("{}; filename=\"{}{}\"", download ? "attachment" : "inline", uuid, part->ending));
        response.headers.add("Cache-Control", "private, no-cache");
        response.headers.add("Talky-State", state_of(path, part->name, up, found ? *found : std::nullopt));
        response.file = http::BodyFile{path};
        return response;
      });
}

} // namespace talky::sipd
