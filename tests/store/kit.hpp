// What the tests of the store share: a folder of their own, records, and a PostgreSQL server that the test
// starts itself: in a temporary folder, on a UNIX socket only, as another user where the test runs as root
// (the server refuses that).
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "store/database.hpp"
#include "store/record.hpp"

namespace talky::store::test {

class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// "00000000-0000-4000-8000-00000000002a" for 42.
std::string uuid(std::uint64_t number);
// Every member has a value of its own that follows from the number; two files, three things said.
CallRecord record(std::uint64_t number);

std::string contents(const std::string& path);
void write(const std::string& path, std::string_view text);

class PostgresServer {
 public:
  // nullptr where the package is not installed. One for the whole test program.
  static PostgresServer* get();
  ~PostgresServer();

  // URL of a fresh, empty database.
  std::string fresh();
  std::string superuser() const;    // URL of the database "postgres"
  void run(const std::string& sql); // in the database "postgres"
  void stop();                      // at once, as a crash
  void start();

 private:
  PostgresServer();
  bool shell(const std::string& command) const;

  Folder folder_;
  std::string bin_;
  std::string as_; // prefix of a command: becomes the server's user
  bool works_ = false;
  int made_ = 0;
};

// Where the tests of every database run: SqliteKit or PostgresKit. location() is a new, empty place.
struct SqliteKit {
  Folder folder;
  int made = 0;
  std::optional<Location> location();
};
struct PostgresKit {
  std::optional<Location> location(); // nullopt, with a line, where there is no server to be had
};

} // namespace talky::store::test
