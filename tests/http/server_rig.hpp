// An HTTP server on a thread of its own, and a client that sends exactly what it is told to.
#pragma once
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "http/router.hpp"
#include "http/server.hpp"
#include "net/socket_address.hpp"

namespace talky::http::test {

using namespace std::chrono_literals;
using net::Fd;
using net::Loop;
using net::now;
using net::Timer;
namespace detail = net::detail;

inline constexpr auto kPlenty =
    std::chrono::seconds(60); // for what happens at once unless the machine has other things to do

// A client that sends exactly what it is told to.
class Client {
 public:
  explicit Client(const Endpoint& server, int receive_buffer = 0) {
    const auto address = detail::from_endpoint(server);
    fd_ = Fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer > 0) {
      REQUIRE(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer) == 0);
    }
    REQUIRE(::connect(fd_.get(), address.get(), address.size) == 0);
  }
  void say(std::string_view text) {
    while (!text.empty()) {
      const ssize_t count = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return; // the server has had enough, which is what some tests are about
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void shut() { ::shutdown(fd_.get(), SHUT_WR); }
  // Reads until `enough` or the end of the stream; gives all that was read since the last call.
  template <class Enough>
  std::string read(Enough enough) {
    std::string out = std::exchange(rest_, {});
    while (!enough(out)) {
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 60'000) != 1) return out + "<nothing for a minute>";
      char buffer[65536];
      const ssize_t count = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) {
        ended_ = true;
        return out;
      }
      out.append(buffer, static_cast<std::size_t>(count));
    }
    return out;
  }
  // Waits until the first byte is there, and leaves it.
  bool answered() const {
    pollfd ready{fd_.get(), POLLIN, 0};
    return ::poll(&ready, 1, 60'000) == 1;
  }
  std::string to_end() {
    return read([](const std::string&) { return false; });
  }
  std::string until(const std::string& mark) {
    std::string out = read([&](const std::string& text) { return text.find(mark) != std::string::npos; });
    const std::size_t at = out.find(mark);
    if (at == std::string::npos) return out;
    rest_ = out.substr(at + mark.size());
    return out.substr(0, at + mark.size());
  }
  bool ended() const { return ended_; }

 private:
  Fd fd_;
  std::string rest_;
  bool ended_ = false;
};

// A server on a thread of its own.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    char name[] = "/tmp/talky-http-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    folder_ = name;
    router_.add(Method::get, "/hello", [](const Request& request, const Reply& reply) {
      reply(Response::text(200, "text/plain", "hello " + request.query_value("name").value_or("nobody")));
    });
    router_.add(Method::post, "/echo", [](const Request& request, const Reply& reply) {
      reply(Response::text(200, "text/plain", request.body));
    });
    router_.add(Method::get, "/big", [](const Request&, const Reply& reply) {
      reply(Response::text(200, "text/plain", std::string(kBig, 'x')));
    });
    router_.add(Method::get, "/later", [this](const Request&, const Reply& reply) {
      later_ = reply;
      arrived_ = true;
    });
    router_.add(Method::get, "/never", [](const Request&, const Reply&) {});
    router_.add(Method::get, "/evil", [](const Request&, const Reply& reply) {
      Response response = Response::text(200, "text/plain", "fine");
      response.headers.add("X-Evil", "a\r\nSet-Cookie: b");
      reply(std::move(response));
    });
    router_.add(Method::get, "/tagged", [](const Request&, const Reply& reply) {
      Response response = Response::text(200, "text/plain", "tagged");
      response.headers.add("ETag", "\"1\"");
      reply(std::move(response));
    });
    router_.add(Method::get, "/file/{name}", [this](const Request& request, const Reply& reply) {
      Response response;
      response.file = BodyFile{folder_ + "/" + std::string(request.parameter("name"))};
      response.headers.add("Content-Type", "audio/wav");
      reply(std::move(response));
    });
    router_.add(Method::get, "/stream", [this](const Request&, const Reply& reply) {
      Response response = Response::text(200, "text/event-stream", "");
      response.stream = [this](const std::shared_ptr<BodyStream>& stream) {
        stream_ = stream;
        stream->on_closed([this] { stream_closed_ = true; });
        stream->write("data: 1\n\n");
      };
      reply(std::move(response));
    });
    router_.add(Method::get, "/socket", [](const Request&, const Reply& reply) {
      Response response;
      response.websocket = [](const std::shared_ptr<WebSocket>& socket) {
        WebSocket::Handlers handlers;
        handlers.text = [weak = std::weak_ptr(socket)](std::string_view text) {
          if (const auto open = weak.lock()) open->send_text(std::string("you said ").append(text));
        };
        socket->start(std::move(handlers));
        socket->send_text("welcome");
      };
      reply(std::move(response));
    });
    server_ = std::make_unique<Server>(
        loop_, options, [this](Request request, const Reply& reply) { router_(std::move(request), reply); },
        nullptr);
    const auto bound = server_->listen(*Endpoint::parse("127.0.0.1:0"));
    REQUIRE(bound.has_value());
    endpoint = *bound;
    thread_ = std::thread([this] {
      ::signal(SIGPIPE, SIG_IGN);
      loop_.run();
    });
  }
  ~TestServer() {
    on_loop([this] {
      later_ = {};
      stream_.reset();
      server_.reset();
    });
    loop_.stop();
    thread_.join();
    const std::string command = "rm -r " + folder_;
    CHECK(std::system(command.c_str()) == 0); // NOLINT(cert-env33-c)
  }

  void on_loop(std::function<void()> task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  void file(const std::string& name, const std::string& text) { std::ofstream(folder_ + "/" + name) << text; }
  void answer_later(Response response) {
    on_loop([&] { later_(std::move(response)); });
  }
  Server& server() { return *server_; }
  std::shared_ptr<BodyStream> stream() { return stream_; }
  std::size_t connections() {
    std::size_t out = 0;
    on_loop([&] { out = server_->connections(); });
    return out;
  }

  static constexpr std::size_t kBig = 8 << 20;
  Endpoint endpoint;
  std::atomic<bool> arrived_ = false;
  std::atomic<bool> stream_closed_ = false;

 private:
  Loop loop_;
  std::string folder_;
  Router router_;
  std::unique_ptr<Server> server_;
  Reply later_;
  std::shared_ptr<BodyStream> stream_;
  std::thread thread_;
};

template <class Condition>
bool comes_true(Condition condition) {
  for (int i = 0; i < 6000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

inline std::string request(std::string_view line, std::string_view fields = "", std::string_view body = "") {
  return fmt::format("{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n{}", line, fields, body);
}
inline std::string body_of(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "<no header>" : answer.substr(end + 4);
}
inline int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : 0; // NOLINT(cert-err34-c)
}
inline std::string ask(const TestServer& server, std::string_view line, std::string_view fields = "",
                       std::string_view body = "") {
  Client client(server.endpoint);
  client.say(request(line, fmt::format("Connection: close\r\n{}", fields), body));
  return client.to_end();
}

} // namespace talky::http::test
