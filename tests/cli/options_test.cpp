#include "cli/options.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

using talky::cli::ExitCode;
using talky::cli::Options;
using talky::cli::Source;

namespace {

// What a function prints on a descriptor.
template <class Function>
std::string captured(int fd, Function function) {
  std::fflush(nullptr);
  std::FILE* file = std::tmpfile();
  const int old = ::dup(fd);
  ::dup2(::fileno(file), fd);
  function();
  std::fflush(nullptr);
  ::dup2(old, fd);
  ::close(old);
  std::rewind(file);
  std::string out;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file))
    out += static_cast<char>(c);
  std::fclose(file);
  return out;
}

struct Tool {
  std::vector<std::string> listen{"127.0.0.1:5060"};
  std::string record = "calls";
  std::optional<std::string> users;
  std::uint16_t port = 1000;
  std::int32_t offset = 0;
  double gain = 1.5;
  bool open = false;
  std::string key;
  std::string number;
  std::vector<std::string> files;
  Options options{"demo", "shows how"};
  std::string err, out;

  Tool() {
    options.config_file();
    options.group("Network");
    options.add("listen", listen, "HOST:PORT", "where to listen");
    options.add("rtp-port", port, "N", "a port").alias('p');
    options.flag("open", open, "no password");
    options.group("Rest");
    options.add("record", record, "DIR", "where to record").directories();
    options.add("users", users, "FILE", "who may").files();
    options.add("offset", offset, "N", "a number");
    options.add("gain", gain, "X", "a factor");
    options.add("api-key", key, "KEY", "for the service").secret();
    options.add("mode", mode, "MODE", "how").choices({"fast", "slow"});
    options.positional("FILE", files, "what to read");
    options.command("explain", "say why");
    options.positional("NUMBER", number, "a number", true);
    options.example("talky-demo x.wav", "reads x.wav");
  }
  std::string mode = "fast";

  std::optional<int> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "talky-demo");
    std::optional<int> code;
    err = captured(STDERR_FILENO, [&] {
      out = captured(STDOUT_FILENO,
                     [&] { code = options.parse(static_cast<int>(arguments.size()), arguments.data()); });
    });
    return code;
  }
};

struct Environment {
  std::vector<std::string> names;
  void set(const char* name, const char* value) {
    names.emplace_back(name);
    ::setenv(name, value, 1);
  }
  ~Environment() {
    for (const std::string& name : names)
      ::unsetenv(name.c_str());
  }
};

struct ConfigFile {
  std::string path = "/tmp/talky-cli-test-" + std::to_string(::getpid()) + ".yaml";
  explicit ConfigFile(const std::string& text) { std::ofstream(path) << text; }
  ~ConfigFile() { ::unlink(path.c_str()); }
};

} // namespace

TEST_CASE("flag beats environment beats file beats default, for every kind of option") {
  const ConfigFile file(
      "# a comment\nlisten: [\"1.1.1.1:1\", \"2.2.2.2:2\"]\nrtp-port: 11\nopen: yes\nrecord: from-file\n"
      "gain: 2\nmode: slow\noffset: -5\n");
  Environment environment;
  environment.set("TALKY_DEMO_RTP_PORT", "22");
  environment.set("TALKY_DEMO_LISTEN", "3.3.3.3:3; 4.4.4.4:4");
  environment.set("TALKY_DEMO_OPEN", "off");
  environment.set("TALKY_DEMO_MODE", "fast");
  {
    Tool tool;
    CHECK(tool.parse({"--config", file.path.c_str(), "--rtp-port", "33", "--listen", "a", "--listen=b"}) ==
          std::nullopt);
    CHECK(tool.port == 33);
    CHECK(tool.listen == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(tool.open);
    CHECK(tool.record == "from-file");
    CHECK(tool.gain == 2.0);
    CHECK(tool.offset == -5);
    CHECK(tool.mode == "fast");
    CHECK(tool.options.source("rtp-port") == Source::flag);
    CHECK(tool.options.source("listen") == Source::flag);
    CHECK(tool.options.source("open") == Source::environment);
    CHECK(tool.options.source("record") == Source::file);
    CHECK(tool.options.source("users") == Source::standard);
  }
  {
    Tool tool;
    CHECK(tool.parse({"--config", file.path.c_str()}) == std::nullopt);
    CHECK(tool.port == 22);
    Tool off;
    CHECK(off.parse({"--config", file.path.c_str(), "--no-open"}) == std::nullopt);
    CHECK_FALSE(off.open);
    CHECK(off.options.source("open") == Source::flag);
    CHECK(Tool().parse({"--open", "--no-open"}) == 64);
    CHECK(Tool().parse({"--open=perhaps"}) == 64);
    CHECK(Tool().parse({"--no-open=false"}) == 64);
    Tool valued;
    CHECK(valued.parse({"--config", file.path.c_str(), "--open", "--open=false"}) == std::nullopt);
    CHECK_FALSE(valued.open);
    CHECK(tool.listen == std::vector<std::string>{"3.3.3.3:3", "4.4.4.4:4"});
  }
  {
    Environment where;
    where.set("TALKY_DEMO_CONFIG", file.path.c_str());
    Tool tool;
    CHECK(tool.parse({}) == std::nullopt);
    CHECK(tool.record == "from-file");
  }
}

TEST_CASE("errors name the source, the value and what was expected, with the right exit code") {
  struct Case {
    std::vector<const char*> arguments;
    int code;
    const char* text;
  };
  const Case cases[] = {
      {{"--rtp-port", "70000"}, 64, "--rtp-port: \"70000\" is not a whole number from 0 to 65535"},
      {{"--rtp-port", "5x"}, 64, "is not a whole number"},
      {{"--gain", "loud"}, 64, "--gain: \"loud\" is not a number"},
      {{"--mode", "medium"}, 64, "--mode: \"medium\" is not one of fast, slow"},
      {{"--unknown"}, 64, "--unknown"},
      {{"--rtp-port"}, 64, "--rtp-port"},
      {{"--rtp-port", "1", "--rtp-port", "2"}, 64, "given 2 times"},
      {{"explain"}, 64, "NUMBER is missing"},
      {{"--api-key", "x"}, 64, "--api-key"},
      {{"--config", "/nonexistent.yaml"}, 66, "/nonexistent.yaml: cannot be read"},
      {{"--completion", "ksh"}, 64, "\"ksh\" is not bash, zsh or fish"},
  };
  for (const Case& c : cases) {
    Tool tool;
    CHECK(tool.parse(c.arguments) == c.code);
    CAPTURE(tool.err);
    CHECK(tool.err.find(c.text) != std::string::npos);
    CHECK(tool.err.starts_with("talky-demo: "));
    CHECK(std::count(tool.err.begin(), tool.err.end(), '\n') == 1);
    CHECK(tool.out.empty());
  }
  const std::pair<const char*, const char*> files[] = {
      {"\nrtp-port: 99999\n", ":2: rtp-port: \"99999\" is not a whole number from 0 to 65535"},
      {"nonsense: 1\n", ":1: unknown key \"nonsense\""},
      {"config: x\n", ":1: unknown key \"config\""},
      {"record: [a, b]\n", ":1: record: expected one value"},
      {"- a\n", ":1: expected lines of the form `key: value`"},
      {"record: a: b\n", ":1: illegal map value"},
      {"listen: [[a]]\n", "expected a list of texts"},
      {"api-key: {a: hidden-word}\n", "expected one value"},
  };
  for (const auto& each : files) {
    const char* const text = each.first;
    const char* const expected = each.second;
    const ConfigFile file(text);
    CAPTURE(text);
    Tool tool;
    CHECK(tool.parse({"--config", file.path.c_str()}) == 78);
    CAPTURE(tool.err);
    CHECK(tool.err.find(expected) != std::string::npos);
    CHECK(tool.err.find(file.path) != std::string::npos);
  }
  Environment environment;
  environment.set("TALKY_DEMO_GAIN", "\x1b[31mloud");
  Tool tool;
  CHECK(tool.parse({}) == 78);
  CHECK(tool.err.find("TALKY_DEMO_GAIN: ") != std::string::npos);
  CHECK(tool.err.find('\x1b') == std::string::npos);
}

TEST_CASE("--print-config is a configuration that gives the same values, and keeps secrets") {
  Environment environment;
  environment.set("TALKY_DEMO_API_KEY", "sesame");
  Tool tool;
  CHECK(tool.parse({"--record", "a \"b\" #c: d", "--listen", "[::1]:5060", "--open", "--print-config"}) == 0);
  CHECK(tool.out.find("sesame") == std::string::npos);
  CHECK(tool.out.find("api-key: \"********\" # environment") != std::string::npos);
  CHECK(tool.out.find("rtp-port: 1000 # default") != std::string::npos);
  const ConfigFile file(tool.out);
  Tool again;
  CHECK(again.parse({"--config", file.path.c_str()}) == std::nullopt);
  CHECK(again.record == "a \"b\" #c: d");
  CHECK(again.listen == std::vector<std::string>{"[::1]:5060"});
  CHECK(again.open);
  CHECK(again.key == "sesame"); // from the environment, which beats the mask
}

TEST_CASE("--check-config checks what the tool says, without going on") {
  Tool good;
  CHECK(good.parse({"--check-config"}) == 0);
  CHECK((good.out + good.err).empty());
  Tool bad;
  bad.options.validate([] { throw talky::cli::Failure(ExitCode::config, "users: no such file"); });
  CHECK(bad.parse({"--check-config"}) == 78);
  CHECK(bad.err == "talky-demo: users: no such file\n");
}

TEST_CASE("commands and arguments") {
  Tool tool;
  CHECK(tool.parse({"explain", "100", "--open"}) == std::nullopt);
  CHECK(tool.options.command() == "explain");
  CHECK(tool.number == "100");
  CHECK(tool.open);
  Tool files;
  CHECK(files.parse({"a.wav", "-", "-p", "5", "--", "--odd"}) == std::nullopt);
  CHECK(files.files == std::vector<std::string>{"a.wav", "-", "--odd"});
  CHECK(files.port == 5);
  CHECK(files.options.command().empty());
}

TEST_CASE("--help fits a screen and ends with examples; --version") {
  Tool tool;
  CHECK(tool.parse({"--help"}) == 0);
  CHECK(tool.err.empty());
  for (const char* text :
       {"--rtp-port N", "-p,", "[1000]", "TALKY_DEMO_API_KEY", "explain", "Network:", "--config FILE"})
    CHECK(tool.out.find(text) != std::string::npos);
  CHECK(tool.out.ends_with("talky-demo x.wav\n      reads x.wav\n"));
  std::size_t longest = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < tool.out.size(); ++i) {
    if (tool.out[i] != '\n') continue;
    longest = std::max(longest, i - start);
    start = i + 1;
  }
  CHECK(longest <= 100);
  Tool version;
  CHECK(version.parse({"--version"}) == 0);
  CHECK(version.out == "talky-demo " TALKY_VERSION "\n");
}

TEST_CASE("what is rare stands in --help-all alone") {
  Tool all;
  CHECK(all.parse({"--help-all"}) == 0);
  Tool before;
  CHECK(before.parse({"--help"}) == 0);
  CHECK(all.out == before.out); // nothing is rare yet
  CHECK(before.out.find("--help-all") == std::string::npos);

  Tool tool;
  tool.options.rare({"rtp-port"});
  CHECK(tool.parse({"--help"}) == 0);
  CHECK(tool.out.find("--rtp-port") == std::string::npos);
  CHECK(tool.out.find("--help-all              print it with 1 more option") != std::string::npos);
  Tool whole;
  whole.options.rare({"rtp-port"});
  CHECK(whole.parse({"--help-all"}) == 0);
  CHECK(whole.out.find("--rtp-port N") != std::string::npos);
  Tool used;
  used.options.rare({"rtp-port"});
  CHECK(used.parse({"--rtp-port", "7"}) == std::nullopt);
  CHECK(used.port == 7);
  CHECK_THROWS_AS(used.options.rare({"no-such"}), std::logic_error);
}

TEST_CASE("the completion scripts are valid and know the options") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    Tool tool;
    CHECK(tool.parse({"--completion", shell}) == 0);
    CHECK(tool.out.find("rtp-port") != std::string::npos);
    CHECK(tool.out.find("api-key") == std::string::npos);
    if (std::string(shell) != "bash") continue;
    const ConfigFile script(
        tool.out + "COMP_WORDS=(talky-demo --mode s); COMP_CWORD=2; _talky_demo; echo ${COMPREPLY[*]}\n");
    std::FILE* pipe = ::popen(("bash " + script.path).c_str(), "r"); // NOLINT(cert-env33-c): our own script
    REQUIRE(pipe);
    char line[64] = {};
    CHECK(std::fgets(line, sizeof line, pipe) != nullptr);
    CHECK(std::string(line) == "slow\n");
    CHECK(::pclose(pipe) == 0);
  }
}

TEST_CASE("flags of a command: understood there alone, and told in its own help") {
  struct WithList : Tool {
    std::string since;
    bool json = false;
    WithList() {
      options.command("list", "list them");
      options.group("Which");
      options.add("since", since, "WHEN", "after that").of_command();
      options.flag("json", json, "as JSON").of_command();
      options.example_of("list", "talky-demo list --since 7d", "of last week");
    }
  };
  {
    WithList tool;
    CHECK(tool.parse({"list", "--since", "7d", "--json", "--rtp-port", "7"}) == std::nullopt);
    CHECK(tool.options.command() == "list");
    CHECK(tool.since == "7d");
    CHECK(tool.json);
    CHECK(tool.port == 7);
  }
  {
    WithList tool;
    CHECK(tool.parse({"--since", "7d"}) == static_cast<int>(ExitCode::usage));
  }
  {
    Environment environment; // no variable of its own
    environment.set("TALKY_DEMO_SINCE", "9d");
    WithList tool;
    CHECK(tool.parse({"list"}) == std::nullopt);
    CHECK(tool.since.empty());
  }
  {
    WithList tool;
    CHECK(tool.parse({"--help"}) == 0);
    CHECK(tool.out.find("--since") == std::string::npos);
    CHECK(tool.out.find("list them") != std::string::npos);
  }
  {
    WithList tool;
    CHECK(tool.parse({"list", "--help"}) == 0);
    CHECK(tool.out.starts_with("talky-demo list: list them\n"));
    CHECK(tool.out.find("--since WHEN") != std::string::npos);
    CHECK(tool.out.find("--rtp-port") == std::string::npos);
    CHECK(tool.out.ends_with("talky-demo list --since 7d\n      of last week\n"));
  }
  {
    WithList tool;
    CHECK(tool.parse({"explain", "--help", "1"}) == 0);
    CHECK(tool.out.find("--rtp-port") != std::string::npos);
  }
}
