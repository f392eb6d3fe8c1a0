#include "store/kit.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

namespace talky::store::test {
namespace fs = std::filesystem;

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "talky-store-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  path_ = name;
}
Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string uuid(std::uint64_t number) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", number);
}

CallRecord record(std::uint64_t number) {
  const auto n = static_cast<std::int64_t>(number);
  const auto real = static_cast<double>(number);
  CallRecord r;
  r.uuid = uuid(number);
  r.sip_call_id = fmt::format("call-{}@phone", number);
  r.direction = number % 2 == 0 ? "in" : "out";
  r.from = fmt::format("sip:User{}@example.com", number);
  r.from_display = fmt::format("Ünï \"{}\", 100%_!", number);
  r.to = "sip:100@127.0.0.1";
  r.dialled = fmt::format("1{:02}", number % 100);
  r.route = "exec:sox -t raw - 'a b'";
  r.auth_user = "alice";
  r.peer = "192.0.2.7:5060";
  r.transport = "UDP";
  r.user_agent = "phone/1.0";
  r.invited_ms = 1'700'000'000'000 + n * 1000;
  r.ringing_ms = r.invited_ms + 10;
  r.answered_ms = r.invited_ms + 20;
  r.caller_audio_ms = r.invited_ms + 45;
  r.agent_audio_ms = r.invited_ms + 40;
  r.ended_ms = r.invited_ms + 5000 + n;
  r.cause = "hangup";
  r.ended_by = "caller";
  r.reason = "Normal call clearing";
  r.status = 200;
  r.codec = "PCMU";
  r.in_packets = 250;
  r.in_lost = n % 7;
  r.in_late = 1;
  r.in_jitter_ms = 0.1 + real / 3;
  r.in_mos = 4.0 + 0.4 / (1 + real);
  r.out_packets = 251;
  r.out_lost = 0;
  r.out_jitter_ms = 1.0 / 3;
  r.out_mos = 4.2;
  r.rtt_ms = 12.25;
  r.turns = 3;
  r.barge_ins = 1;
  r.response_p50_ms = 410.5;
  r.response_p95_ms = 800;
  r.response_max_ms = 800;
  r.transcript = "/calls/" + r.uuid + ".jsonl";
  r.files = {{"wav", "/calls/" + r.uuid + ".wav", 640'044, std::string(64, 'a'), 0},
             {"journal", "/calls/" + r.uuid + ".jsonl", 2000, std::string(64, 'b'), 1}};
  r.said = {{"agent", 0, "Hello, how can I help?", 0},
            {"caller", 1800, fmt::format("I am caller number {}.", number), 0},
            {"agent", 3000, "One moment --", 1}};
  return r;
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
}

// ---- PostgreSQL

namespace {

// The newest that the system has.
std::string server_programs() {
  std::error_code ignored;
  fs::path best;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const auto bin = entry.path() / "bin";
    if (fs::exists(bin / "initdb") && (best.empty() || entry.path() > best.parent_path())) best = bin;
  }
  return best.string();
}

} // namespace

PostgresServer::PostgresServer() : bin_(server_programs()) {
  if (bin_.empty()) return;
  if (::geteuid() == 0) {
    as_ = "setpriv --reuid=nobody --regid=nogroup --clear-groups ";
    if (!shell("chown nobody:nogroup " + folder_.path())) return;
  }
  works_ = shell(fmt::format("{}{}/initdb -D {}/data -U talky -A trust -E UTF8 --no-locale --no-sync", as_,
                             bin_, folder_.path()));
  if (works_) start();
}

PostgresServer::~PostgresServer() {
  if (works_) stop();
}

PostgresServer* PostgresServer::get() {
  static const std::unique_ptr<PostgresServer> kServer(new PostgresServer);
  return kServer->works_ ? kServer.get() : nullptr;
}

bool PostgresServer::shell(const std::string& command) const {
  const std::string log = folder_ / "log";
  // NOLINTNEXTLINE(cert-env33-c): the commands are ours, with shell syntax
  const bool done = std::system((command + " >>" + log + " 2>&1 </dev/null").c_str()) == 0;
  if (!done) std::fprintf(stderr, "failed: %s\n%s\n", command.c_str(), contents(log).c_str());
  return done;
}

void PostgresServer::start() {
  // -F: no fsync; what is tested is us, and this server is thrown away.
  works_ =
      shell(fmt::format("{0}{1}/pg_ctl -D {2}/data -w -t 60 -l {2}/data/server.log "
                        "-o \"-F -k {2} -c listen_addresses='' -c max_connections=20\" start",
                        as_, bin_, folder_.path()));
  REQUIRE(works_);
}

void PostgresServer::stop() {
  shell(fmt::format("{}{}/pg_ctl -D {}/data -m immediate -w stop", as_, bin_, folder_.path()));
}

std::string PostgresServer::superuser() const {
  return fmt::format("postgresql:///postgres?host={}&user=talky", folder_.path());
}

void PostgresServer::run(const std::string& sql) {
  REQUIRE(shell(fmt::format("{}/psql -q -v ON_ERROR_STOP=1 '{}' -c \"{}\"", bin_, superuser(), sql)));
}

std::string PostgresServer::fresh() {
  const std::string name = fmt::format("test_{}", ++made_);
  run("CREATE DATABASE " + name);
  return fmt::format("postgresql:///{}?host={}&user=talky", name, folder_.path());
}

std::optional<Location> SqliteKit::location() {
  return Location{SqliteFile{folder / fmt::format("calls-{}.db", ++made)}};
}

std::optional<Location> PostgresKit::location() {
  PostgresServer* server = PostgresServer::get();
  if (!server) {
    MESSAGE("SKIPPED: there is no PostgreSQL server here (package postgresql; scripts/setup --test)");
    return std::nullopt;
  }
  return Location{PostgresUrl{server->fresh()}};
}

} // namespace talky::store::test
