// Who may use which path of the HTTP API.
#include "sipd/api/route_table.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace {

using namespace talky;
using sipd::Role;

constexpr const char* kReader = "0123456789abcdef-read";
constexpr const char* kOperator = "0123456789abcdef-operate";

std::shared_ptr<const sipd::Tokens> tokens() {
  const auto path = std::filesystem::temp_directory_path() / fmt::format("talky-tokens-{}", ::getpid());
  std::ofstream(path) << "read:" << kReader << "\noperate:" << kOperator << "\n";
  auto out = std::make_shared<const sipd::Tokens>(sipd::Tokens::load(path.string()));
  std::filesystem::remove(path);
  return out;
}

struct Fixture {
  explicit Fixture(std::shared_ptr<const sipd::Tokens> known = nullptr) : access(std::move(known)) {
    access.listens_on({*IpAddress::parse("127.0.0.1"), 8000});
    const auto ok = [this](const http::Request&, const http::Reply& reply) {
      ++served;
      reply(http::Response::text(200, "text/plain", "ok"));
    };
    routes.get("/open", Role::none, ok);
    routes.get("/things/{id}", Role::read, ok);
    routes.post("/things/{id}", ok);
  }

  int status(http::Method method, std::string path, std::string_view token = "",
             std::string_view host = "127.0.0.1:8000", std::string_view origin = "") {
    http::Request request;
    request.method = method;
    request.path = std::move(path);
    request.headers.add("Host", host);
    if (!token.empty()) request.headers.add("Authorization", fmt::format("Bearer {}", token));
    if (!origin.empty()) request.headers.add("Origin", origin);
    int out = 0;
    routes.serve(std::move(request), http::Reply([&out](const http::Response& r) { out = r.status; }));
    return out;
  }

  sipd::Access access;
  sipd::RouteTable routes{access};
  int served = 0;
};

struct Guarded : Fixture {
  Guarded() : Fixture(tokens()) {}
};

using http::Method;

} // namespace

TEST_CASE("without tokens everybody on this machine may do everything, but no page from elsewhere") {
  Fixture f;
  CHECK(f.status(Method::get, "/open") == 200);
  CHECK(f.status(Method::get, "/things/1") == 200);
  CHECK(f.status(Method::post, "/things/1") == 200);
  CHECK(f.status(Method::get, "/open", "", "localhost:8000") == 200);
  CHECK(f.status(Method::get, "/open", "", "127.0.0.1:8000", "http://127.0.0.1:8000") == 200);
  CHECK(f.served == 5);
  CHECK(f.status(Method::get, "/open", "", "evil.example") == 421);
  CHECK(f.status(Method::get, "/open", "", "127.0.0.1:8000", "http://evil.example") == 403);
  CHECK(f.served == 5);
}

TEST_CASE_FIXTURE(Guarded, "a token is asked for by the path, and for as much as the path says") {
  CHECK(status(Method::get, "/open") == 200);
  CHECK(status(Method::get, "/things/1") == 401);
  CHECK(status(Method::get, "/things/1", "0123456789abcdef-wrong") == 401);
  CHECK(status(Method::get, "/things/1", kReader) == 200);
  CHECK(status(Method::post, "/things/1", kReader) == 403);
  CHECK(status(Method::post, "/things/1", kOperator) == 200);
  CHECK(status(Method::get, "/things/1", kOperator) == 200);
  CHECK(served == 4);
}

TEST_CASE_FIXTURE(Guarded, "where a request comes from is asked before it learns what there is") {
  CHECK(status(Method::get, "/nothing") == 404);
  CHECK(status(Method::put, "/things/1") == 405);
  CHECK(status(Method::get, "/nothing", "", "127.0.0.1:8000", "http://evil.example") == 403);
  CHECK(status(Method::put, "/things/1", kOperator, "127.0.0.1:8000", "http://evil.example") == 403);
  CHECK(served == 0);
}

TEST_CASE_FIXTURE(Guarded, "the index names each path with its role, in the order of the table") {
  const std::string json = routes.index_json();
  const auto at = [&](std::string_view text) { return json.find(text); };
  CHECK(at(R"({"method":"GET","path":"/open","role":"none"})") != std::string::npos);
  CHECK(at(R"({"method":"GET","path":"/things/{id}","role":"read"})") <
        at(R"({"method":"POST","path":"/things/{id}","role":"operate"})"));
}
